// The client's methods for what comes from hosts and goes to people: webhooks and notices. Types alone.

import type { z } from 'zod';
import type { NoticesAnswerSchema, NoticeTestAnswerSchema } from '../http/schemas/notice.ts';
import type { ProjectWebhookAnswerSchema } from '../http/schemas/webhook.ts';
import type { CallOptions } from './call-options.ts';

type Answer<Schema extends z.ZodType> = Promise<z.infer<Schema>>;

export type NoticeMethods = {
  /** What people were told, newest first, and how each target stands. */
  notices(
    query?: { limit?: number; cursor?: string; projectId?: string },
    options?: CallOptions,
  ): Answer<typeof NoticesAnswerSchema>;
  /** Sends one to every target, now and once. */
  testNotices(options?: CallOptions): Answer<typeof NoticeTestAnswerSchema>;
  webhook(projectId: string, options?: CallOptions): Answer<typeof ProjectWebhookAnswerSchema>;
  /** Registers it with the host, or mends the one that is there. */
  registerWebhook(projectId: string, options?: CallOptions): Answer<typeof ProjectWebhookAnswerSchema>;
  /** None is registered again until asked. */
  removeWebhook(projectId: string, options?: CallOptions): Answer<typeof ProjectWebhookAnswerSchema>;
};
