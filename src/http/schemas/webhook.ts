// What a webhook's delivery is answered with.

import { z } from '@hono/zod-openapi';
import { WEBHOOK_OUTCOMES } from '../../model/webhook.ts';
import { SuccessSchema } from './common.ts';

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
