// /api/sync/projects/:projectId/conflict: what both sides made of the files, and whose version they get.

import { createRoute } from '@hono/zod-openapi';
import type { ProjectId } from '../model/ids.ts';
import type { Service } from '../model/service.ts';
import type { ApiApp } from './api-app.ts';
import { json, jsonBody, ProjectParamsSchema, problems } from './schemas/common.ts';
import { ConflictAnswerSchema, ConflictBodySchema } from './schemas/conflict.ts';
import { TriggerOneAnswerSchema } from './schemas/job.ts';
import { wireJob } from './wire.ts';

const showRoute = createRoute({
  method: 'get',
  path: '/api/sync/projects/{projectId}/conflict',
  summary: 'The files of a conflict, each with the difference from theirs to mine',
  request: { params: ProjectParamsSchema },
  responses: { 200: json(ConflictAnswerSchema, 'The conflict.'), ...problems(404, 409) },
});

const conflictRoute = createRoute({
  method: 'post',
  path: '/api/sync/projects/{projectId}/conflict',
  summary: 'Resolve a conflict by taking mine, theirs or both; the sync that does it is queued at once',
  request: { params: ProjectParamsSchema, body: jsonBody(ConflictBodySchema, true) },
  responses: { 202: json(TriggerOneAnswerSchema, 'The job.'), ...problems(400, 404, 408, 409, 413) },
});

export function addConflictRoutes(
  app: ApiApp,
  { service }: { service: Pick<Service, 'resolveConflict' | 'diffConflict'> },
): void {
  app.openapi(showRoute, async (c) => {
    const projectId = c.req.valid('param').projectId as ProjectId;
    return c.json({ success: true as const, ...(await service.diffConflict(projectId)) }, 200);
  });
  app.openapi(conflictRoute, async (c) => {
    const projectId = c.req.valid('param').projectId as ProjectId;
    const job = await service.resolveConflict(projectId, c.req.valid('json').choice);
    return c.json({ success: true as const, job: wireJob(job) }, 202);
  });
}
