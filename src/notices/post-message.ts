// Posts a message to a webhook, signed. Follows no redirect: what it says is for that address alone.

import { createHmac } from 'node:crypto';
import type { Clock } from '../host/clock.ts';
import { networkFailure } from '../host/network-failure.ts';
import { Failure } from '../model/failure.ts';
import type { Message } from './message.ts';

const LIMIT_MS = 15_000;

/** @throws Failure `notice-failed`; its text names the host, never the path, which may hold a secret */
export async function postMessage(
  message: Message,
  {
    url,
    secret,
    userAgent,
    clock,
    signal,
  }: {
    url: string;
    secret: string | null;
    userAgent: string;
    clock: Clock;
    signal: AbortSignal;
  },
): Promise<void> {
  const body = JSON.stringify(message);
  const { host } = new URL(url);
  const limit = new AbortController();
  const late = new Failure('remote-timeout', `${host} did not answer within ${LIMIT_MS} ms.`);
  const cancel = clock.timer(LIMIT_MS, () => limit.abort(late));
  try {
    const response = await fetch(url, {
      method: 'POST',
      redirect: 'manual',
      signal: AbortSignal.any([signal, limit.signal]),
      headers: {
        'content-type': 'application/json',
        'user-agent': userAgent,
        'x-gitferry-delivery': message.id,
        ...(secret !== null && { 'x-gitferry-signature-256': signatureOf(body, secret) }),
      },
      body,
    });
    await response.body?.cancel();
    if (response.ok) return;
    throw new Failure('notice-failed', `${host} answered ${response.status}.`);
  } catch (error) {
    if (error instanceof Failure && error.code === 'notice-failed') throw error;
    const failure = networkFailure(limit.signal.reason ?? signal.reason ?? error, host);
    throw new Failure('notice-failed', failure.message, { cause: failure });
  } finally {
    cancel();
  }
}

function signatureOf(body: string, secret: string): string {
  return `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
}
