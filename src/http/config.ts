// GET and PUT /api/sync/config. What the settings are, and what they allow, is known to src/config.

import { createRoute } from '@hono/zod-openapi';
import type { ApiApp } from './api-app.ts';
import { json, jsonBody, problems } from './schemas/common.ts';
import { ConfigAnswerSchema, ConfigChangedSchema, ConfigPatchSchema } from './schemas/status.ts';
import { wireData } from './wire.ts';

export type ConfigAccess = {
  /** Secrets masked; `sources` by flat key. */
  view(): { config: Record<string, unknown>; sources: Record<string, string> };
  /** @throws Failure `invalid-config` with `data.issues` as `[{path, message}]`; nothing was changed then */
  update(patch: unknown): Promise<{ config: Record<string, unknown>; restartRequired: string[] }>;
};

const readRoute = createRoute({
  method: 'get',
  path: '/api/sync/config',
  summary: 'The settings in force, and where each came from',
  responses: { 200: json(ConfigAnswerSchema, 'The settings; secrets are masked.'), ...problems() },
});

const changeRoute = createRoute({
  method: 'put',
  path: '/api/sync/config',
  summary: 'Change settings: all of them or none',
  request: { body: jsonBody(ConfigPatchSchema) },
  responses: { 200: json(ConfigChangedSchema, 'Saved, and applied where possible.'), ...problems(400, 413) },
});

export function addConfigRoutes(app: ApiApp, { config }: { config: ConfigAccess }): void {
  app.openapi(readRoute, (c) => {
    const { config: values, sources } = config.view();
    return c.json({ success: true as const, config: shown(values), sources }, 200);
  });
  app.openapi(changeRoute, async (c) => {
    const { config: values, restartRequired } = await config.update(c.req.valid('json'));
    return c.json({ success: true as const, config: shown(values), restartRequired }, 200);
  });
}

function shown(values: Record<string, unknown>): Record<string, unknown> {
  return wireData(values) as Record<string, unknown>;
}
