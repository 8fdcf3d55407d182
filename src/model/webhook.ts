// What a host delivers to the webhook route, and what became of it.

import type { JobId, ProjectId } from './ids.ts';

/** One delivery as it came; null for a header that was not sent. Nothing of it is believed before its signature is. */
export type WebhookDelivery = {
  deliveryId: string | null;
  event: string | null;
  signature: string | null;
  /** The host's number of the hook. */
  hookId: string | null;
  contentType: string | null;
  /** Exactly the bytes that were signed. */
  body: Uint8Array;
};

/**
 * - `queued`: syncs that ask the remote are due; - `ping`: the hook works; - `noted`: understood, and no sync is due;
 * - `ignored`: nothing that concerns a project here; - `repeated`: this delivery was acted upon before.
 */
export const WEBHOOK_OUTCOMES = ['queued', 'ping', 'noted', 'ignored', 'repeated'] as const;
export type WebhookOutcome = (typeof WEBHOOK_OUTCOMES)[number];

export type WebhookResult = {
  outcome: WebhookOutcome;
  /** In a sentence, why. */
  detail: string;
  queued: { projectId: ProjectId; jobId: JobId }[];
};
