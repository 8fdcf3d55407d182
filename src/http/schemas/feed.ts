// The live feed on the wire: what may be asked, and its messages.

import { z } from '@hono/zod-openapi';
import { EVENT_TYPES } from '../../model/event.ts';
import { InstantSchema, queryInteger, SuccessSchema } from './common.ts';

/** Only the feed itself sends these two; they cannot be filtered away. */
const OWN_TYPES = ['hello', 'reset'] as const;
const MESSAGE_TYPES = [...OWN_TYPES, ...EVENT_TYPES] as const;

/** A type, or a group of types as `job.*`; `*` for all. */
function isTypePattern(pattern: string): boolean {
  if (pattern === '*') return true;
  if (!pattern.endsWith('.*')) return MESSAGE_TYPES.some((type) => type === pattern);
  const prefix = pattern.slice(0, -1);
  return MESSAGE_TYPES.some((type) => type.startsWith(prefix));
}

const EventIdSchema = z
  .string()
  .regex(/^\d{1,15}$/, 'must be the id of an event')
  .transform(Number)
  .openapi({ type: 'integer', minimum: 0 });

const TypesSchema = z
  .string()
  .max(1_000)
  .transform((text, context) => {
    const patterns = text.split(',').map((part) => part.trim());
    for (const pattern of patterns) {
      if (isTypePattern(pattern)) continue;
      context.addIssue({
        code: 'custom',
        message: `"${pattern}" is not an event type or a group like job.*`,
      });
    }
    return patterns;
  })
  .openapi({ type: 'string', example: 'job.*,project.state' });

export const FeedQuerySchema = z.object({
  since: EventIdSchema.optional().openapi({
    type: 'integer',
    description: 'Replay everything after this id, then go live. Left out: live only.',
  }),
  epoch: z.string().max(100).optional().openapi({
    description: 'The `epoch` under which `since` was seen; when it is another now, a reset comes first.',
  }),
  types: TypesSchema.optional(),
  ticket: z.string().max(200).optional().openapi({ description: 'From POST /api/sync/tickets.' }),
  limit: queryInteger(1, 500, 100).openapi({ description: 'Long poll: most events in one answer.' }),
  timeoutMs: queryInteger(0, 60_000, 25_000).openapi({
    description: 'Long poll: wait at most so long for a first event.',
  }),
});
export type FeedQuery = z.infer<typeof FeedQuerySchema>;

const FeedMessageSchema = z
  .object({
    id: z.int(),
    at: InstantSchema,
    type: z.enum(MESSAGE_TYPES),
    projectId: z.string().nullable(),
    jobId: z.string().nullable(),
    data: z.record(z.string(), z.unknown()),
  })
  .openapi('FeedMessage');
export type FeedMessage = z.infer<typeof FeedMessageSchema>;

export const FeedPageSchema = z
  .object({
    success: SuccessSchema,
    epoch: z.string(),
    events: z.array(FeedMessageSchema),
    nextSince: z.int().openapi({ description: 'Pass it as `since` of the next call.' }),
  })
  .openapi('FeedPage');

export const TicketAnswerSchema = z
  .object({ success: SuccessSchema, ticket: z.string(), expiresAt: InstantSchema })
  .openapi('TicketAnswer');
