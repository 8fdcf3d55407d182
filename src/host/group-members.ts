// Which processes are left of a process group. Ended ones that nobody has taken leave of (zombies) do not count.

import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Process ids; empty also where the system offers no way to ask. */
export async function livingMembers(group: number): Promise<number[]> {
  const names = await readdir('/proc').catch(() => []);
  const pids = names.filter((name) => /^\d+$/.test(name));
  // The first file tells a system without /proc, and one that may not be read, from processes that have ended.
  if (pids.length === 0 || (await readStat('self')) === null) return membersByPs(group);
  const stats = await Promise.all(pids.map(readStat));
  return stats.flatMap((stat) => (stat !== null && stat.group === group && stat.isAlive ? [stat.pid] : []));
}

type Stat = { pid: number; group: number; isAlive: boolean };

/** State and group follow the command name, which may itself hold spaces and parentheses (proc(5)). */
async function readStat(name: string): Promise<Stat | null> {
  const text = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => null);
  if (text === null) return null;
  const [state, , group] = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { pid: Number.parseInt(text, 10), group: Number(group), isAlive: state !== 'Z' && state !== 'X' };
}

async function membersByPs(group: number): Promise<number[]> {
  const out = await run('ps', ['-A', '-o', 'pid=,pgid=,stat=']).then(
    ({ stdout }) => stdout,
    () => '',
  );
  return out.split('\n').flatMap((line) => {
    const [pid, found, state = ''] = line.trim().split(/\s+/);
    return Number(found) === group && !state.startsWith('Z') ? [Number(pid)] : [];
  });
}
