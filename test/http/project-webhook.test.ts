import { afterEach, beforeEach, expect, test } from 'vitest';
import { Failure } from '../../src/model/failure.ts';
import type { Webhook } from '../../src/model/webhook.ts';
import { createFixture, type Fixture } from './api-fixture.ts';

const WEBHOOK: Webhook = {
  ...{
    webhookId: 1,
    fullName: 'octocat/hello',
    hookId: 7,
    url: 'https://ferry.example.org/api/webhooks/github',
  },
  ...{ state: 'registered', reason: null, lastDeliveryAt: 1_000, lastEvent: 'push' },
  ...{ failure: '502 Bad Gateway', failedAt: 2_000, checkedAt: 3_000 },
};
const DELIVERY = {
  deliveryId: 'd',
  event: 'push',
  receivedAt: 1_000,
  outcome: 'queued',
  detail: 'pushed',
} as const;

let fixture: Fixture;
beforeEach(async () => {
  const answer = async () => ({ webhook: WEBHOOK, deliveries: [DELIVERY] });
  fixture = await createFixture({
    service: { webhook: answer, registerWebhook: answer, removeWebhook: answer },
  });
});
afterEach(() => fixture.close());

test.each(['GET', 'POST', 'DELETE'])(
  '%s …/webhook shows its health and its deliveries, never its secret',
  async (method) => {
    const { status, body } = await fixture.send(
      method,
      '/api/sync/projects/blog/webhook',
      method === 'GET' ? undefined : {},
    );
    expect(status).toBe(200);
    expect(body).toEqual({
      success: true,
      webhook: {
        ...{
          health: 'failing',
          repository: 'octocat/hello',
          isOurs: true,
          hookId: 7,
          url: WEBHOOK.url,
          reason: null,
        },
        ...{ lastDeliveryAt: '1970-01-01T00:00:01.000Z', lastEvent: 'push', failure: '502 Bad Gateway' },
        ...{ failingSince: '1970-01-01T00:00:02.000Z', checkedAt: '1970-01-01T00:00:03.000Z' },
      },
      deliveries: [{ ...DELIVERY, receivedAt: '1970-01-01T00:00:01.000Z' }],
    });
  },
);

test.each(['public-url-missing', 'webhook-refused', 'no-github-api'] as const)(
  '%s is answered with 409',
  async (code) => {
    await fixture.close();
    fixture = await createFixture({
      service: {
        registerWebhook: async () => {
          throw new Failure(code, 'No.');
        },
      },
    });
    const { status, body } = await fixture.send('POST', '/api/sync/projects/blog/webhook', {});
    expect(status).toBe(409);
    expect(body).toMatchObject({ code, action: expect.any(String) });
  },
);

test('a project that is not there is 404', async () => {
  await fixture.close();
  fixture = await createFixture();
  expect((await fixture.get('/api/sync/projects/none/webhook')).status).toBe(404);
});
