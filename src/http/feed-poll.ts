// The live feed as plain JSON: one answer holds the next events, waiting for the first one (long poll).

import type { Context } from 'hono';
import { matchType } from '../events/match-type.ts';
import type { FeedEvent } from '../model/event.ts';
import type { ApiEnv } from './api-app.ts';
import { type FeedDeps, holderOf, isForeign, readFeedQuery, resetMessage } from './feed.ts';
import type { FeedMessage, FeedQuery } from './schemas/feed.ts';
import { wireEvent } from './wire.ts';

/** `gone`: the caller went away. `holder`: its named token. */
type Waiting = { gone: AbortSignal; holder: string | null };
type Page = { events: FeedMessage[]; nextSince: number };

/**
 * Without `since` it answers at once with the position to start from.
 * @throws Failure `invalid-request`, `too-many-listeners`
 */
export async function answerPoll(c: Context<ApiEnv>, deps: FeedDeps): Promise<Response> {
  const query = readFeedQuery(c);
  const page = await pageOf(deps, query, { gone: c.req.raw.signal, holder: holderOf(c) });
  return c.json({ success: true, epoch: deps.bus.epoch, ...page }, 200);
}

async function pageOf(deps: FeedDeps, query: FeedQuery, waiting: Waiting): Promise<Page> {
  const { since } = query;
  if (since === undefined) return { events: [], nextSince: deps.bus.latestId() };
  const latestId = deps.bus.latestId();
  // The bus would find out about a `since` of the future, but after an answer that was not to wait.
  if (isForeign(deps.bus, query) || since > latestId) return resetPage(deps, latestId);
  deps.feeds.checkRoom();
  const found = await waitForEvents(deps, { ...query, since }, waiting);
  return 'resetTo' in found ? resetPage(deps, found.resetTo) : found;
}

async function resetPage(deps: FeedDeps, latestId: number): Promise<Page> {
  return { events: [await resetMessage(deps, latestId)], nextSince: latestId };
}

/** Collects from the bus; pure, so that where a page ends is plain to see. */
function createPage(query: FeedQuery & { since: number }) {
  const wanted: FeedEvent[] = [];
  const isWanted = matchType(query.types);
  let position = query.since;
  return {
    /** Takes events until the page is full. */
    take(events: readonly FeedEvent[]): void {
      for (const event of events) {
        if (wanted.length === query.limit) return;
        position = event.id;
        if (isWanted(event.type)) wanted.push(event);
      }
    },
    isEmpty: () => wanted.length === 0,
    position: () => position,
    // Events that were filtered away are behind the caller too: the next call does not read them again.
    result: (): Page => ({ events: wanted.map(wireEvent), nextSince: position }),
  };
}

/** Ends with the first wanted events, or with none after the time, or when the caller or the service goes. */
function waitForEvents(
  deps: FeedDeps,
  query: FeedQuery & { since: number },
  { gone, holder }: Waiting,
): Promise<Page | { resetTo: number }> {
  const { bus, clock, feeds } = deps;
  const latestAtStart = bus.latestId();
  const page = createPage(query);
  return new Promise((resolve) => {
    const cleanups: (() => void)[] = [];
    let finished = false;
    let timeIsUp = false;
    const finish = (result: Page | { resetTo: number }) => {
      finished = true;
      for (const cleanup of cleanups) cleanup();
      resolve(result);
    };
    const answer = () => finish(page.result());
    // What is stored already is answered even when the caller did not want to wait.
    const answerWhenDue = () => {
      if (!page.isEmpty() || (timeIsUp && page.position() >= latestAtStart)) answer();
    };
    cleanups.push(feeds.add(async () => answer(), holder));
    cleanups.push(
      clock.timer(query.timeoutMs, () => {
        timeIsUp = true;
        answerWhenDue();
      }),
    );
    gone.addEventListener('abort', answer, { once: true });
    cleanups.push(() => gone.removeEventListener('abort', answer));
    const subscription = bus.subscribe({
      since: query.since,
      onEvents: (events) => {
        if (finished) return;
        page.take(events);
        answerWhenDue();
      },
      onReset: (resetTo) => finish({ resetTo }),
      onOverflow: answer,
    });
    if (finished) subscription.close();
    else cleanups.push(() => subscription.close());
  });
}
