// One connection of the feed as server-sent events, read by fetch: where there is no WebSocket, as on Node 20.
// The reader's pace is the service's: what is not read is not sent.

import type { FeedMessage } from '../http/schemas/feed.ts';
import { refusalOf, type Service, send, withQuery } from './ask.ts';
import { lost } from './client-error.ts';
import type { OpenFeed } from './feed-connection.ts';
import { FEED_PATH } from './routes.ts';

export const openStreamFeed: OpenFeed = async function* (service: Service, { query, signal, onHeard }) {
  const response = await send(service, 'GET', {
    ...{ path: withQuery(FEED_PATH, query), signal, timeoutMs: Infinity },
    headers: { accept: 'text/event-stream' },
  });
  if (!response.ok || response.body === null) throw refusalOf(response, await response.text());
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  try {
    let rest = '';
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      onHeard();
      const blocks = (rest + value).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) {
        const data = /^data: (.*)$/m.exec(block)?.[1];
        // A block without data is a sign of life.
        if (data !== undefined) yield JSON.parse(data) as FeedMessage;
      }
    }
  } catch (cause) {
    throw lost('The connection to the service broke.', cause);
  } finally {
    await reader.cancel().catch(() => undefined);
  }
};
