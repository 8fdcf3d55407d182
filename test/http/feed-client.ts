// Listens on a real port and reads the feed as its callers do: with WebSockets and with streamed answers.

import { once } from 'node:events';
import { vi } from 'vitest';
import { WebSocket } from 'ws';
import type { FeedMessage } from '../../src/http/schemas/feed.ts';
import { eventBounds } from '../../src/store/events.ts';
import type { Fixture } from './api-fixture.ts';

const LIMIT_MS = 20_000;

/** Resolves when the condition holds; fails after 20 s. */
export function until<T>(check: () => T): Promise<Exclude<T, false | null | undefined>> {
  return vi.waitFor(
    () => {
      const found = check();
      if (found === false || found === null || found === undefined) throw new Error(`not yet: ${check}`);
      return found as Exclude<T, false | null | undefined>;
    },
    { timeout: LIMIT_MS, interval: 5 },
  );
}

export async function listen(api: Fixture) {
  const { port, close } = await api.host.listen(api.app, { hostname: '127.0.0.1', port: 0 });
  api.access.port = () => port;
  const authority = `127.0.0.1:${port}`;
  return {
    port,
    url: `http://${authority}`,
    /** A socket that is open; `messages` grows, `closed` is set at its end. */
    async connect(query = '', options: { headers?: Record<string, string>; autoPong?: boolean } = {}) {
      const socket = new WebSocket(`ws://${authority}/api/sync/events${query}`, options);
      const messages: FeedMessage[] = [];
      const feed = { socket, messages, closed: null as { code: number; reason: string } | null };
      socket.on('message', (data) => messages.push(JSON.parse(String(data))));
      socket.on('close', (code, reason) => {
        feed.closed = { code, reason: String(reason) };
      });
      await once(socket, 'open');
      return feed;
    },
    /** The status with which an upgrade is refused. */
    refused(query: string, headers: Record<string, string> = {}): Promise<number | undefined> {
      const socket = new WebSocket(`ws://${authority}/api/sync/events${query}`, { headers });
      return new Promise((resolve, reject) => {
        socket.on('unexpected-response', (_request, response) => {
          response.resume();
          resolve(response.statusCode);
        });
        socket.on('open', () => reject(new Error('the upgrade was accepted')));
        socket.on('error', reject);
      });
    },
    close: () => close(1_000),
  };
}

/** Publishes numbered notices and answers their ids. */
export async function publishNotices(api: Fixture, count: number, padding = ''): Promise<number[]> {
  // Not the bus's own position: triggers write events that it may not have read yet.
  const first = (await eventBounds(api.db)).latest + 1;
  await api.bus.publish(
    Array.from({ length: count }, (_, n) => ({ type: 'notice' as const, data: { n, padding } })),
  );
  return Array.from({ length: count }, (_, n) => first + n);
}

export function idsOf(messages: readonly FeedMessage[], type = 'notice'): number[] {
  return messages.filter((message) => message.type === type).map((message) => message.id);
}

/** Reads server-sent events from an answer; `blocks` are the texts between blank lines. */
export function readEvents(response: Response) {
  const feed = { blocks: [] as string[], messages: [] as FeedMessage[], ended: false, failed: false };
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  const finished = (async () => {
    let rest = '';
    for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
      const blocks = (rest + part.value).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) {
        feed.blocks.push(block);
        const data = /^data: (.*)$/m.exec(block)?.[1];
        if (data !== undefined) feed.messages.push(JSON.parse(data));
      }
    }
  })().then(
    () => {
      feed.ended = true;
    },
    () => {
      feed.failed = true;
    },
  );
  return Object.assign(feed, { finished, cancel: () => reader?.cancel() });
}
