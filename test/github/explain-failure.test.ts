import { expect, test } from 'vitest';
import { explainPushFailure } from '../../src/github/explain-failure.ts';
import type { RepositoryLookup } from '../../src/github/repositories.ts';
import { Failure } from '../../src/model/failure.ts';

const REMOTE = { host: 'github.com', owner: 'o', name: 'r' };
const NOT_FOUND = new Failure('repository-not-found', 'github.com answered 404: Repository not found.', {
  data: { host: 'github.com', status: 404 },
});
const FOUND: RepositoryLookup = {
  kind: 'found',
  fullName: 'o/r',
  cloneUrl: 'https://github.com/o/r.git',
  archived: false,
  private: true,
  defaultBranch: 'main',
  canPush: true,
  isAdmin: false,
};

const explain = (failure: Failure, lookup: RepositoryLookup | Error) =>
  explainPushFailure(failure, REMOTE, {
    lookUpRepository: () => (lookup instanceof Error ? Promise.reject(lookup) : Promise.resolve(lookup)),
  });

test('explainPushFailure() names the new address of a renamed repository', async () => {
  const told = await explain(NOT_FOUND, {
    kind: 'renamed',
    fullName: 'n/s',
    cloneUrl: 'https://github.com/n/s.git',
  });
  expect(told.code).toBe('repository-renamed');
  expect(told.message).toBe('o/r is now n/s: https://github.com/n/s.git');
  const renamed = { cloneUrl: 'https://github.com/n/s.git', fullName: 'n/s' };
  expect(told.data).toEqual({ host: 'github.com', status: 404, ...renamed });
  expect(told.retryable).toBe(false);
});

test('explainPushFailure() tells archived and read-only repositories from missing ones', async () => {
  const forbidden = new Failure('push-forbidden', 'github.com answered 403.');
  for (const failure of [NOT_FOUND, forbidden]) {
    expect((await explain(failure, { ...FOUND, archived: true })).code).toBe('repository-archived');
    const readOnly = await explain(failure, { ...FOUND, canPush: false });
    expect(readOnly.code).toBe('push-forbidden');
    expect(readOnly.message).toContain('o/r');
  }
});

test('explainPushFailure() adds what the API says to a failure that stays', async () => {
  const absent = await explain(NOT_FOUND, { kind: 'absent' });
  expect(absent.code).toBe('repository-not-found');
  expect(absent.message).toContain(NOT_FOUND.message);
  expect(absent.message).toContain('knows no repository o/r');
  const there = await explain(NOT_FOUND, FOUND);
  expect(there.code).toBe('repository-not-found');
  expect(there.message).toContain('may write');
});

test('explainPushFailure() keeps the failure and adds why the API could not tell', async () => {
  const limited = await explain(
    NOT_FOUND,
    new Failure('rate-limited', 'api.github.com answered 403: slow down'),
  );
  expect(limited.code).toBe('repository-not-found');
  expect(limited.message).toContain(NOT_FOUND.message);
  expect(limited.message).toContain('slow down');
  expect(limited.data).toEqual(NOT_FOUND.data);
  const broken = await explain(NOT_FOUND, new TypeError('undefined is not a function'));
  expect(broken.code).toBe('repository-not-found');
  expect(broken.message).not.toContain('undefined is not');
});

test('explainPushFailure() gives other failures back as they are, without asking', async () => {
  const offline = new Failure('offline', 'github.com cannot be reached.');
  const client = { lookUpRepository: () => Promise.reject(new Error('asked')) };
  expect(await explainPushFailure(offline, REMOTE, client)).toBe(offline);
  expect(await explain(NOT_FOUND, { kind: 'no-api' })).toBe(NOT_FOUND);
});
