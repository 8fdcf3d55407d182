// Processor time of processes, from /proc (Linux only; null elsewhere). It is counted in steps of 10 ms, so only the
// sum over many runs says something; but other work on the machine does not change it as it changes wall time.

import { readFileSync } from 'node:fs';

const TICK_MS = 10;

/** Milliseconds that the process itself used. */
export function cpuMsOf(pid: number): number | null {
  const fields = statOf(pid);
  return fields && ticks(fields, 11) + ticks(fields, 12);
}

/** Milliseconds of all programs that this process ran to their end, and of what those ran. */
export function endedChildrenCpuMs(): number | null {
  const fields = statOf('self');
  return fields && ticks(fields, 13) + ticks(fields, 14);
}

const ticks = (fields: readonly string[], at: number) => Number(fields[at]) * TICK_MS;

/** The fields behind the name, which may hold blanks. */
function statOf(pid: number | 'self'): string[] | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return null; // no such file system, or the process has ended
  }
}
