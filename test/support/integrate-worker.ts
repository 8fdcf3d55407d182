// A process that finishes what a killed one left and integrates, for tests that kill it at a named step.
// Arguments: a JSON object { path, theirs, stopAt, times, byGit }: at the `times`-th step of that name it says so
// and waits for its end.

import { configOf } from '../../src/git/config/config-values.ts';
import { finishMove } from '../../src/git/integrate/finish-move.ts';
import { integrateBranch } from '../../src/git/integrate/integrate.ts';
import { openObjects } from '../../src/git/objects/objects.ts';
import { probeRepository } from '../../src/git/probe/probe.ts';
import { readHead } from '../../src/git/refs/refs.ts';
import { openRepository } from '../../src/git/repository.ts';
import { clearLeftLocks } from '../../src/git/sync/left-locks.ts';
import { createSystemEngine } from '../../src/git/system/system-engine.ts';
import { systemClock, systemRandom } from '../../src/host/clock.ts';

const { path, theirs, stopAt, times, byGit } = JSON.parse(process.argv[2] ?? '{}');
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
/** The system's git in the work tree, as a sync opens it. */
async function openTools() {
  const env = process.env;
  const probe = await probeRepository({ worktree: path, env, homeDir: '/nowhere', now: Date.now() });
  if (probe.kind === 'blocked') throw new Error(probe.reason.detail);
  const ports = { clock: systemClock, random: systemRandom, env, fsync: () => true };
  const input = { probe, objects, reason: 'asked' };
  const engine = createSystemEngine(input, { ...ports, credentialFor: async () => null } as never);
  const remote = { name: 'origin', url: path, host: '', tracked: false };
  return engine.workTree(remote, common.signal);
}

await clearLeftLocks(repo);
const tools = byGit ? await openTools() : undefined;
const finished = await finishMove({
  ...{ ...common, who: 'T <t@example.com> 1700000000 +0000' },
  ...(tools && { openTools: async () => tools }),
});
const head = await readHead(repo);
const answer = await integrateBranch({
  ...common,
  tools,
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
