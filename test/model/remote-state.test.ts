import { expect, test } from 'vitest';
import { reasonOf } from '../../src/model/failure.ts';
import { NO_FACTS, projectState } from '../../src/model/project.ts';
import { mirrorsDue, type RemoteState, unsafeRemote } from '../../src/model/remote-state.ts';

const ORIGIN: RemoteState = {
  ...{ name: 'origin', primary: true, url: 'https://h/p.git', branches: ['*'], state: 'safe', tips: {} },
  ...{ reason: null, failures: 0, retryAt: null, lastSafeAt: 1 },
};
const MIRROR: RemoteState = { ...ORIGIN, name: 'one', primary: false };
const OFFLINE = { state: 'retrying', reason: reasonOf('offline', 'far away'), retryAt: 500 } as const;
const REFUSED = { state: 'blocked', reason: reasonOf('push-forbidden', 'no') } as const;

test.each([
  ['a lone primary, of which the job tells', [{ ...ORIGIN, ...REFUSED }], null],
  ['all safe', [ORIGIN, MIRROR], null],
  [
    'one that needs a person before one that waits',
    [
      { ...ORIGIN, ...OFFLINE },
      { ...MIRROR, ...REFUSED },
    ],
    'one',
  ],
  [
    'one that waits before one that is due',
    [ORIGIN, { ...MIRROR, state: 'pending' }, { ...MIRROR, name: 'two', ...OFFLINE }],
    'two',
  ],
] as const)('unsafeRemote() of %s', (_what, remotes, name) => {
  expect(unsafeRemote(remotes as readonly RemoteState[])?.name ?? null).toBe(name);
});

test.each([
  ['offline', [{ ...ORIGIN, ...OFFLINE }, MIRROR]],
  ['retrying', [ORIGIN, { ...MIRROR, ...OFFLINE }]],
  ['blocked', [ORIGIN, { ...MIRROR, ...REFUSED }]],
  ['pending', [ORIGIN, { ...MIRROR, state: 'pending' }]],
  ['safe', [ORIGIN, MIRROR]],
] as const)('projectState() is %s by its remotes', (state, remotes) => {
  const facts = { ...NO_FACTS, lastSafeAt: 1, remotes: [...remotes] as RemoteState[] };
  const answer = projectState({
    github: { enabled: true },
    pausedUntil: null,
    facts,
    job: null,
    gate: null,
    now: 2,
  });
  expect(answer.state).toBe(state);
});

const WISHED = [{ name: 'one', url: 'https://m/p.git' }];
test.each([
  ['a mirror that is new in the settings', WISHED, [ORIGIN], false, true],
  ['a mirror that left the settings', [], [ORIGIN, MIRROR], false, true],
  ['nothing to do', WISHED, [ORIGIN, MIRROR], true, false],
  ['a primary without mirrors', [], [{ ...ORIGIN, ...REFUSED }], true, false],
  ['a time that has come', WISHED, [ORIGIN, { ...MIRROR, ...OFFLINE }], false, true],
  ['a time that has not come', WISHED, [ORIGIN, { ...MIRROR, ...OFFLINE, retryAt: 5_000 }], false, false],
  ['one for a person, at the first look', WISHED, [ORIGIN, { ...MIRROR, ...REFUSED }], true, true],
  ['one for a person, later', WISHED, [ORIGIN, { ...MIRROR, ...REFUSED }], false, false],
] as const)('mirrorsDue() for %s', (_what, wished, remotes, firstLook, due) => {
  const github = { remotes: [...wished] };
  expect(mirrorsDue(github, remotes as readonly RemoteState[], { now: 1_000, firstLook })).toBe(due);
});
