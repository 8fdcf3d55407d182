// A delivery of a webhook from its signature to the syncs it causes. It is a hint like a file event: the syncs ask the
// remote what is there. On a shared queue the machine that holds a project takes its sync up, whichever received this.

import { z } from 'zod';
import { signingSecret } from '../github/verify-webhook.ts';
import { readWebhookNews, type WebhookNews } from '../github/webhook-news.ts';
import { Failure } from '../model/failure.ts';
import type { Service } from '../model/service.ts';
import type { WebhookDelivery } from '../model/webhook.ts';
import { claimDelivery, finishDelivery, releaseDelivery } from '../store/webhook-deliveries.ts';
import { noteDelivery, noteDeliveryOf, repositoryOfWebhook, secretsOfHook } from '../store/webhooks.ts';
import { actOnNews, keysOf, type NewsPorts } from './webhook-syncs.ts';

export type ReceiverPorts = NewsPorts & {
  /** SYNC_WEBHOOK_SECRET; null: only hooks that were registered here are believed. */
  secret(): string | null;
};

type Signed = {
  deliveryId: string;
  event: string;
  hookId: number | null;
  text: string;
  webhookId: number | null;
};

const DELIVERY_ID = /^[\w-]{1,100}$/;
const EVENT = /^[a-z_]{1,60}$/;

/** @throws Failure as `Service.receiveWebhook` says */
export function createWebhookReceiver(ports: ReceiverPorts): Service['receiveWebhook'] {
  return async (delivery) => {
    const signed = await checkSignature(delivery, ports);
    const news = newsOf(signed, delivery.contentType);
    const { deliveryId, event } = signed;
    if (!(await claimDelivery(ports.db, signed))) {
      return { outcome: 'repeated', detail: `The delivery ${deliveryId} was acted upon before.`, queued: [] };
    }
    try {
      const webhookId = await noteArrival(signed, news, ports);
      const own = webhookId === null ? null : await repositoryOfWebhook(ports.db, webhookId);
      const result = await actOnNews(news, own === null ? [] : [own], ports);
      await finishDelivery(ports.db, {
        deliveryId,
        webhookId,
        outcome: result.outcome,
        detail: result.detail,
      });
      ports.log.debug({ deliveryId, event, outcome: result.outcome }, 'a webhook was received');
      return result;
    } catch (error) {
      // The host offers it again; it must not count as a repetition then.
      await releaseDelivery(ports.db, deliveryId);
      throw error;
    }
  };
}

/** Before the signature is known to be ours, nothing of the delivery is looked at. */
async function checkSignature(delivery: WebhookDelivery, ports: ReceiverPorts): Promise<Signed> {
  const hookId = /^\d{1,15}$/.test(delivery.hookId ?? '') ? Number(delivery.hookId) : null;
  const registered = await secretsOfHook(ports.db, hookId);
  const own = ports.secret();
  const secrets = [...registered.map(({ secret }) => secret), ...(own === null ? [] : [own])];
  const text = decode(delivery.body);
  const place = await signingSecret(text, delivery.signature, secrets);
  if (place < 0) throw new Failure('webhook-signature-invalid', wrongSignature(delivery, secrets.length));
  const { deliveryId, event } = delivery;
  if (deliveryId === null || !DELIVERY_ID.test(deliveryId)) throw missingHeader('X-GitHub-Delivery');
  if (event === null || !EVENT.test(event)) throw missingHeader('X-GitHub-Event');
  return { deliveryId, event, hookId, text, webhookId: registered[place]?.webhookId ?? null };
}

/** What is not UTF-8 comes out as another text, which no signature fits. */
function decode(body: Uint8Array): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(body);
}

function wrongSignature({ signature }: WebhookDelivery, secrets: number): string {
  if (secrets === 0) return 'No webhook secret is known here, so no delivery can be believed.';
  if (signature === null)
    return 'The delivery has no X-Hub-Signature-256: its webhook was set up without a secret.';
  return 'The delivery was not signed with a secret that is known here.';
}

function missingHeader(name: string): Failure {
  return new Failure(
    'invalid-request',
    `The request cannot be used: the header ${name} is missing or malformed.`,
    {
      data: { errors: [{ path: name, message: 'is missing or malformed' }] },
    },
  );
}

/** @throws Failure `malformed-json`, `invalid-request` */
function newsOf({ event, text }: Signed, contentType: string | null): WebhookNews {
  const isForm = contentType?.startsWith('application/x-www-form-urlencoded') ?? false;
  let payload: unknown;
  try {
    payload = JSON.parse(isForm ? (new URLSearchParams(text).get('payload') ?? '') : text);
  } catch (cause) {
    throw new Failure('malformed-json', 'The delivery is not valid JSON.', { cause });
  }
  try {
    return readWebhookNews(event, payload);
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error;
    const errors = error.issues.map(({ path, message }) => ({ path: path.join('.'), message }));
    const named = errors.map(({ path, message }) => `${path}: ${message}`).join('; ');
    throw new Failure('invalid-request', `The ${event} delivery cannot be read: ${named.slice(0, 500)}.`, {
      data: { errors },
    });
  }
}

/** The delivery shows that the hook of its repository works. */
async function noteArrival(signed: Signed, news: WebhookNews, { db }: ReceiverPorts): Promise<number | null> {
  const { event, hookId, webhookId } = signed;
  if (webhookId !== null) {
    await noteDeliveryOf(db, webhookId, event);
    return webhookId;
  }
  const [repository] = 'repository' in news && news.repository ? keysOf(news.repository) : [];
  if (repository === undefined || !('repository' in news) || news.repository === null) return null;
  return noteDelivery(db, { repository, fullName: news.repository.fullName, hookId, event });
}
