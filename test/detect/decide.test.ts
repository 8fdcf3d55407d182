import { expect, test } from 'vitest';
import { decideScan, type LocalState, type ScanInput } from '../../src/detect/decide.ts';
import { reasonOf } from '../../src/model/failure.ts';

const TIP = 'a'.repeat(40);
const OTHER = 'b'.repeat(40);
const onBranch = (branch: string) =>
  ({ kind: 'branch', ref: `refs/heads/${branch}`, branch, oid: TIP }) as const;

function look(changes: Partial<Extract<LocalState, { kind: 'changes' }>> = {}): LocalState {
  return {
    kind: 'changes',
    head: onBranch('main'),
    changes: 0,
    unreadable: 0,
    branches: { main: TIP },
    ...changes,
  };
}
const merging: LocalState = {
  kind: 'blocked',
  reason: reasonOf('merge-in-progress', 'A merge is going on.'),
};

const CLEAN: ScanInput = {
  scan: look(),
  branch: 'main',
  pendingFiles: 0,
  heldFiles: 0,
  remoteTips: { main: TIP },
  previousBlocked: null,
  everSafe: true,
  syncBranches: ['main', 'auto/*'],
  mode: 'commit',
};
const before = (code: Parameters<typeof reasonOf>[0]) => ({ previousBlocked: reasonOf(code, 'before') });

test.each<[string, Partial<ScanInput>, string]>([
  ['nothing changed', {}, 'skip no-change'],
  ['a file changed', { scan: look({ changes: 1 }) }, 'enqueue changes'],
  ['a file could not be read', { scan: look({ unreadable: 1 }) }, 'enqueue changes'],
  [
    'a file changed that is never committed (mode push)',
    { scan: look({ changes: 1 }), mode: 'push' },
    'skip no-change',
  ],
  ['only the held files differ', { scan: look({ changes: 2 }), heldFiles: 2 }, 'skip no-change'],
  ['one more than the held files differs', { scan: look({ changes: 3 }), heldFiles: 2 }, 'enqueue changes'],
  ['a held file is gone', { scan: look({ changes: 1 }), heldFiles: 2 }, 'enqueue changes'],
  ['known changes are gone', { pendingFiles: 4 }, 'enqueue changes'],
  [
    'a synced branch is ahead',
    { scan: look({ branches: { main: TIP, 'auto/x': OTHER } }) },
    'enqueue unpushed',
  ],
  [
    'a branch that is not synced is ahead',
    { scan: look({ branches: { main: TIP, dev: OTHER } }) },
    'skip no-change',
  ],
  ['the remote was never seen', { remoteTips: {} }, 'enqueue unpushed'],
  [
    'a person commits, never pushed (mode push)',
    { scan: look({ branches: { main: OTHER } }), mode: 'push' },
    'enqueue unpushed',
  ],
  ['another branch is checked out', { scan: look({ head: onBranch('auto/x') }) }, 'enqueue branch-switched'],
  ['HEAD was detached', { scan: look({ head: { kind: 'detached', oid: TIP } }) }, 'enqueue branch-switched'],
  ['nothing was ever known to be safe', { everSafe: false }, 'enqueue never-safe'],
  ['a merge began', { scan: merging }, 'enqueue blocked'],
  ['a merge goes on', { scan: merging, ...before('merge-in-progress') }, 'skip blocked'],
  ['a merge came after another block', { scan: merging, ...before('index-locked') }, 'enqueue blocked'],
  ['a merge ended', before('merge-in-progress'), 'enqueue unblocked'],
  ['a remote was missing', before('remote-missing'), 'enqueue unblocked'],
  [
    'the branch is still not synced',
    { scan: look({ head: onBranch('dev'), changes: 3 }), ...before('branch-not-synced') },
    'skip blocked',
  ],
  [
    'the branch is still not synced, and has nothing to commit',
    { scan: look({ head: onBranch('dev') }), ...before('branch-not-synced') },
    'skip blocked',
  ],
  [
    'the branch is still not synced, but a synced one is ahead',
    {
      scan: look({ head: onBranch('dev'), changes: 1, branches: { main: OTHER } }),
      ...before('branch-not-synced'),
    },
    'enqueue unblocked',
  ],
  ['the branch is synced again', before('branch-not-synced'), 'enqueue unblocked'],
])('decideScan() when %s', (_when, change, expected) => {
  const { kind, reason } = decideScan({ ...CLEAN, ...change });
  expect(`${kind} ${reason}`).toBe(expected);
});
