// Which snapshots are worth offering: all of the last day, one an hour for a week, one a day for a month. Pure.

/**
 * How long snapshots are kept, each in milliseconds back from now: every one up to `allForMs`, the last of each hour
 * up to `hourlyForMs`, the last of each day (UTC) up to `dailyForMs`.
 */
export type RetentionPolicy = {
  readonly allForMs: number;
  readonly hourlyForMs: number;
  readonly dailyForMs: number;
};

/** What the rule looks at; `branch` names the timeline. */
type DatedSnapshot = { readonly id: string; readonly branch: string; readonly at: number };

const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

/**
 * The ids to keep. The newest snapshot of a branch always stays. Hours and days are fixed spans of the calendar and
 * the last snapshot of each stays, so what a later look keeps, every earlier one kept too.
 */
export function whichToKeep(
  snapshots: readonly DatedSnapshot[],
  policy: RetentionPolicy,
  now: number,
): Set<string> {
  const newestFirst = snapshots.map((snapshot, order) => ({ snapshot, order }));
  // Of equal instants the one given first is the newer.
  newestFirst.sort((a, b) => b.snapshot.at - a.snapshot.at || a.order - b.order);
  const judge = createRetention(policy, now);
  return new Set(newestFirst.filter(({ snapshot }) => judge(snapshot)).map(({ snapshot }) => snapshot.id));
}

/** The same rule for a stream: asked newest first, answers whether to keep each. */
export function createRetention(
  policy: RetentionPolicy,
  now: number,
): (snapshot: Pick<DatedSnapshot, 'branch' | 'at'>) => boolean {
  const taken = new Set<string>();
  const isFirst = (key: string) => taken.size < taken.add(key).size;
  return ({ branch, at }) => {
    const isNewest = isFirst(branch);
    const hour = isFirst(`${branch}\0h${Math.floor(at / HOUR_MS)}`);
    const day = isFirst(`${branch}\0d${Math.floor(at / DAY_MS)}`);
    const ageMs = now - at;
    return (
      isNewest ||
      ageMs < policy.allForMs ||
      (hour && ageMs < policy.hourlyForMs) ||
      (day && ageMs < policy.dailyForMs)
    );
  };
}

/** From this age on nothing is kept but the newest, milliseconds. */
export function longestOf({ allForMs, hourlyForMs, dailyForMs }: RetentionPolicy): number {
  return Math.max(allForMs, hourlyForMs, dailyForMs);
}
