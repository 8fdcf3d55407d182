// GET /api/sync/events: one path, three transports, chosen by what the caller asks for.

import type { Context } from 'hono';
import { accepts } from 'hono/accepts';
import type { EventBus } from '../events/types.ts';
import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import type { Host } from '../host/types.ts';
import type { Service } from '../model/service.ts';
import type { Database } from '../store/database.ts';
import { FEED_PATH } from './access.ts';
import type { ApiApp, ApiEnv } from './api-app.ts';
import { createBeat } from './feed-beat.ts';
import { answerPoll } from './feed-poll.ts';
import { buildSnapshot } from './feed-snapshot.ts';
import { answerServerSentEvents } from './feed-sse.ts';
import { answerWebSocket, type WebSocketFeedDeps } from './feed-websocket.ts';
import type { OpenFeeds } from './open-feeds.ts';
import { json, problems } from './schemas/common.ts';
import { FeedPageSchema, FeedQuerySchema } from './schemas/feed.ts';
import type { StatusDeps } from './status.ts';

type FeedRouteDeps = {
  db: Database;
  bus: EventBus;
  service: Service;
  clock: Clock;
  log: Log;
  feeds: OpenFeeds;
  figures: StatusDeps['figures'];
  upgradeWebSocket: Host['upgradeWebSocket'];
};

export function addFeedRoutes(app: ApiApp, deps: FeedRouteDeps): void {
  const { bus, clock, log, feeds, upgradeWebSocket } = deps;
  const { version, machineId } = deps.service;
  const feedDeps: WebSocketFeedDeps = {
    ...{ bus, clock, log, feeds, upgradeWebSocket },
    beat: createBeat(clock),
    identity: { version, machineId },
    snapshot: () => buildSnapshot(deps),
  };
  // Not app.openapi(): its answers are typed as JSON, and two of the three transports are none.
  app.openAPIRegistry.registerPath({
    method: 'get',
    path: FEED_PATH,
    summary: 'The live feed: WebSocket, server-sent events (Accept: text/event-stream) or JSON long poll',
    security: [{}, { bearer: [] }, { ticket: [] }],
    request: { query: FeedQuerySchema },
    responses: {
      101: { description: 'WebSocket: one FeedMessage as JSON in each message, `hello` first.' },
      200: {
        description: 'Long poll: a page. Server-sent events: one FeedMessage in each `data`.',
        content: {
          ...json(FeedPageSchema, '').content,
          'text/event-stream': { schema: { type: 'string' } },
        },
      },
      ...problems(400, 409),
    },
  });
  app.get(FEED_PATH, (c) => answerFeed(c, feedDeps));
}

function answerFeed(c: Context<ApiEnv>, deps: WebSocketFeedDeps): Response | Promise<Response> {
  if (c.req.header('upgrade')?.toLowerCase() === 'websocket') return answerWebSocket(c, deps);
  // Hono answers HEAD by GET's handler, and nobody would ever read that stream.
  if (c.req.method === 'HEAD') return c.body(null);
  const supports = ['application/json', 'text/event-stream'];
  const wanted = accepts(c, { header: 'Accept', supports, default: 'application/json' });
  return wanted === 'text/event-stream' ? answerServerSentEvents(c, deps) : answerPoll(c, deps);
}
