import { expect, test } from 'vitest';
import type { SyncAnswer } from '../../src/git/sync/sync-work.ts';
import { Failure } from '../../src/model/failure.ts';
import { NO_FACTS } from '../../src/model/project.ts';
import type { RemoteState } from '../../src/model/remote-state.ts';
import { NO_STATS } from '../../src/model/run.ts';
import { decideSettle } from '../../src/runner/decide-settle.ts';
import { followRename } from '../../src/runner/follow-rename.ts';

const RULES = { maxRetries: 3, retryDelayMs: 30_000, rateLimitDelayMs: 60_000, random: () => 0.5, now: 0 };
const GATES = { hostGate: 'host:h', credentialGate: 'cred:h', strikes: 0 };

function answer(url: string, fullName: string | null, movedTo?: string): SyncAnswer {
  const primary: RemoteState = {
    ...{ name: 'origin', primary: true, url, branches: ['*'], state: 'blocked', tips: {} },
    ...{ reason: null, failures: 1, retryAt: null, lastSafeAt: 1, ...(movedTo && { movedTo }) },
  };
  const data = fullName === null ? {} : { fullName };
  const failure = new Failure('repository-renamed', 'octo/old is another one now.', { data });
  return {
    outcome: { kind: 'failed', failure },
    facts: { ...NO_FACTS, remotes: [primary] },
    stats: NO_STATS,
  };
}

test.each([
  ['https://github.com/octo/old.git', 'acme/new', undefined, 'https://github.com/acme/new.git'],
  ['https://git.acme.io:8443/octo/old', 'octo/new', undefined, 'https://git.acme.io:8443/octo/new'],
  ['git@github.com:octo/old.git', 'octo/new', undefined, 'git@github.com:octo/new.git'],
  [
    'ssh://git@git.acme.io:2222/octo/old.git/',
    'octo/new',
    undefined,
    'ssh://git@git.acme.io:2222/octo/new.git',
  ],
  // Again: from where it was followed to.
  ['https://h/octo/old.git', 'octo/third', 'https://h/octo/second.git', 'https://h/octo/third.git'],
  // Nothing to follow: it was tried there already, or no name is known that could be one.
  ['https://h/octo/old.git', 'octo/second', 'https://h/octo/second.git', 'https://h/octo/second.git'],
  ['https://h/octo/old.git', 'octo/old', undefined, undefined],
  ['https://h/octo/old.git', '../../etc/passwd', undefined, undefined],
  ['https://h/octo/old.git', 'octo/..', undefined, undefined],
  ['https://h/octo/old.git', null, undefined, undefined],
  ['/srv/git/old.git', 'octo/new', undefined, undefined],
])('followRename() of %s, which is %s now', (url, fullName, before, after) => {
  const { facts, outcome } = followRename(answer(url, fullName, before));
  expect(facts.remotes[0]?.movedTo).toBe(after);
  const isNews = after !== before;
  const settled = decideSettle(outcome, { attempt: 1, ...GATES }, RULES).outcome;
  expect(settled.kind).toBe(isNews ? 'retry' : 'park');
  if (settled.kind === 'retry') expect(settled.delayMs).toBeLessThan(1_000);
  if ('reason' in settled) expect(settled.reason?.action).toMatch(isNews ? /it is followed/ : /new address/);
});

test('a host that sends from one name to the next is not followed for ever', () => {
  const { outcome } = followRename(answer('https://h/octo/old.git', 'octo/new'));
  const kinds = [1, 2, 3, 4].map(
    (attempt) => decideSettle(outcome, { attempt, ...GATES }, RULES).outcome.kind,
  );
  expect(kinds).toEqual(['retry', 'retry', 'retry', 'park']);
});

test('followRename() leaves every other answer as it is', () => {
  const done: SyncAnswer = { outcome: { kind: 'done', status: 'success' }, facts: NO_FACTS, stats: NO_STATS };
  expect(followRename(done)).toBe(done);
  const failure = new Failure('repository-not-found', 'gone', { data: { fullName: 'octo/new' } });
  const other = {
    ...answer('https://h/octo/old.git', 'octo/new'),
    outcome: { kind: 'failed', failure } as const,
  };
  expect(followRename(other)).toBe(other);
});
