// POST /api/sync/backup: a copy of the database, made while it is in use.

import { createRoute } from '@hono/zod-openapi';
import type { Service } from '../model/service.ts';
import type { ApiApp } from './api-app.ts';
import { BackupAnswerSchema, BackupBodySchema } from './schemas/backup.ts';
import { json, jsonBody, problems } from './schemas/common.ts';

const backupRoute = createRoute({
  method: 'post',
  path: '/api/sync/backup',
  summary: 'Copy the database into the data folder',
  request: { body: jsonBody(BackupBodySchema) },
  responses: { 200: json(BackupAnswerSchema, 'The copy is on disk.'), ...problems(400, 408, 409, 413) },
});

export function addBackupRoutes(app: ApiApp, { service }: { service: Pick<Service, 'backUp'> }): void {
  app.openapi(backupRoute, async (c) => {
    const { path = null } = c.req.valid('json');
    return c.json({ success: true as const, backup: await service.backUp(path) }, 200);
  });
}
