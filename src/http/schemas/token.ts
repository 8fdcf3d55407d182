// Named tokens on the wire. The secret is in one answer, when it is made.

import { z } from '@hono/zod-openapi';
import { ADMIN_CALLER, LOCAL_CALLER, ROLES } from '../../model/caller.ts';
import { InstantSchema, NextCursorSchema, PageQuerySchema, SuccessSchema } from './common.ts';

export const RoleSchema = z.enum(ROLES).openapi('Role', {
  description: '`viewer` reads, `operator` also syncs, pauses and restores, `admin` may do everything.',
});

const NAME = /^[A-Za-z0-9][A-Za-z0-9 ._@+-]{0,62}$/;
const RESERVED: ReadonlySet<string> = new Set([ADMIN_CALLER, LOCAL_CALLER]);

const AccessTokenSchema = z
  .object({
    tokenId: z.string(),
    name: z.string(),
    role: RoleSchema,
    createdAt: InstantSchema,
    createdBy: z.string(),
    expiresAt: InstantSchema.nullable().openapi({ description: 'Null: until it is revoked.' }),
    lastUsedAt: InstantSchema.nullable().openapi({ description: 'To the minute.' }),
  })
  .openapi('AccessToken');
export type WireAccessToken = z.infer<typeof AccessTokenSchema>;

export const AddTokenBodySchema = z
  .strictObject({
    name: z
      .string()
      .regex(NAME, 'must begin with a letter or digit and have at most 63 of A-Z a-z 0-9 space . _ @ + -')
      .refine((name) => !RESERVED.has(name.toLowerCase()), 'is a name that the service uses itself')
      .openapi({ example: 'ada', description: 'Of a person or a program; the audit names it.' }),
    role: RoleSchema,
    expiresAt: z.iso
      .datetime({ offset: true })
      .nullable()
      .optional()
      .openapi({ description: 'An instant in the future; left out: until it is revoked.' }),
  })
  .openapi('AddTokenRequest');

export const TokensQuerySchema = PageQuerySchema;
export const TokensAnswerSchema = z
  .object({ success: SuccessSchema, tokens: z.array(AccessTokenSchema), nextCursor: NextCursorSchema })
  .openapi('TokensAnswer');
export const TokenAddedSchema = z
  .object({
    success: SuccessSchema,
    token: AccessTokenSchema,
    secret: z.string().openapi({ description: 'Shown this once; send it as `Authorization: Bearer`.' }),
  })
  .openapi('TokenAdded');
export const TokenParamsSchema = z.object({
  tokenId: z
    .string()
    .regex(/^[0-9a-f]{12}$/)
    .openapi({ param: { name: 'tokenId', in: 'path' }, example: '0123456789ab' }),
});
export const TokenRevokedSchema = z
  .object({ success: SuccessSchema, token: AccessTokenSchema })
  .openapi('TokenRevoked');
