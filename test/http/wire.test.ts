// What may be seen on the wire, and what requests may say.

import { expect, test } from 'vitest';
import { strictly } from '../../src/http/schemas/strictly.ts';
import { durationOf, wireData, wireEvent, withoutCredentials } from '../../src/http/wire.ts';
import type { FeedEvent } from '../../src/model/event.ts';
import { GithubConfigPatchSchema } from '../../src/model/project-config.ts';

test.each([
  ['https://github.com/u/r.git', 'https://github.com/u/r.git'],
  ['https://user:pass@github.com/u/r.git', 'https://github.com/u/r.git'],
  ['https://ghp_0123456789abcdefghij@github.com/u/r.git', 'https://github.com/u/r.git'],
  ['http://u@localhost:8080/r?access_token=abc#x', 'http://localhost:8080/r'],
  ['ssh://git@github.com/u/r.git', 'ssh://git@github.com/u/r.git'],
  ['ssh://git:pw@github.com/u/r.git', 'ssh://git@github.com/u/r.git'],
  ['git@github.com:u/r.git', 'git@github.com:u/r.git'],
  ['/srv/git/r.git', '/srv/git/r.git'],
])('withoutCredentials() shows %s as %s', (url, shown) => {
  expect(withoutCredentials(url)).toBe(shown);
});

test('wireData() turns instants into ISO text and takes credentials out at every depth', () => {
  const data = {
    runAt: 0,
    pausedUntil: 1_700_000_000_000,
    durationMs: 5,
    attempt: 1,
    format: 7,
    error: { detail: 'push to https://u:hunter22@host/r failed', list: ['Bearer abcdefghijkl'] },
    url: 'libsql://db?authToken=abc.def',
    nothing: null,
  };
  expect(wireData(data)).toEqual({
    runAt: '1970-01-01T00:00:00.000Z',
    pausedUntil: '2023-11-14T22:13:20.000Z',
    durationMs: 5,
    attempt: 1,
    format: 7,
    error: { detail: 'push to https://host/r failed', list: ['Bearer [redacted]'] },
    url: 'libsql://db?authToken=[redacted]',
    nothing: null,
  });
});

test('wireEvent() writes the job id as text', () => {
  const event = {
    id: 42,
    at: 0,
    type: 'job.ready',
    projectId: 'blog',
    jobId: 7,
    data: {},
  } as unknown as FeedEvent;
  expect(wireEvent(event)).toEqual({
    id: 42,
    at: '1970-01-01T00:00:00.000Z',
    type: 'job.ready',
    projectId: 'blog',
    jobId: '7',
    data: {},
  });
});

test('durationOf() is never negative', () => {
  expect(durationOf({ startedAt: 10, finishedAt: 4 })).toBe(0);
  expect(durationOf({ startedAt: 10, finishedAt: null })).toBeNull();
});

test('strictly() refuses unknown keys at every depth, allows null, and fills nothing in', () => {
  const schema = strictly(GithubConfigPatchSchema);
  expect(schema.parse({ authentication: { credential: 'work' } })).toEqual({
    authentication: { credential: 'work' },
  });
  expect(schema.parse({ remoteUrl: null, schedule: { cron: null } })).toEqual({
    remoteUrl: null,
    schedule: { cron: null },
  });
  expect(schema.parse({})).toEqual({});
  const faults = schema.safeParse({ enabledd: true, authentication: { token: 'x' } }).error?.issues;
  expect(faults?.map((fault) => fault.path.join('.'))).toEqual(['authentication', '']);
  expect(schema.safeParse({ mode: 'force' }).success).toBe(false);
});
