// Asks another process to end, as Ctrl-C does. On Windows there is no asking: it ends at once.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** No error when it has ended meanwhile. */
export async function sendStopSignal(pid: number): Promise<void> {
  try {
    process.kill(pid, 'SIGTERM');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return;
    // Deno's own permissions: a program that may be run sends it instead.
    if ((error as Error).name !== 'NotCapable') throw error;
    await run('kill', ['-s', 'TERM', '--', String(pid)]);
  }
}
