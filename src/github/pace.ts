// Keeps requests of this process within the rates that GitHub documents: one REST request of an account at a time, a
// second between two that change something, 900 points a minute; for git, 6 pushes a minute and 15 reads a second of a
// repository. Waits; never refuses. Pauses that a host asks for, and the spacing of what is created, are gates.

import type { Clock } from '../host/clock.ts';

/** `creation` makes something new, which hosts limit more tightly; it goes before what waits. */
type RestKind = 'read' | 'write' | 'creation';

export type Pace = {
  /** Makes the request in the account's turn. The next one waits for its end, also when it fails. */
  rest<T>(account: string, kind: RestKind, make: () => Promise<T>, signal?: AbortSignal): Promise<T>;
  /** Resolves when git may send the request. */
  git(repository: string, kind: 'read' | 'push', signal: AbortSignal): Promise<void>;
};

/** At most `most` points within any `windowMs`. */
type Rate = { most: number; windowMs: number };

const POINTS: Rate = { most: 900, windowMs: 60_000 };
const COST = { read: 1, write: 5, creation: 5 } as const;
const BETWEEN_WRITES_MS = 1_000;
const GIT_RATES: Record<'read' | 'push', Rate> = {
  push: { most: 6, windowMs: 60_000 },
  read: { most: 15, windowMs: 1_000 },
};
/** What nobody used for its window is forgotten when there are so many. */
const MOST_REMEMBERED = 500;

export function createPace({ clock }: { clock: Pick<Clock, 'monotonic' | 'sleep'> }): Pace {
  const accounts = new Map<string, Account>();
  const repositories = new Map<string, Window>();
  return {
    rest(name, kind, make, signal) {
      const account = accounts.get(name) ?? newAccount();
      accounts.set(name, account);
      return new Promise((resolve, reject) => {
        const begin = () => inTurn(account, kind, make, clock, signal).then(resolve, reject);
        account[kind === 'creation' ? 'creations' : 'others'].push(begin);
        void goOn(account);
      });
    },
    git(repository, kind, signal) {
      const now = clock.monotonic();
      if (repositories.size > MOST_REMEMBERED)
        for (const [name, window] of repositories) if (window.isIdle(now)) repositories.delete(name);
      const name = `${kind} ${repository}`;
      const window = repositories.get(name) ?? new Window(GIT_RATES[kind]);
      repositories.set(name, window);
      const waitMs = window.reserve(1, now);
      return waitMs > 0 ? clock.sleep(waitMs, signal) : Promise.resolve();
    },
  };
}

type Account = {
  creations: (() => Promise<void>)[];
  others: (() => Promise<void>)[];
  isBusy: boolean;
  points: Window;
  freeAt: number;
};

const newAccount = (): Account => ({
  ...{ creations: [], others: [], isBusy: false, points: new Window(POINTS), freeAt: 0 },
});

/** What creates has waited for its instant already, and would lose its distance to the next behind many others. */
async function goOn(account: Account): Promise<void> {
  if (account.isBusy) return;
  account.isBusy = true;
  for (;;) {
    const next = account.creations.shift() ?? account.others.shift();
    if (next === undefined) break;
    await next();
  }
  account.isBusy = false;
}

async function inTurn<T>(
  account: Account,
  kind: RestKind,
  make: () => Promise<T>,
  clock: Pick<Clock, 'monotonic' | 'sleep'>,
  signal?: AbortSignal,
): Promise<T> {
  signal?.throwIfAborted();
  const now = clock.monotonic();
  const spacedMs = kind !== 'read' ? Math.max(0, account.freeAt - now) : 0;
  const waitMs = account.points.reserve(COST[kind], now + spacedMs) + spacedMs;
  if (waitMs > 0) await clock.sleep(waitMs, signal);
  try {
    return await make();
  } finally {
    // From its end: how long it takes on the way is not known here.
    if (kind !== 'read') account.freeAt = clock.monotonic() + BETWEEN_WRITES_MS;
  }
}

/** Points that were given out, each at its instant. */
class Window {
  readonly #rate: Rate;
  #given: { at: number; points: number }[] = [];

  constructor(rate: Rate) {
    this.#rate = rate;
  }

  /** Takes points at the first instant from `now` on at which there are enough; answers how long to wait for it. */
  reserve(points: number, now: number): number {
    const { most, windowMs } = this.#rate;
    this.#given = this.#given.filter(({ at }) => at > now - windowMs);
    // Those who came before have their instant; who comes later is not before them.
    let at = Math.max(now, this.#given.at(-1)?.at ?? now);
    for (const left of this.#given) {
      if (this.#sum(at - windowMs) + points <= most) break;
      at = Math.max(at, left.at + windowMs);
    }
    this.#given.push({ at, points });
    return at - now;
  }

  isIdle(now: number): boolean {
    return this.#given.every(({ at }) => at <= now - this.#rate.windowMs);
  }

  #sum(after: number): number {
    return this.#given.reduce((sum, each) => (each.at > after ? sum + each.points : sum), 0);
  }
}
