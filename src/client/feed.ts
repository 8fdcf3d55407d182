// The live feed as an async iterator that comes back by itself: it resumes after the last message that was taken,
// waits longer after each failure, and ends only when the caller ends it or the service refuses for good.

import type { FeedMessage } from '../http/schemas/feed.ts';
import { type Service, send } from './ask.ts';
import { ClientError, isPassing, lost } from './client-error.ts';
import type { FeedQuery, OpenFeed } from './feed-connection.ts';
import { openSocketFeed } from './feed-socket.ts';
import { openStreamFeed } from './feed-stream.ts';
import type { Platform } from './platform.ts';
import { HEALTH_PATH } from './routes.ts';

export type FeedOptions = {
  /** Replay everything after this id, then go live. Left out: live only. */
  since?: number;
  /** The `epoch` under which `since` was seen: when it is another now, a `reset` comes first. */
  epoch?: string;
  /** Types, or groups as `job.*`. `reset` comes always. */
  types?: readonly string[];
  /** Ends the iterator, without an error. */
  signal?: AbortSignal;
  /** Told of each connection and each break. */
  onConnection?(connection: Connection): void;
};

/** Messages but `hello`, which tells of a connection and reaches `onConnection`. */
export type FeedEvent = Omit<FeedMessage, 'type'> & { type: Exclude<FeedMessage['type'], 'hello'> };

export type Connection =
  | { kind: 'open'; transport: Transport; epoch: string; version: string; machineId: string }
  | { kind: 'lost'; error: ClientError; retryInMs: number };
type Transport = 'websocket' | 'event-stream';

/** Where a feed goes on. `id` undefined: live. */
type Position = { id: number | undefined; epoch: string | undefined };

const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 30_000;
/** A peer that is gone may leave a connection that looks open; after so long it is asked whether it lives. */
const SILENCE_MS = 45_000;
const ANSWER_LIMIT_MS = 10_000;

/** @throws ClientError when the service refuses for good: an unknown type, a missing token, a foreign origin */
export async function* followFeed(service: Service, options: FeedOptions): AsyncGenerator<FeedEvent, void> {
  const { signal } = options;
  const position: Position = { id: options.since, epoch: options.epoch };
  let transport: Transport = service.platform.WebSocket === null ? 'event-stream' : 'websocket';
  let failures = 0;
  while (!signal?.aborted) {
    const fault = { error: lost('The service ended the feed.') };
    try {
      for await (const message of connect(service, { position, transport, options })) {
        failures = 0;
        const event = take(message, { position, transport, options });
        if (event !== null) yield event;
      }
    } catch (error) {
      if (signal?.aborted) return;
      if (!(error instanceof ClientError) || !isPassing(error)) throw error;
      fault.error = error;
    }
    if (signal?.aborted) return;
    // Plain HTTP passed where the upgrade did not: something between does not know WebSockets.
    if (fault.error.code === 'no-websocket') transport = 'event-stream';
    const retryInMs = Math.max(retryDelayMs(failures, service.platform), fault.error.retryAfterMs ?? 0);
    failures += 1;
    options.onConnection?.({ kind: 'lost', error: fault.error, retryInMs });
    await wait(service.platform, retryInMs, signal);
  }
}

type Following = { position: Position; transport: Transport; options: FeedOptions };

async function* connect(service: Service, { position, transport, options }: Following) {
  const over = new AbortController();
  const end = () => over.abort();
  options.signal?.addEventListener('abort', end, { once: true });
  const silence = watchSilence(service, end);
  const open: OpenFeed = transport === 'websocket' ? openSocketFeed : openStreamFeed;
  try {
    const query = queryOf(position, options);
    yield* open(service, { query, signal: over.signal, onHeard: silence.heard });
  } finally {
    silence.stop();
    options.signal?.removeEventListener('abort', end);
    end();
  }
}

/** What the caller gets of a message; moves the position, so that a later connection goes on after it. */
function take(message: FeedMessage, { position, transport, options }: Following): FeedEvent | null {
  const { type, id, data } = message;
  if (type === 'hello') {
    // Not a new epoch: a reset follows, and only that one makes it ours.
    position.epoch ??= String(data.epoch);
    position.id ??= id;
    const { epoch, version, machineId } = data;
    options.onConnection?.({
      ...{ kind: 'open', transport, epoch: String(epoch) },
      ...{ version: String(version), machineId: String(machineId) },
    });
    return null;
  }
  if (type === 'reset') position.epoch = String(data.epoch);
  else if (position.id !== undefined && id <= position.id) return null;
  position.id = id;
  return { ...message, type };
}

function queryOf(position: Position, { types }: FeedOptions): FeedQuery {
  return {
    ...(position.id !== undefined && { since: position.id }),
    ...(position.epoch !== undefined && { epoch: position.epoch }),
    ...(types !== undefined && { types: types.join(',') }),
  };
}

/** Doubles with every failure; half of it is left to chance, so that many clients do not come back at once. */
function retryDelayMs(failures: number, { random }: Platform): number {
  return Math.round(Math.min(FIRST_RETRY_MS * 2 ** failures, LAST_RETRY_MS) * (0.5 + random() / 2));
}

function wait({ timer }: Platform, delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      cancel();
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const cancel = timer(delayMs, end);
    signal?.addEventListener('abort', end, { once: true });
  });
}

/** Calls `onDead` when nothing was heard for long and the service does not answer either. */
function watchSilence(service: Service, onDead: () => void): { heard(): void; stop(): void } {
  const { timer } = service.platform;
  let over = false;
  let cancel = () => {};
  const restart = () => {
    cancel();
    if (!over) cancel = timer(SILENCE_MS, askWhether);
  };
  const askWhether = () => {
    send(service, 'GET', { path: HEALTH_PATH, timeoutMs: ANSWER_LIMIT_MS })
      .then((response) => response.body?.cancel())
      .then(restart, () => !over && onDead());
  };
  restart();
  return {
    heard: restart,
    stop() {
      over = true;
      cancel();
    },
  };
}
