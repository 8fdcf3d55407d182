// The credentials: which there are, who needs them, whether they are good and until when. Never a secret.

import { createRoute } from '@hono/zod-openapi';
import type { Service } from '../model/service.ts';
import type { ApiApp } from './api-app.ts';
import { json, problems } from './schemas/common.ts';
import { CredentialsAnswerSchema, CredentialsQuerySchema } from './schemas/repository.ts';
import { wireCredential } from './wire-repository.ts';

const listRoute = createRoute({
  method: 'get',
  path: '/api/sync/credentials',
  summary: 'Every credential that is known or needed: whether its host takes it, for what and until when',
  request: { query: CredentialsQuerySchema },
  responses: { 200: json(CredentialsAnswerSchema, 'The credentials, without secrets.'), ...problems(400) },
});

export function addCredentialRoutes(
  app: ApiApp,
  { service }: { service: Pick<Service, 'credentials'> },
): void {
  app.openapi(listRoute, async (c) => {
    const credentials = await service.credentials({ refresh: c.req.valid('query').refresh === 'true' });
    return c.json({ success: true as const, credentials: credentials.map(wireCredential) }, 200);
  });
}
