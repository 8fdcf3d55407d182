// The live feed over WebSocket. Knows the two kinds of raw socket (ws on Node, Deno's own) by what they can do.

import type { Context } from 'hono';
import type { WSContext } from 'hono/ws';
import type { Log } from '../host/log.ts';
import type { Host } from '../host/types.ts';
import { Failure } from '../model/failure.ts';
import type { ApiEnv } from './api-app.ts';
import { type FeedDeps, holderOf, openFeed, PING_EVERY_MS, readFeedQuery, textOf } from './feed.ts';
import type { EndReason } from './open-feeds.ts';
import { invalidRequest } from './problem.ts';
import type { FeedMessage, FeedQuery } from './schemas/feed.ts';

const ENDINGS = {
  'going-away': { code: 1001, reason: 'going away' },
  'not-admitted': { code: 1008, reason: 'token revoked or expired' },
} as const satisfies Record<EndReason, { code: number; reason: string }>;
const MESSAGE_TOO_BIG = 1009;
const SERVER_FAULT = 1011;
const TRY_AGAIN_LATER = 1013;

/** Bytes waiting in the socket above which no more is taken from the bus. */
const FULL_BYTES = 1024 * 1024;
const DRAIN_CHECK_MS = 25;
/** Clients have nothing long to say. On Node the socket itself refuses more; Deno's takes up to 64 MiB before it tells. */
const MAX_MESSAGE_BYTES = 64 * 1024;
/** A peer that was told to close and does not answer is given up. */
const CLOSE_GRACE_MS = 2_000;

// What is used of the raw socket. Deno pings by itself (idleTimeout) and has neither ping nor terminate; nor has it cork.
type RawSocket = {
  readonly bufferedAmount?: number;
  cork?(): void;
  uncork?(): void;
  ping?(): void;
  terminate?(): void;
  on?(event: 'pong', listener: () => void): unknown;
};
type Socket = WSContext<RawSocket>;

const OPEN = 1;

export type WebSocketFeedDeps = FeedDeps & { upgradeWebSocket: Host['upgradeWebSocket']; log: Log };

/** Answers the upgrade. @throws Failure `invalid-request`, `too-many-listeners` before it is accepted */
export async function answerWebSocket(c: Context<ApiEnv>, deps: WebSocketFeedDeps): Promise<Response> {
  const query = readFeedQuery(c);
  deps.feeds.checkRoom();
  const ended = new AbortController();
  const events = {
    onOpen: (_event: unknown, socket: Socket) =>
      serve(deps, { query, holder: holderOf(c), socket, ended: ended.signal }),
    onMessage: ({ data }: { data: unknown }, socket: Socket) => {
      if (sizeOf(data) > MAX_MESSAGE_BYTES) socket.close(MESSAGE_TOO_BIG, 'message too big');
    },
    onClose: () => ended.abort(),
    // An error is always followed by close; the peer is gone and nobody can be told.
    onError: (event: unknown) => deps.log.debug({ event: String(event) }, 'a feed socket failed'),
  };
  const options = {
    // Deno: a ping after half of it without a sign of life, closed after all of it (seconds).
    idleTimeout: (2 * PING_EVERY_MS) / 1000,
    onError: (error: unknown) => deps.log.error({ err: error }, 'a feed handler failed'),
  };
  const response = await upgrade(() => deps.upgradeWebSocket(c, events, options));
  c.set('upgraded', true);
  return response;
}

/** At least; a text may have more bytes than characters. */
function sizeOf(data: unknown): number {
  if (typeof data === 'string') return data.length;
  if (data instanceof Blob) return data.size;
  return data instanceof ArrayBuffer || ArrayBuffer.isView(data) ? data.byteLength : 0;
}

/** The runtimes refuse half a handshake in their own ways: Node answers 500, Deno throws. */
async function upgrade(accept: () => Promise<Response>): Promise<Response> {
  const message = 'is not a complete WebSocket handshake';
  const response = await accept().catch((cause: unknown) => {
    throw new Failure('invalid-request', `The request ${message}.`, { cause });
  });
  if (response.status >= 400) throw invalidRequest([{ path: 'Upgrade', message }]);
  return response;
}

type Serving = { query: FeedQuery; holder: string | null; socket: Socket; ended: AbortSignal };

/** Serves one open socket until `ended`. */
function serve(deps: WebSocketFeedDeps, { query, holder, socket, ended }: Serving): void {
  const fail = (error: unknown) => {
    if (ended.aborted) return;
    deps.log.error({ err: error }, 'a feed failed');
    socket.close(SERVER_FAULT, 'internal error');
  };
  const cleanups = [
    deps.feeds.add((reason) => closeSocket(deps, socket, ENDINGS[reason], ended), holder),
    pingRegularly(deps, socket),
  ];
  ended.addEventListener('abort', () => {
    for (const cleanup of cleanups) cleanup();
  });
  try {
    const feed = openFeed(deps, query, {
      send: (messages) => sendAll(deps, socket, messages, ended),
      onOverflow: () => socket.close(TRY_AGAIN_LATER, 'too slow'),
      onFault: fail,
    });
    cleanups.push(() => feed.close());
  } catch (error) {
    fail(error);
  }
}

const isFull = (socket: Socket) => (socket.raw?.bufferedAmount ?? 0) > FULL_BYTES;

/**
 * Resolves when the socket has taken all and is not full; rejects when it ends while full.
 * What is there goes out in one piece: at 1,000 listeners and 200 events a second a write for each message and
 * listener took 2.6 processors, and events came 15 s late.
 */
async function sendAll(
  { clock }: WebSocketFeedDeps,
  socket: Socket,
  messages: readonly FeedMessage[],
  ended: AbortSignal,
): Promise<void> {
  const left = messages.values();
  for (let next = left.next(); !next.done && socket.readyState === OPEN; ) {
    socket.raw?.cork?.();
    for (; !next.done && socket.readyState === OPEN && !isFull(socket); next = left.next()) {
      socket.send(textOf(next.value));
    }
    socket.raw?.uncork?.();
    while (isFull(socket) && socket.readyState === OPEN) await clock.sleep(DRAIN_CHECK_MS, ended);
  }
}

/** Closes and waits for the peer's answer, but not for ever. */
async function closeSocket(
  { clock }: WebSocketFeedDeps,
  socket: Socket,
  { code, reason }: { code: number; reason: string },
  ended: AbortSignal,
): Promise<void> {
  if (ended.aborted) return;
  await new Promise<void>((resolve) => {
    const giveUp = () => {
      socket.raw?.terminate?.();
      resolve();
    };
    const cancel = clock.timer(CLOSE_GRACE_MS, giveUp);
    ended.addEventListener('abort', () => {
      cancel();
      resolve();
    });
    socket.close(code, reason);
  });
}

/** A peer that answered no ping by the time of the next is dead. */
function pingRegularly({ clock }: WebSocketFeedDeps, socket: Socket): () => void {
  const { raw } = socket;
  if (!raw?.ping || !raw.on) return () => {};
  let alive = true;
  raw.on('pong', () => {
    alive = true;
  });
  let cancel = () => {};
  const beat = () => {
    if (!alive) return raw.terminate?.();
    alive = false;
    raw.ping?.();
    cancel = clock.timer(PING_EVERY_MS, beat);
  };
  cancel = clock.timer(PING_EVERY_MS, beat);
  return () => cancel();
}
