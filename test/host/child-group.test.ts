import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { endGroup } from '../../src/host/child-group.ts';
import { systemClock } from '../../src/host/clock.ts';
import { processStart } from '../../src/host/process-start.ts';

/** A group whose member ignores SIGTERM; the leader ends by it. */
async function startGroup() {
  const script = `sh -c 'trap "" TERM; echo $$; while :; do sleep 1; done' & wait`;
  const leader = spawn('sh', ['-c', script], {
    detached: true,
    cwd: tmpdir(),
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [line] = await once(leader.stdout, 'data');
  const pid = leader.pid as number;
  return { leader, known: { pid, start: (await processStart(pid)) ?? '' }, member: Number(String(line)) };
}

test('endGroup() answers only when the last of a group has ended, not when its leader has', async () => {
  const { known, member } = await startGroup();
  expect(await endGroup(known, { clock: systemClock, folders: [] })).toBe(true);
  expect(await processStart(member)).toBeNull();
});

test('endGroup() ends what is left of a group whose leader has ended, where it works in the folder', async () => {
  const { leader, known, member } = await startGroup();
  leader.kill('SIGKILL');
  await once(leader, 'exit');
  expect(await endGroup(known, { clock: systemClock, folders: ['/nowhere'] })).toBe(false);
  expect(await processStart(member)).not.toBeNull();
  expect(await endGroup(known, { clock: systemClock, folders: [tmpdir()] })).toBe(true);
  expect(await processStart(member)).toBeNull();
});

test('endGroup() leaves a process alone that has only the number', async () => {
  const other = spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' });
  const pid = other.pid as number;
  const known = { pid, start: 'ticks:1' };
  expect(await endGroup(known, { clock: systemClock, folders: ['/'] })).toBe(false);
  expect(await processStart(pid)).not.toBeNull();
  other.kill('SIGKILL');
  await once(other, 'exit');
});
