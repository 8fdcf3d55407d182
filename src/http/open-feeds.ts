// The list of open feeds: how many there may be, ending all of them, and ending those whose holder may not call any more.

import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import { Failure } from '../model/failure.ts';

export type EndReason = 'going-away' | 'not-admitted';
/** Resolves when the peer is gone or was given up. */
type End = (reason: EndReason) => Promise<void>;

export type OpenFeeds = {
  /** @throws Failure `too-many-listeners`, `service-stopped` */
  checkRoom(): void;
  /** `tokenId`: of the caller, null without a named token. The returned function takes the feed off the list. */
  add(end: End, tokenId: string | null): () => void;
  /** Ends the feeds of tokens that were revoked or have expired. Also done by itself, every 30 s. */
  recheck(): void;
  size(): number;
  /** Ends every feed and admits no more. */
  closeAll(): Promise<void>;
};

/** Waiting, a listener costs a few kilobytes; reading, its share of every event. */
const MOST_LISTENERS = 5_000;
const RECHECK_EVERY_MS = 30_000;

export function createOpenFeeds(deps: {
  clock: Clock;
  log: Log;
  validTokenIds(tokenIds: readonly string[]): Promise<ReadonlySet<string>>;
}): OpenFeeds {
  const { clock, log } = deps;
  const open = new Map<End, string | null>();
  let closing = false;
  let cancelRecheck: (() => void) | null = null;

  async function endRefused(): Promise<void> {
    const tokenIds = [...new Set(open.values())].filter((tokenId) => tokenId !== null);
    if (tokenIds.length === 0) return;
    const valid = await deps.validTokenIds(tokenIds);
    const refused = [...open].filter(([, tokenId]) => tokenId !== null && !valid.has(tokenId));
    await Promise.all(refused.map(([end]) => end('not-admitted')));
  }

  function recheck(): void {
    cancelRecheck?.();
    cancelRecheck = null;
    if (closing) return;
    endRefused()
      .catch((error: unknown) => log.warn({ err: error }, 'the holders of feeds cannot be checked now'))
      .finally(scheduleRecheck);
  }

  /** Only while somebody with a named token listens. */
  function scheduleRecheck(): void {
    const needed = !closing && [...open.values()].some((tokenId) => tokenId !== null);
    if (needed) cancelRecheck ??= clock.timer(RECHECK_EVERY_MS, recheck);
  }

  return {
    checkRoom() {
      if (closing) throw new Failure('service-stopped', 'The service is shutting down.');
      if (open.size < MOST_LISTENERS) return;
      throw new Failure('too-many-listeners', `${open.size} feeds are open already.`);
    },
    add(end, tokenId) {
      open.set(end, tokenId);
      if (closing) void end('going-away');
      else if (tokenId !== null) cancelRecheck ??= clock.timer(RECHECK_EVERY_MS, recheck);
      return () => void open.delete(end);
    },
    recheck,
    size: () => open.size,
    async closeAll() {
      closing = true;
      cancelRecheck?.();
      await Promise.all([...open.keys()].map((end) => end('going-away')));
    },
  };
}
