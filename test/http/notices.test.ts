import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ProjectId } from '../../src/model/ids.ts';
import { applyJudgement, releaseGathered } from '../../src/store/notices.ts';
import { createFixture, type Fixture } from './api-fixture.ts';

let fixture: Fixture;
beforeEach(async () => {
  fixture = await createFixture({
    notices: {
      targets: async () => [
        {
          ...{ target: 'webhook', waiting: 2, lastSentAt: 0 },
          failing: { since: 1_000, attempts: 3, error: 'h answered 500.', nextTryAt: 2_000 },
        },
      ],
      test: async () => [{ target: 'webhook', ok: false, detail: 'h answered 500.' }],
    },
  });
});
afterEach(() => fixture.close());

async function note(projectId: string, at: number): Promise<void> {
  const notice = {
    ...{ kind: 'needs-attention' as const, code: 'push-forbidden' as const },
    ...{ detail: 'denied', action: 'ask', paths: [] },
  };
  const set = [{ kind: notice.kind, code: null, since: at, paths: [], notice }];
  const place = { machineId: 'laptop', projectId: projectId as ProjectId, projectName: projectId, at };
  await applyJudgement(fixture.db, place, { drop: [], set, recovered: null });
}

test('GET /api/sync/notices lists what people were told page by page, and how the targets stand', async () => {
  await note('blog', 1_000);
  await releaseGathered(fixture.db, { machineId: 'laptop', before: 1_000, now: 1_000 });
  await note('notes', 2_000);
  const first = await fixture.get('/api/sync/notices?limit=1');
  expect(first.status).toBe(200);
  expect(first.body.notices).toMatchObject([{ projectId: 'notes', state: 'gathering' }]);
  expect(first.body.targets).toEqual([
    {
      ...{ target: 'webhook', waiting: 2, lastSentAt: '1970-01-01T00:00:00.000Z' },
      failing: {
        ...{ since: '1970-01-01T00:00:01.000Z', attempts: 3, error: 'h answered 500.' },
        nextTryAt: '1970-01-01T00:00:02.000Z',
      },
    },
  ]);
  const second = await fixture.get(`/api/sync/notices?limit=1&cursor=${first.body.nextCursor}`);
  expect(second.body).toMatchObject({
    notices: [
      { projectId: 'blog', state: 'released', at: '1970-01-01T00:00:01.000Z', code: 'push-forbidden' },
    ],
    nextCursor: null,
  });
  const one = await fixture.get('/api/sync/notices?projectId=blog');
  expect(one.body.notices).toHaveLength(1);
  expect((await fixture.get('/api/sync/notices?cursor=none')).status).toBe(400);
});

test('POST /api/sync/notices/test answers what became of it, and 409 without a target', async () => {
  const { status, body } = await fixture.send('POST', '/api/sync/notices/test', {});
  expect(status).toBe(200);
  expect(body.results).toEqual([{ target: 'webhook', ok: false, detail: 'h answered 500.' }]);
  await fixture.close();
  fixture = await createFixture();
  const refused = await fixture.send('POST', '/api/sync/notices/test', {});
  expect(refused.status).toBe(409);
  expect(refused.body.code).toBe('notice-targets-missing');
});
