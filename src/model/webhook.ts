// What a host delivers to the webhook route, and what became of it.

import type { Reason } from './failure.ts';
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

/** The webhook of a project's repository as it is stored. Instants are epoch milliseconds. */
export type Webhook = {
  webhookId: number;
  fullName: string;
  /** The host's number; null while there is none, or where it is not known. */
  hookId: number | null;
  /** Where it delivers; null of one that a person set up. */
  url: string | null;
  /** `wanted`: being registered; `found`: set up by a person and seen by its deliveries; `off`: a person took it away. */
  state: 'wanted' | 'registered' | 'found' | 'refused' | 'off';
  /** Why the host has none. */
  reason: Reason | null;
  lastDeliveryAt: number | null;
  lastEvent: string | null;
  /** What became of a delivery that the host could not bring. */
  failure: string | null;
  failedAt: number | null;
  checkedAt: number | null;
};

/**
 * - `healthy`: it delivers; - `waiting`: nothing has come (for a day); - `failing`: the host says that we do not answer;
 * - `refused`: the host lets us set up none; - `off`: a person wants none.
 */
export const WEBHOOK_HEALTH = ['healthy', 'waiting', 'failing', 'refused', 'off'] as const;
export type WebhookHealth = (typeof WEBHOOK_HEALTH)[number];

/** Without a delivery or a look at the host within this time nobody can say that it still works. */
const BELIEVED_MS = 86_400_000;

export function webhookHealth(
  hook: Pick<Webhook, 'state' | 'failedAt' | 'lastDeliveryAt' | 'checkedAt'>,
  now: number,
): WebhookHealth {
  if (hook.state === 'off' || hook.state === 'refused') return hook.state;
  if (hook.failedAt !== null) return 'failing';
  if (hook.lastDeliveryAt === null) return 'waiting';
  const known = Math.max(hook.lastDeliveryAt, hook.state === 'registered' ? (hook.checkedAt ?? 0) : 0);
  return known > now - BELIEVED_MS ? 'healthy' : 'waiting';
}

/** A delivery as it is listed; `receivedAt` is epoch milliseconds, `outcome` null while it is acted upon. */
export type ListedDelivery = {
  deliveryId: string;
  event: string;
  receivedAt: number;
  outcome: WebhookOutcome | null;
  detail: string | null;
};
