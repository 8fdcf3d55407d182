// What runs, and how far it has come, as the API tells it.

import { expect, test } from 'vitest';
import { claimOne, put } from '../support/queue-calls.ts';
import { createFixture } from './api-fixture.ts';

test('GET queue tells of what runs how far it has come', async () => {
  const api = await createFixture();
  try {
    await api.addProject('blog');
    const now = Date.now();
    await put(api.db, 'blog', now, { trigger: 'api', delayMs: 0 });
    await claimOne(api.db, now + 1);
    const { body } = await api.get('/api/sync/queue');
    expect(body.queue).toEqual([]);
    expect(body.active).toMatchObject([{ projectId: 'blog', state: 'running', attempt: 1 }]);
    expect(body.active[0].progress).toEqual({
      phase: 'pushing',
      objects: 3,
      objectsTotal: 12,
      bytes: 4_096,
    });
  } finally {
    await api.close();
  }
});
