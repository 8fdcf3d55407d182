// One gitwatch for each of many folders. Without its script, what it runs while nothing happens: inotifywait with its
// arguments in a pipe to a bash that reads. That is a little less than gitwatch itself.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { gitEnv } from '../../test/support/git-repo.ts';
import { inotifyLimit, watchesOf } from './process-memory.ts';

export type IdlePeers = {
  name: string;
  /** Of all processes; none where they cannot be started. */
  pids: readonly number[];
  /** What one such set is multiplied by to stand for all folders. */
  scale: number;
  notes: string[];
  stop(): Promise<void>;
};

const EVENTS = 'close_write,move,move_self,delete,create,modify';
const ARGS = `-qmr -e ${EVENTS} --exclude '(\\.git/|\\.git$)'`;
const LIKE_GITWATCH = `eval "inotifywait ${ARGS} '$1'" | while read -r line; do :; done`;
/** Others on the machine watch, too. */
const SHARE_OF_INSTANCES = 0.6;
const LIMIT_MS = 60_000;

export async function startGitwatches(folders: readonly string[], script: string | null): Promise<IdlePeers> {
  const name = script === null ? 'like gitwatch' : 'gitwatch';
  const missing = ['bash', 'inotifywait'].filter((program) => !isThere(program));
  if (missing.length > 0) {
    const notes = [`NOT COMPARED with gitwatch: ${missing.join(' and ')} cannot be found`];
    return { name, pids: [], scale: 1, notes, stop: async () => {} };
  }
  const notes: string[] = [];
  if (script === null) {
    notes.push('"like gitwatch": inotifywait with its arguments beside bash: --gitwatch names no file');
  }
  // Each takes an instance.
  const limit = inotifyLimit('max_user_instances') ?? folders.length;
  const count = Math.min(folders.length, Math.floor(limit * SHARE_OF_INSTANCES));
  if (count < folders.length) {
    const why = `fs.inotify.max_user_instances is ${limit}`;
    notes.push(`${count} of ${name} were started and counted as ${folders.length}: ${why}`);
  }
  const groups: ChildProcess[] = [];
  const stop = () => endAll(groups);
  try {
    for (const folder of folders.slice(0, count)) groups.push(startOne(folder, script));
    const pids = await untilAllWatch(groups);
    return { name, pids, scale: folders.length / count, notes, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function isThere(program: string): boolean {
  try {
    execFileSync('which', [program], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** A group of its own, so that all of it can be counted and ends together. */
function startOne(folder: string, script: string | null): ChildProcess {
  const args = script === null ? ['-c', LIKE_GITWATCH, 'bash', folder] : [script, folder];
  return spawn('bash', args, { env: gitEnv(), stdio: 'ignore', detached: true });
}

/** The processes of all groups, once each group has one that watches. */
async function untilAllWatch(groups: readonly ChildProcess[]): Promise<number[]> {
  const deadline = performance.now() + LIMIT_MS;
  for (;;) {
    const ended = groups.find(({ exitCode }) => exitCode !== null);
    if (ended) throw new Error(`One of the gitwatches ended with ${ended.exitCode}.`);
    const members = groups.map(({ pid }) => membersOf(pid as number));
    if (members.every((pids) => pids.some((pid) => (watchesOf(pid) ?? 0) > 0))) return members.flat();
    if (performance.now() > deadline) throw new Error(`The gitwatches did not watch within ${LIMIT_MS} ms.`);
    await setTimeout(200);
  }
}

function membersOf(group: number): number[] {
  const found = execFileSync('pgrep', ['-g', String(group)])
    .toString()
    .trim();
  return found.split('\n').map(Number);
}

async function endAll(groups: readonly ChildProcess[]): Promise<void> {
  await Promise.all(
    groups.map(async (child) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const closed = once(child, 'close');
      process.kill(-(child.pid as number), 'SIGKILL');
      await closed;
    }),
  );
}
