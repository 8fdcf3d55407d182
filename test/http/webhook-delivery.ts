// A delivery of GitHub, signed as GitHub signs.

import { createHmac, randomUUID } from 'node:crypto';
import { WEBHOOK_SECRET } from './api-fixture.ts';

export function signedDelivery(payload: unknown, { event = 'push' }: { event?: string } = {}) {
  const body = typeof payload === 'string' ? payload : JSON.stringify(payload);
  const digest = createHmac('sha256', WEBHOOK_SECRET).update(body).digest('hex');
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    'x-github-event': event,
    'x-github-delivery': randomUUID(),
    'x-hub-signature-256': `sha256=${digest}`,
  };
  return { body, headers };
}
