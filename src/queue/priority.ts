// How urgent a job is, 0..10, 10 first. Pure. Starvation is not its concern: the queue ages waiting jobs.

const MINUTE_MS = 60_000;
const LEAST_COMPUTED = 2;

/** Points by the time since the last activity, most recent first. */
const ACTIVITY = [
  { withinMs: 5 * MINUTE_MS, points: 3 },
  { withinMs: 60 * MINUTE_MS, points: 2 },
  { withinMs: 24 * 60 * MINUTE_MS, points: 1 },
] as const;

/** Points by the number of commits that wait to be pushed, most first. */
const COMMITS = [
  { atLeast: 20, points: 3 },
  { atLeast: 5, points: 2 },
  { atLeast: 1, points: 1 },
] as const;

/**
 * A caller's own number wins (rounded, brought into 0..10). Otherwise 2..9, raised by recent activity, by the
 * main branch and by commits that wait: a caller can always go before (10) and after (0, 1) what is computed.
 * Instants are epoch milliseconds; `lastActivityAt` is null when nothing is known.
 */
export function priorityOf(input: {
  requested?: number;
  lastActivityAt: number | null;
  isMainBranch: boolean;
  pendingCommits: number;
  now: number;
}): number {
  const { requested, lastActivityAt, isMainBranch, pendingCommits, now } = input;
  if (requested !== undefined) return Math.min(10, Math.max(0, Math.round(requested)));
  const quietForMs = lastActivityAt === null ? Number.POSITIVE_INFINITY : now - lastActivityAt;
  const activity = ACTIVITY.find((row) => quietForMs < row.withinMs)?.points ?? 0;
  const commits = COMMITS.find((row) => pendingCommits >= row.atLeast)?.points ?? 0;
  return LEAST_COMPUTED + activity + (isMainBranch ? 1 : 0) + commits;
}
