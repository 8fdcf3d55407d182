// POST /api/sync/projects/:projectId/conflict: whose version the conflicting files get.

import { createRoute } from '@hono/zod-openapi';
import type { ProjectId } from '../model/ids.ts';
import type { Service } from '../model/service.ts';
import type { ApiApp } from './api-app.ts';
import { json, jsonBody, ProjectParamsSchema, problems } from './schemas/common.ts';
import { ConflictBodySchema } from './schemas/conflict.ts';
import { TriggerOneAnswerSchema } from './schemas/job.ts';
import { wireJob } from './wire.ts';

const conflictRoute = createRoute({
  method: 'post',
  path: '/api/sync/projects/{projectId}/conflict',
  summary: 'Resolve a conflict by taking mine, theirs or both; the sync that does it is queued at once',
  request: { params: ProjectParamsSchema, body: jsonBody(ConflictBodySchema, true) },
  responses: { 202: json(TriggerOneAnswerSchema, 'The job.'), ...problems(400, 404, 409, 413) },
});

export function addConflictRoutes(
  app: ApiApp,
  { service }: { service: Pick<Service, 'resolveConflict'> },
): void {
  app.openapi(conflictRoute, async (c) => {
    const projectId = c.req.valid('param').projectId as ProjectId;
    const job = await service.resolveConflict(projectId, c.req.valid('json').choice);
    return c.json({ success: true as const, job: wireJob(job) }, 202);
  });
}
