// Tells processes apart: a pid alone may be reused, a pid with its start time is not.

import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** When the process began, as text that only compares equal for the same process; null when there is none. */
export async function processStart(pid: number): Promise<string | null> {
  if (!isAlive(pid)) return null;
  try {
    // Field 22, counted after the command name, which may itself hold spaces and parentheses (proc(5)).
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? null : `ticks:${fields[19]}`;
  } catch {
    return startFromPs(pid);
  }
}

/** Systems without /proc. Where `ps` is missing too, a living pid counts as the same process. */
async function startFromPs(pid: number): Promise<string | null> {
  try {
    const { stdout } = await run('ps', ['-o', 'lstart=', '-p', String(pid)]);
    const text = stdout.trim();
    return text === '' ? null : `lstart:${text}`;
  } catch {
    return isAlive(pid) ? 'unknown' : null;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it exists and belongs to another user.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
