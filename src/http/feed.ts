// What the three transports of the live feed share: reading the request, the order of messages
// (hello, then a reset or the replay, then live), and the snapshot.

import type { Context } from 'hono';
import type { EventBus } from '../events/types.ts';
import type { Clock } from '../host/clock.ts';
import type { FeedEvent } from '../model/event.ts';
import type { ApiEnv } from './api-app.ts';
import type { OpenFeeds } from './open-feeds.ts';
import { faultsOf, invalidRequest } from './problem.ts';
import { type FeedMessage, type FeedQuery, FeedQuerySchema } from './schemas/feed.ts';
import { isoOf, wireEvent } from './wire.ts';

export type FeedDeps = {
  bus: EventBus;
  clock: Clock;
  feeds: OpenFeeds;
  /** Waited for between two writes to a listener. */
  beat(): Promise<void>;
  /** Answered in `hello`. */
  identity: { version: string; machineId: string };
  /** The full state, for a listener that cannot be brought up to date event by event. */
  snapshot(): Promise<Record<string, unknown>>;
};

/** Events that may wait for one slow listener before it is dropped. */
const BUFFERED_EVENTS = 10_000;
const MANY_EVENTS = 100;
export const PING_EVERY_MS = 30_000;

/** The query, with SSE's `Last-Event-ID` in the place of `since`. @throws Failure `invalid-request` */
export function readFeedQuery(c: Context): FeedQuery {
  const query: Record<string, string> = { ...c.req.query() };
  const lastEventId = c.req.header('last-event-id');
  // A browser that reconnects repeats the old address: what it saw last is newer than its `since`.
  if (lastEventId !== undefined) query.since = lastEventId;
  const parsed = FeedQuerySchema.safeParse(query);
  if (!parsed.success) throw invalidRequest(faultsOf(parsed.error.issues));
  return parsed.data;
}

/** Where the messages of one feed go. `send` resolves when the listener can take more. */
type FeedSink = {
  send(messages: readonly FeedMessage[]): void | Promise<void>;
  /** The listener does not read; nothing follows. */
  onOverflow(): void;
  /** Bringing the listener up to date failed; nothing follows. */
  onFault(error: unknown): void;
};

/**
 * Sends `hello` at once, then the replay or a reset, then live events: no gap, no duplicate.
 * `hello.id` is the position from which the listener goes on, so ids only grow.
 */
export function openFeed(deps: FeedDeps, query: FeedQuery, sink: FeedSink): { close(): void } {
  const latestId = deps.bus.latestId();
  const foreign = query.since !== undefined && isForeign(deps.bus, query);
  // A `since` of the future may have been seen on another machine of this queue: the bus finds out.
  const position = foreign ? latestId : Math.min(query.since ?? latestId, latestId);
  let subscription: { close(): void } | undefined;
  const send = async (build: () => Promise<readonly FeedMessage[]> | readonly FeedMessage[]) => {
    try {
      await sink.send(await build());
    } catch (error) {
      subscription?.close();
      sink.onFault(error);
    }
  };
  const hello = send(() => [helloMessage(deps, position)]);
  const reset = (id: number) => send(async () => [await resetMessage(deps, id)]);
  const opening = foreign ? hello.then(() => reset(latestId)) : hello;
  subscription = deps.bus.subscribe({
    ...(foreign ? { since: latestId } : query.since === undefined ? {} : { since: query.since }),
    ...typesOf(query),
    bufferLimit: BUFFERED_EVENTS,
    onEvents: async (events) => {
      await opening;
      await send(() => events.map(messageOf));
      // A replay has more to carry at once than a beat could gather.
      if (events.length < MANY_EVENTS) await deps.beat();
    },
    onReset: async (id) => {
      await opening;
      await reset(id);
    },
    onOverflow: sink.onOverflow,
  });
  return subscription;
}

// Every listener is handed the same events: their messages and texts are made once for all of them, and kept no longer than
// the events. For 1,000 listeners that was a third of the time.
const messages = new WeakMap<FeedEvent, FeedMessage>();
const texts = new WeakMap<FeedMessage, string>();

function messageOf(event: FeedEvent): FeedMessage {
  const made = messages.get(event) ?? wireEvent(event);
  messages.set(event, made);
  return made;
}

/** A message as it goes out. */
export function textOf(message: FeedMessage): string {
  const made = texts.get(message) ?? JSON.stringify(message);
  texts.set(message, made);
  return made;
}

/** Ids that were seen in another database mean nothing in this one. */
export function isForeign(bus: EventBus, { epoch }: Pick<FeedQuery, 'epoch'>): boolean {
  return epoch !== undefined && epoch !== bus.epoch;
}

/** `hello` and `reset` are the feed's own and always come; the rest is filtered by the bus. */
function typesOf({ types }: FeedQuery): { types?: string[] } {
  return types === undefined || types.includes('*') ? {} : { types };
}

function helloMessage(deps: FeedDeps, id: number): FeedMessage {
  const { bus, clock, identity } = deps;
  const data = { epoch: bus.epoch, latestId: bus.latestId(), ...identity };
  return { id, at: isoOf(clock.now()), type: 'hello', projectId: null, jobId: null, data };
}

export async function resetMessage(deps: FeedDeps, id: number): Promise<FeedMessage> {
  const data = { epoch: deps.bus.epoch, ...(await deps.snapshot()) };
  return { id, at: isoOf(deps.clock.now()), type: 'reset', projectId: null, jobId: null, data };
}

/** The named token of the caller; null without one. */
export function holderOf(c: Context<ApiEnv>): string | null {
  return c.get('caller')?.tokenId ?? null;
}
