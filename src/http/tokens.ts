// GET, POST and DELETE /api/sync/tokens: the people and programs that may call, beside the admin of SYNC_API_TOKEN.

import { createRoute } from '@hono/zod-openapi';
import type { Clock } from '../host/clock.ts';
import { type AccessToken, listAccessTokens } from '../store/access-tokens.ts';
import type { Database } from '../store/database.ts';
import { type ApiApp, callerOf } from './api-app.ts';
import type { People } from './people.ts';
import { invalidRequest } from './problem.ts';
import { json, jsonBody, problems } from './schemas/common.ts';
import {
  AddTokenBodySchema,
  TokenAddedSchema,
  TokenParamsSchema,
  TokenRevokedSchema,
  TokensAnswerSchema,
  TokensQuerySchema,
  type WireAccessToken,
} from './schemas/token.ts';
import { isoOf, isoOrNull } from './wire.ts';

const TOKENS = '/api/sync/tokens';

const listRoute = createRoute({
  method: 'get',
  path: TOKENS,
  summary: 'Who may call, and as what; never a secret',
  request: { query: TokensQuerySchema },
  responses: { 200: json(TokensAnswerSchema, 'One page, by name.'), ...problems(400) },
});

const addRoute = createRoute({
  method: 'post',
  path: TOKENS,
  summary: 'Make a token for a person or a program; its secret is answered once',
  request: { body: jsonBody(AddTokenBodySchema, true) },
  responses: { 201: json(TokenAddedSchema, 'The token and its secret.'), ...problems(400, 408, 409, 413) },
});

const revokeRoute = createRoute({
  method: 'delete',
  path: `${TOKENS}/{tokenId}`,
  summary: 'Revoke a token; feeds that its holder has open end',
  request: { params: TokenParamsSchema },
  responses: { 200: json(TokenRevokedSchema, 'It is revoked.'), ...problems(400, 404, 408, 413) },
});

type TokensDeps = { db: Database; people: People; clock: Pick<Clock, 'now'> };

export function addTokenRoutes(app: ApiApp, { db, people, clock }: TokensDeps): void {
  app.openapi(listRoute, async (c) => {
    const { limit, cursor = null } = c.req.valid('query');
    const { tokens, nextCursor } = await listAccessTokens(db, { limit, cursor });
    return c.json({ success: true as const, tokens: tokens.map(wireToken), nextCursor }, 200);
  });
  app.openapi(addRoute, async (c) => {
    const { name, role, expiresAt } = c.req.valid('json');
    const end = endOf(expiresAt, clock);
    c.set('subject', `${name} (${role})`);
    const { token, secret } = await people.add({ name, role, expiresAt: end, createdBy: callerOf(c).name });
    return c.json({ success: true as const, token: wireToken(token), secret }, 201);
  });
  app.openapi(revokeRoute, async (c) => {
    const token = await people.revoke(c.req.valid('param').tokenId);
    c.set('subject', `${token.name} (${token.role})`);
    return c.json({ success: true as const, token: wireToken(token) }, 200);
  });
}

function endOf(expiresAt: string | null | undefined, clock: Pick<Clock, 'now'>): number | null {
  if (expiresAt === null || expiresAt === undefined) return null;
  const at = Date.parse(expiresAt);
  if (at > clock.now()) return at;
  throw invalidRequest([{ path: 'expiresAt', message: 'must be an instant in the future' }]);
}

function wireToken({ createdAt, expiresAt, lastUsedAt, ...token }: AccessToken): WireAccessToken {
  return {
    ...token,
    createdAt: isoOf(createdAt),
    expiresAt: isoOrNull(expiresAt),
    lastUsedAt: isoOrNull(lastUsedAt),
  };
}
