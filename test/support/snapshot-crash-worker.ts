// Takes a snapshot or restores one in a process of its own, and kills that process at a named step.
// Arguments: work tree, step, and for a restore the snapshot's id.

import { protect } from '../../src/git/snapshot/protect.ts';
import { restoreSnapshot } from '../../src/git/snapshot/restore.ts';
import { systemClock } from '../../src/host/clock.ts';
import { portsWith } from '../git/snapshot/bench.ts';

const [worktree = '', step, snapshot] = process.argv.slice(2);
const input = {
  worktree,
  github: {},
  machineId: 'laptop',
  signal: new AbortController().signal,
  faultPoint: (name: string) => {
    if (name === step) process.kill(process.pid, 'SIGKILL');
  },
};
const ports = portsWith(systemClock);
if (snapshot === undefined) await protect({ ...input, always: true }, ports);
else await restoreSnapshot({ ...input, snapshot, paths: 'all' }, ports);
