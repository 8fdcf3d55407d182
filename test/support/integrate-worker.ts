// A process that finishes what a killed one left and integrates, for tests that kill it at a named step.
// Arguments: a JSON object { path, theirs, stopAt, times, choice }: at the `times`-th step of that name it says so
// and waits for its end.

import { configOf } from '../../src/git/config/config-values.ts';
import { finishMove } from '../../src/git/integrate/finish-move.ts';
import { integrateBranch } from '../../src/git/integrate/integrate.ts';
import { openObjects } from '../../src/git/objects/objects.ts';
import { readHead } from '../../src/git/refs/refs.ts';
import { openRepository } from '../../src/git/repository.ts';
import { clearLeftLocks } from '../../src/git/sync/left-locks.ts';
import { systemClock, systemRandom } from '../../src/host/clock.ts';

const { path, theirs, stopAt, times } = JSON.parse(process.argv[2] ?? '{}');
let left = times;

async function faultPoint(name: string): Promise<void> {
  if (name !== stopAt || --left > 0) return;
  process.stdout.write('stopped\n');
  // A timer keeps the process alive until it is killed.
  await new Promise(() => setInterval(() => {}, 60_000));
}

const repo = await openRepository(path);
const objects = openObjects(repo, { fsync: true });
const common = {
  repo,
  objects,
  config: configOf([]),
  clock: systemClock,
  random: systemRandom,
  fsync: true,
  signal: new AbortController().signal,
  faultPoint,
};
await clearLeftLocks(repo);
const finished = await finishMove({ ...common, who: 'T <t@example.com> 1700000000 +0000' });
const head = await readHead(repo);
const answer = await integrateBranch({
  ...common,
  head,
  branch: 'main',
  ours: head.oid,
  theirs,
  machineId: 'laptop',
  identity: { name: 'Ida', email: 'ida@example.com' },
  env: {},
  homeDir: '/nowhere',
  policy: 'merge',
});
await objects.close();
process.stdout.write(`${JSON.stringify({ finished, answer })}\n`);
