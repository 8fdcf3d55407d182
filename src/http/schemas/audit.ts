// The audit on the wire.

import { z } from '@hono/zod-openapi';
import {
  CodeSchema,
  InstantSchema,
  NextCursorSchema,
  PageQuerySchema,
  ProjectIdSchema,
  QueryInstantSchema,
  SuccessSchema,
} from './common.ts';
import { RoleSchema } from './token.ts';

const AuditEntrySchema = z
  .object({
    auditId: z.int(),
    at: InstantSchema,
    machineId: z.string(),
    actor: z.object({
      name: z.string().openapi({
        description: '`local`: a caller without a token on the machine; `admin`: with SYNC_API_TOKEN.',
      }),
      role: RoleSchema,
      tokenId: z.string().nullable(),
    }),
    from: z.object({
      address: z.string().nullable().openapi({ description: 'Of the peer of the connection.' }),
      forwardedFor: z.string().nullable().openapi({ description: 'What a proxy claimed.' }),
    }),
    requestId: z.string(),
    method: z.string(),
    route: z.string().openapi({ example: '/api/sync/projects/{projectId}/pause' }),
    projectId: z.string().nullable(),
    subject: z.string().nullable().openapi({ description: 'What was made or taken away.' }),
    keys: z.array(z.string()).openapi({ description: 'Names of the values that were sent, without them.' }),
    status: z.int().openapi({ description: 'Of the answer. 403: it was refused for the role.' }),
    code: CodeSchema.nullable(),
  })
  .openapi('AuditEntry');
export type WireAuditEntry = z.infer<typeof AuditEntrySchema>;

export const AuditQuerySchema = PageQuerySchema.extend({
  actor: z.string().min(1).max(100).optional(),
  projectId: ProjectIdSchema.optional(),
  since: QueryInstantSchema.optional(),
  until: QueryInstantSchema.optional(),
});
export const AuditAnswerSchema = z
  .object({ success: SuccessSchema, entries: z.array(AuditEntrySchema), nextCursor: NextCursorSchema })
  .openapi('AuditAnswer');
