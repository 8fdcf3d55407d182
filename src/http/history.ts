// The history of syncs: of all projects, of one, and its deletion.

import { createRoute } from '@hono/zod-openapi';
import type { z } from 'zod';
import { Failure } from '../model/failure.ts';
import type { ProjectId } from '../model/ids.ts';
import type { Database } from '../store/database.ts';
import { findProjectView } from '../store/project-views.ts';
import { deleteRuns, listRuns } from '../store/runs.ts';
import type { ApiApp } from './api-app.ts';
import { json, jsonBody, ProjectParamsSchema, problems } from './schemas/common.ts';
import {
  DeleteHistoryAnswerSchema,
  DeleteHistoryBodySchema,
  DeleteHistoryQuerySchema,
  HistoryAnswerSchema,
  HistoryQuerySchema,
  RunsQuerySchema,
} from './schemas/run.ts';
import { wireRun } from './wire.ts';

const listRoute = createRoute({
  method: 'get',
  path: '/api/sync/history',
  summary: 'Attempts to sync, newest first',
  request: { query: HistoryQuerySchema },
  responses: { 200: json(HistoryAnswerSchema, 'One page.'), ...problems(400) },
});

const listOneRoute = createRoute({
  method: 'get',
  path: '/api/sync/history/{projectId}',
  summary: 'Attempts to sync one project, newest first',
  request: { params: ProjectParamsSchema, query: RunsQuerySchema },
  responses: { 200: json(HistoryAnswerSchema, 'One page.'), ...problems(400, 404) },
});

const deleteRoute = createRoute({
  method: 'delete',
  path: '/api/sync/history',
  summary: 'Delete finished attempts older than some days',
  request: { query: DeleteHistoryQuerySchema, body: jsonBody(DeleteHistoryBodySchema) },
  responses: { 200: json(DeleteHistoryAnswerSchema, 'How many were deleted.'), ...problems(400, 408, 413) },
});

export function addHistoryRoutes(app: ApiApp, { db }: { db: Database }): void {
  app.openapi(listRoute, async (c) => {
    const { projectId, ...query } = c.req.valid('query');
    return c.json(await historyPage(db, query, projectId as ProjectId | undefined), 200);
  });
  app.openapi(listOneRoute, async (c) => {
    const projectId = c.req.valid('param').projectId as ProjectId;
    if ((await findProjectView(db, projectId)) === null) {
      throw new Failure('project-not-found', `There is no project "${projectId}".`);
    }
    return c.json(await historyPage(db, c.req.valid('query'), projectId), 200);
  });
  app.openapi(deleteRoute, async (c) => {
    const query = c.req.valid('query');
    const body = c.req.valid('json');
    const projectId = (body.projectId ?? query.projectId) as ProjectId | undefined;
    const olderThanDays = body.olderThanDays ?? query.olderThanDays;
    const deleted = await deleteRuns(db, { olderThanDays, ...(projectId && { projectId }) });
    return c.json({ success: true as const, deleted }, 200);
  });
}

async function historyPage(db: Database, query: z.infer<typeof RunsQuerySchema>, projectId?: ProjectId) {
  const { limit, cursor = null, status, since, until } = query;
  const { runs, nextCursor } = await listRuns(db, {
    limit,
    cursor,
    ...(status && { status }),
    ...(since !== undefined && { since }),
    ...(until !== undefined && { until }),
    ...(projectId && { projectId }),
  });
  return { success: true as const, history: runs.map(wireRun), nextCursor };
}
