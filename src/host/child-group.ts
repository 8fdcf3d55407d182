// Ends processes that were started as leaders of their own group, with everything they started in turn.
// Knows nothing of what they do.

import { execFile } from 'node:child_process';
import { readlink } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { Clock } from './clock.ts';
import { livingMembers } from './group-members.ts';
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

/**
 * Asks the group to end, insists after 5 s, and answers when nothing of it lives any more; false when nothing did.
 * A group whose leader has ended counts as the same one only where a member is at work in one of `folders`: the
 * number alone may belong to a stranger's.
 */
export async function endGroup(
  leader: KnownProcess,
  { clock, folders }: { clock: Clock; folders: readonly string[] },
): Promise<boolean> {
  const start = await processStart(leader.pid);
  const isLed = start === leader.start;
  if (!isLed && (start !== null || !(await worksIn(leader.pid, folders)))) return false;
  await signalGroup(leader.pid, 'SIGTERM');
  const deadline = clock.monotonic() + GRACE_MS;
  let insisted = false;
  while (await isLeft(leader)) {
    if (!insisted && clock.monotonic() >= deadline) {
      insisted = true;
      await signalGroup(leader.pid, 'SIGKILL');
    }
    await clock.sleep(LOOK_MS);
  }
  return true;
}

/** The leader may go at once and a program of its own ignore the signal: a group has ended with its last member. */
async function isLeft({ pid, start }: KnownProcess): Promise<boolean> {
  const found = await processStart(pid);
  // No number is given again while a group has it.
  if (found !== null) return found === start;
  return (await livingMembers(pid)).length > 0;
}

async function worksIn(group: number, folders: readonly string[]): Promise<boolean> {
  for (const member of await livingMembers(group)) {
    const place = await placeOf(member);
    if (place !== null && folders.some((folder) => place === folder || place.startsWith(`${folder}/`))) {
      return true;
    }
  }
  return false;
}

/** Null of another user's, of one that ended meanwhile, and where the system does not tell: not known to be ours. */
async function placeOf(pid: number): Promise<string | null> {
  const link = `/proc/${pid}/cwd`;
  try {
    return await readlink(link);
  } catch (error) {
    if ((error as Error).name !== 'NotCapable') return null;
    // Deno's own permissions: a program that may be run goes there instead.
    const asked = ['-c', 'cd -P "$0" && pwd -P', link];
    return run('sh', asked).then(
      ({ stdout }) => stdout.replace(/\n$/, ''),
      () => null,
    );
  }
}
