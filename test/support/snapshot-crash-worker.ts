// Takes a snapshot, restores one or thins old ones in a process of its own, and kills that process at a named step.
// Arguments: work tree, step, and for a restore the snapshot's id, for thinning `thin`, the remote's tip of auto/main
// and the time (epoch milliseconds).

import { openObjects } from '../../src/git/objects/objects.ts';
import { openRepository } from '../../src/git/repository.ts';
import { protect } from '../../src/git/snapshot/protect.ts';
import { restoreSnapshot } from '../../src/git/snapshot/restore.ts';
import { thin } from '../../src/git/snapshot/thin.ts';
import { systemClock } from '../../src/host/clock.ts';
import { portsWith } from '../git/snapshot/bench.ts';

const [worktree = '', step, snapshot, tip = '', now] = process.argv.slice(2);
const faultPoint = (name: string) => {
  if (name === step) process.kill(process.pid, 'SIGKILL');
};
const input = {
  worktree,
  github: {},
  machineId: 'laptop',
  signal: new AbortController().signal,
  faultPoint,
};
const ports = portsWith(systemClock);
if (snapshot === undefined) await protect({ ...input, always: true }, ports);
else if (snapshot === 'thin') await thinNow();
else await restoreSnapshot({ ...input, snapshot, paths: 'all' }, ports);

async function thinNow(): Promise<void> {
  const repo = await openRepository(worktree);
  await thin({
    ...{ repo, objects: openObjects(repo, { fsync: false }), remote: 'origin', faultPoint },
    ...{ clock: systemClock, random: () => 0.5, now: Number(now), remoteTips: { 'auto/main': tip } },
    policy: { allForMs: 1, hourlyForMs: 1, dailyForMs: 1 },
  });
}
