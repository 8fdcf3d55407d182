// The snapshots of a project: list them, look into one, go back to one.

import { createRoute } from '@hono/zod-openapi';
import type { ProjectId } from '../model/ids.ts';
import type { Service, SnapshotSummary } from '../model/service.ts';
import type { ApiApp } from './api-app.ts';
import { json, jsonBody, ProjectParamsSchema, problems } from './schemas/common.ts';
import {
  RestoreAnswerSchema,
  RestoreBodySchema,
  SnapshotDiffAnswerSchema,
  SnapshotParamsSchema,
  SnapshotQuerySchema,
  SnapshotsAnswerSchema,
  SnapshotsQuerySchema,
} from './schemas/snapshot.ts';
import { isoOf } from './wire.ts';

const PROJECT = '/api/sync/projects/{projectId}';

const listRoute = createRoute({
  method: 'get',
  path: `${PROJECT}/snapshots`,
  summary: 'Points in time of a project, newest first',
  request: { params: ProjectParamsSchema, query: SnapshotsQuerySchema },
  responses: { 200: json(SnapshotsAnswerSchema, 'One page.'), ...problems(400, 404, 422) },
});

const diffRoute = createRoute({
  method: 'get',
  path: `${PROJECT}/snapshots/{snapshotId}`,
  summary: 'What a snapshot changed, or what changed since',
  request: { params: SnapshotParamsSchema, query: SnapshotQuerySchema },
  responses: { 200: json(SnapshotDiffAnswerSchema, 'File by file.'), ...problems(400, 404, 422) },
});

const restoreRoute = createRoute({
  method: 'post',
  path: `${PROJECT}/restore`,
  summary: 'Bring files back from a snapshot, after taking one of now',
  request: { params: ProjectParamsSchema, body: jsonBody(RestoreBodySchema, true) },
  responses: {
    200: json(RestoreAnswerSchema, 'What was brought back.'),
    ...problems(400, 404, 408, 409, 413, 422),
  },
});

export function addSnapshotRoutes(app: ApiApp, { service }: { service: Service }): void {
  app.openapi(listRoute, async (c) => {
    const { limit, cursor = null, branch } = c.req.valid('query');
    const projectId = c.req.valid('param').projectId as ProjectId;
    const page = { limit, cursor, ...(branch !== undefined && { branch }) };
    const { snapshots, nextCursor } = await service.listSnapshots(projectId, page);
    return c.json({ success: true as const, snapshots: snapshots.map(wireSnapshot), nextCursor }, 200);
  });
  app.openapi(diffRoute, async (c) => {
    const { projectId, snapshotId } = c.req.valid('param');
    const { against } = c.req.valid('query');
    const found = await service.diffSnapshot(projectId as ProjectId, snapshotId, against);
    const { snapshot, files, truncated } = found;
    return c.json(
      { success: true as const, snapshot: wireSnapshot(snapshot), against, files, truncated },
      200,
    );
  });
  app.openapi(restoreRoute, async (c) => {
    const projectId = c.req.valid('param').projectId as ProjectId;
    const { snapshot, paths = null } = c.req.valid('json');
    const { restored, skipped, before } = await service.restoreSnapshot(projectId, { snapshot, paths });
    return c.json({ success: true as const, restored, skipped, before }, 200);
  });
}

function wireSnapshot({ at, ...snapshot }: SnapshotSummary) {
  return { ...snapshot, at: isoOf(at) };
}
