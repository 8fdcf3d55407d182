// The live feed as server-sent events. Every message is one `data` line of the JSON that WebSockets get.

import type { Context } from 'hono';
import type { Log } from '../host/log.ts';
import { Failure } from '../model/failure.ts';
import type { ApiEnv } from './api-app.ts';
import { type FeedDeps, holderOf, openFeed, PING_EVERY_MS, readFeedQuery, textOf } from './feed.ts';
import type { FeedMessage } from './schemas/feed.ts';

type SseFeedDeps = FeedDeps & { log: Log };

/** Bytes waiting for the reader above which no more is taken from the bus. */
const FULL_BYTES = 1024 * 1024;
const encoder = new TextEncoder();

/** @throws Failure `invalid-request`, `too-many-listeners` */
export function answerServerSentEvents(c: Context<ApiEnv>, deps: SseFeedDeps): Response {
  const query = readFeedQuery(c);
  deps.feeds.checkRoom();
  const pipe = createPipe();
  const feed = openFeed(deps, query, {
    send: (messages) => pipe.write(messages.map(lines).join('')),
    onOverflow: () => pipe.drop(),
    onFault: (error) => {
      if (pipe.ended.aborted) return;
      deps.log.error({ err: error }, 'a feed failed');
      pipe.end();
    },
  });
  const forget = deps.feeds.add(async () => pipe.end(), holderOf(c));
  const stopPinging = pingRegularly(deps, pipe);
  pipe.ended.addEventListener('abort', () => {
    feed.close();
    forget();
    stopPinging();
  });
  return new Response(pipe.readable, {
    headers: { 'Content-Type': 'text/event-stream; charset=utf-8', 'X-Accel-Buffering': 'no' },
  });
}

function lines(message: FeedMessage): string {
  return `id: ${message.id}\ndata: ${textOf(message)}\n\n`;
}

type Pipe = ReturnType<typeof createPipe>;

/** A byte stream whose `write` resolves when the reader has room again. */
function createPipe() {
  const ended = new AbortController();
  let controller: ReadableStreamDefaultController<Uint8Array>;
  let roomy = () => {};
  const readable = new ReadableStream<Uint8Array>(
    {
      start: (own) => {
        controller = own;
      },
      pull: () => roomy(),
      cancel: () => {
        ended.abort();
        roomy();
      },
    },
    new ByteLengthQueuingStrategy({ highWaterMark: FULL_BYTES }),
  );
  const isFull = () => (controller.desiredSize ?? 0) <= 0;
  return {
    readable,
    ended: ended.signal,
    isFull,
    async write(text: string): Promise<void> {
      if (ended.signal.aborted) return;
      controller.enqueue(encoder.encode(text));
      if (!isFull()) return;
      await new Promise<void>((resolve) => {
        roomy = resolve;
      });
    },
    /** What was written is still delivered. */
    end(): void {
      if (ended.signal.aborted) return;
      ended.abort();
      roomy();
      controller.close();
    },
    /** For a reader that does not read: only an error makes the server end its connection. */
    drop(): void {
      if (ended.signal.aborted) return;
      ended.abort();
      roomy();
      controller.error(new Failure('aborted', 'The reader of a feed is too slow.'));
    },
  };
}

/** A comment keeps proxies from closing; a reader that stays full from one beat to the next is dead. */
function pingRegularly({ clock }: SseFeedDeps, pipe: Pipe): () => void {
  let wasFull = false;
  let cancel = () => {};
  const beat = () => {
    if (wasFull && pipe.isFull()) return pipe.drop();
    wasFull = pipe.isFull();
    if (!wasFull) void pipe.write(': ping\n\n');
    cancel = clock.timer(PING_EVERY_MS, beat);
  };
  cancel = clock.timer(PING_EVERY_MS, beat);
  return () => cancel();
}
