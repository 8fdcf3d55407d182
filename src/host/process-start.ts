// Tells processes apart: a pid alone may be reused, a pid with its start time is not.

import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

let own: Promise<string | null> | null = null;

/** When the process began, as text that only compares equal for the same process; null when there is none. */
export function processStart(pid: number): Promise<string | null> {
  if (pid !== process.pid) return findStart(pid);
  own ??= findStart(pid);
  return own;
}

async function findStart(pid: number): Promise<string | null> {
  if (!isAlive(pid)) return null;
  try {
    return startIn(await readFile(`/proc/${pid}/stat`, 'utf8'));
  } catch (error) {
    return isForbidden(error) ? startFromCat(pid) : startFromPs(pid);
  }
}

/** Field 22, counted after the command name, which may itself hold spaces and parentheses (proc(5)). */
function startIn(stat: string): string | null {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' ? null : `ticks:${fields[19]}`;
}

/**
 * Deno lets a program read /proc and ask for processes only with all permissions; `cat` reads for it. The first
 * file tells a system without /proc from a process that has ended.
 */
async function startFromCat(pid: number): Promise<string | null> {
  const files = ['/proc/self/stat', `/proc/${pid}/stat`];
  const text = await run('cat', files).then(
    ({ stdout }) => stdout,
    (error: { stdout?: string }) => error.stdout ?? '',
  );
  const [self, found] = text.split('\n');
  if (!self) return startFromPs(pid);
  return found ? startIn(found) : null;
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
    // EPERM: it exists and belongs to another user. Who may not ask must not take it for dead.
    return (error as NodeJS.ErrnoException).code === 'EPERM' || isForbidden(error);
  }
}

/** Deno's own permissions, not the system's, said no. */
function isForbidden(error: unknown): boolean {
  return (error as Error).name === 'NotCapable';
}
