// What people were told, and a test of the way there.

import { createRoute } from '@hono/zod-openapi';
import type { ProjectId } from '../model/ids.ts';
import type { NoticeControl, NoticeTarget } from '../model/notice.ts';
import type { Database } from '../store/database.ts';
import { listNotices } from '../store/notices.ts';
import type { ApiApp } from './api-app.ts';
import { EmptyBodySchema, json, jsonBody, problems } from './schemas/common.ts';
import { NoticesAnswerSchema, NoticesQuerySchema, NoticeTestAnswerSchema } from './schemas/notice.ts';
import { isoOf, isoOrNull } from './wire.ts';

const listRoute = createRoute({
  method: 'get',
  path: '/api/sync/notices',
  summary: 'What people were told, newest first, and how the targets of notices stand',
  request: { query: NoticesQuerySchema },
  responses: { 200: json(NoticesAnswerSchema, 'One page.'), ...problems(400) },
});

const testRoute = createRoute({
  method: 'post',
  path: '/api/sync/notices/test',
  summary: 'Send a test notice to every target, now and once',
  request: { body: jsonBody(EmptyBodySchema) },
  responses: {
    200: json(NoticeTestAnswerSchema, 'What became of it, by target.'),
    ...problems(400, 408, 409, 413),
  },
});

export function addNoticeRoutes(
  app: ApiApp,
  { db, notices }: { db: Database; notices: NoticeControl },
): void {
  app.openapi(listRoute, async (c) => {
    const { limit, cursor = null, projectId } = c.req.valid('query');
    const filter = projectId === undefined ? {} : { projectId: projectId as ProjectId };
    const page = await listNotices(db, { limit, cursor, ...filter });
    const listed = page.notices.map((notice) => ({ ...notice, at: isoOf(notice.at) }));
    const targets = (await notices.targets()).map(wireTarget);
    return c.json({ success: true as const, notices: listed, nextCursor: page.nextCursor, targets }, 200);
  });
  app.openapi(testRoute, async (c) => {
    return c.json({ success: true as const, results: await notices.test() }, 200);
  });
}

function wireTarget({ target, waiting, lastSentAt, failing }: NoticeTarget) {
  return {
    target,
    waiting,
    lastSentAt: isoOrNull(lastSentAt),
    failing: failing && { ...failing, since: isoOf(failing.since), nextTryAt: isoOf(failing.nextTryAt) },
  };
}
