// One connection of the feed as a WebSocket. Browsers tell nobody why a socket was refused: then plain HTTP is asked.

import type { FeedMessage } from '../http/schemas/feed.ts';
import { methodOf, type Service, withQuery } from './ask.ts';
import { ClientError, lost } from './client-error.ts';
import type { FeedQuery, OpenFeed } from './feed-connection.ts';
import type { Platform, SocketLike } from './platform.ts';
import { FEED_PATH, ROUTES } from './routes.ts';

/** A socket cannot be told to wait: above so many messages it is closed, and the feed resumes where the reader is. */
const MOST_WAITING = 10_000;
/** Where something between does not know upgrades, a socket may open never, and fail never. */
const OPENING_LIMIT_MS = 10_000;

export const openSocketFeed: OpenFeed = async function* (service, { query, signal, onHeard }) {
  const { WebSocket, timer } = service.platform;
  if (WebSocket === null) throw new TypeError('There is no WebSocket here.');
  const ticket = await ticketOf(service, signal);
  const address = `${service.url}${withQuery(FEED_PATH, { ...query, ticket })}`;
  const inbox = createInbox(new WebSocket(address.replace(/^http/, 'ws')), { signal, onHeard, timer });
  try {
    for (;;) {
      yield* inbox.takeAll();
      if (inbox.isOver()) break;
      await inbox.next();
    }
  } finally {
    inbox.close();
  }
  if (signal.aborted) throw lost('The service did not answer any more.');
  if (!inbox.wasOpen()) throw await whyRefused(service, query, signal);
};

/** What arrives at a socket, until it is taken. */
function createInbox(
  socket: SocketLike,
  ports: { signal: AbortSignal; onHeard(): void; timer: Platform['timer'] },
) {
  let waiting: FeedMessage[] = [];
  let opened = false;
  let over = false;
  let wake = () => {};
  const end = () => {
    over = true;
    cancelLimit();
    ports.signal.removeEventListener('abort', end);
    socket.close();
    wake();
  };
  const cancelLimit = ports.timer(OPENING_LIMIT_MS, end);
  socket.addEventListener('open', () => {
    opened = true;
    cancelLimit();
  });
  socket.addEventListener('message', ({ data }) => {
    ports.onHeard();
    if (over) return;
    waiting.push(JSON.parse(String(data)) as FeedMessage);
    if (waiting.length > MOST_WAITING) return end();
    wake();
  });
  socket.addEventListener('close', end);
  // Always followed by close; without a listener `ws` would throw it.
  socket.addEventListener('error', () => undefined);
  ports.signal.addEventListener('abort', end, { once: true });
  if (ports.signal.aborted) end();
  return {
    takeAll(): FeedMessage[] {
      const taken = waiting;
      waiting = [];
      return taken;
    },
    next: () =>
      new Promise<void>((resolve) => {
        wake = resolve;
        if (over || waiting.length > 0) resolve();
      }),
    isOver: () => over && waiting.length === 0,
    wasOpen: () => opened,
    close: end,
  };
}

/** Sockets of browsers carry no token; a ticket stands for it. */
async function ticketOf(service: Service, signal: AbortSignal): Promise<string | undefined> {
  const token = typeof service.token === 'function' ? await service.token() : service.token;
  if (token === null) return undefined;
  const issue = methodOf(service, ROUTES.ticket);
  return ((await issue({ signal })) as { ticket: string }).ticket;
}

async function whyRefused(service: Service, query: FeedQuery, signal: AbortSignal): Promise<ClientError> {
  const poll = methodOf(service, ROUTES.pollEvents);
  try {
    await poll({ ...query, timeoutMs: 0, limit: 1 }, { signal });
  } catch (error) {
    if (error instanceof ClientError) return error;
    throw error;
  }
  const detail = 'The service answers, but no WebSocket could be opened.';
  return new ClientError({ status: 0, code: 'no-websocket', detail, action: 'Server-sent events are used.' });
}
