// Ends processes that were started as leaders of their own group, with everything they started in turn.
// Knows nothing of what they do.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Clock } from './clock.ts';
import { processStart } from './process-start.ts';

const run = promisify(execFile);
const GRACE_MS = 5_000;
const LOOK_MS = 50;

/** A process that a pid alone would not name for ever. */
export type KnownProcess = { pid: number; start: string };

/** Sends the signal to all of the group; no error when it has ended. */
export async function signalGroup(leader: number, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  try {
    process.kill(-leader, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return;
    // Deno's own permissions: a program that may be run sends it instead. It fails when the group has ended.
    if ((error as Error).name !== 'NotCapable') throw error;
    await run('kill', ['-s', signal.slice('SIG'.length), '--', `-${leader}`]).catch(() => undefined);
  }
}

async function isSameProcess({ pid, start }: KnownProcess): Promise<boolean> {
  return (await processStart(pid)) === start;
}

/** Asks the group to end, insists after 5 s, and answers when its leader is gone; false when it never was there. */
export async function endGroup(leader: KnownProcess, clock: Clock): Promise<boolean> {
  if (!(await isSameProcess(leader))) return false;
  await signalGroup(leader.pid, 'SIGTERM');
  const deadline = clock.monotonic() + GRACE_MS;
  let insisted = false;
  while (await isSameProcess(leader)) {
    if (!insisted && clock.monotonic() >= deadline) {
      insisted = true;
      await signalGroup(leader.pid, 'SIGKILL');
    }
    await clock.sleep(LOOK_MS);
  }
  return true;
}
