// What a webhook's delivery is answered with.

import { z } from '@hono/zod-openapi';
import { WEBHOOK_HEALTH, WEBHOOK_OUTCOMES } from '../../model/webhook.ts';
import { InstantSchema, orNull, ReasonSchema, SuccessSchema } from './common.ts';

export const WebhookHeadersSchema = z.object({
  'x-github-event': z.string().openapi({ example: 'push' }),
  'x-github-delivery': z.string().openapi({ description: 'The same when it is delivered again.' }),
  'x-hub-signature-256': z.string().openapi({ description: 'HMAC of the body with the webhook’s secret.' }),
});

export const WebhookAnswerSchema = z
  .object({
    success: SuccessSchema,
    outcome: z.enum(WEBHOOK_OUTCOMES).openapi({
      description:
        '`queued`: syncs are due; `ping`: the webhook works; `noted`: nothing is due; `ignored`: it concerns no ' +
        'project here; `repeated`: it was acted upon before.',
    }),
    detail: z.string(),
    queued: z.array(z.object({ projectId: z.string(), jobId: z.string() })),
  })
  .openapi('WebhookAnswer');

const WebhookSchema = z
  .object({
    health: z.enum(WEBHOOK_HEALTH).openapi({
      description:
        '`healthy`: it delivers; `waiting`: nothing has come yet, or for a day; `failing`: the host says that its ' +
        'deliveries fail; `refused`: the host lets none be set up; `off`: a person wants none.',
    }),
    repository: z.string().openapi({ example: 'octocat/hello' }),
    isOurs: z.boolean().openapi({ description: 'Registered by gitferry, not by a person.' }),
    hookId: z.int().nullable().openapi({ description: 'The number that the host gave it.' }),
    url: z.string().nullable(),
    reason: orNull(ReasonSchema),
    lastDeliveryAt: InstantSchema.nullable(),
    lastEvent: z.string().nullable(),
    failure: z.string().nullable().openapi({ description: 'What the host says of its last delivery.' }),
    failingSince: InstantSchema.nullable(),
    checkedAt: InstantSchema.nullable().openapi({ description: 'When the host was asked about it last.' }),
  })
  .openapi('Webhook');

export const ProjectWebhookAnswerSchema = z
  .object({
    success: SuccessSchema,
    webhook: orNull(WebhookSchema).openapi({
      description: 'Null: the repository has none that is known.',
    }),
    deliveries: z
      .array(
        z.object({
          deliveryId: z.string(),
          event: z.string(),
          receivedAt: InstantSchema,
          outcome: z.enum(WEBHOOK_OUTCOMES).nullable(),
          detail: z.string().nullable(),
        }),
      )
      .openapi({ description: 'The newest first.' }),
  })
  .openapi('ProjectWebhookAnswer');
