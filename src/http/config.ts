// GET and PUT /api/sync/config. What the settings are, and what they allow, is known to src/config.

import { createRoute } from '@hono/zod-openapi';
import { Failure } from '../model/failure.ts';
import type { AccessOptions } from './access.ts';
import type { ApiApp } from './api-app.ts';
import { isFromThisMachine } from './peer.ts';
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
  responses: {
    200: json(ConfigChangedSchema, 'Saved, and applied where possible.'),
    ...problems(400, 408, 413),
  },
});

/** They say which folders may be used, and where tokens are sent: not for a caller over the network to decide. */
const OF_THE_MACHINE = ['roots', 'githubApis'] as const;

type ConfigDeps = { config: ConfigAccess; access: () => Pick<AccessOptions, 'boundHost'> };

export function addConfigRoutes(app: ApiApp, { config, access }: ConfigDeps): void {
  app.openapi(readRoute, (c) => {
    const { config: values, sources } = config.view();
    return c.json({ success: true as const, config: shown(values), sources }, 200);
  });
  app.openapi(changeRoute, async (c) => {
    const patch = c.req.valid('json');
    const refused = OF_THE_MACHINE.filter((key) => Object.hasOwn(patch, key));
    if (refused.length > 0 && !isFromThisMachine(c, access().boundHost)) {
      throw new Failure('forbidden-from-network', `${refused.join(' and ')} cannot be set over the network.`);
    }
    const { config: values, restartRequired } = await config.update(patch);
    return c.json({ success: true as const, config: shown(values), restartRequired }, 200);
  });
}

function shown(values: Record<string, unknown>): Record<string, unknown> {
  return wireData(values) as Record<string, unknown>;
}
