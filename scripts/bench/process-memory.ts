// What a process takes of the machine's memory and of its file watches, from /proc (Linux only; null elsewhere).

import { readdirSync, readFileSync } from 'node:fs';

const KIB_PER_MB = 1_024;

/** Megabytes that are in memory now, and the most that ever were. */
export function memoryMbOf(pid: number): { now: number; most: number } | null {
  const text = read(`/proc/${pid}/status`);
  return text === null
    ? null
    : { now: kib(text, 'VmRSS') / KIB_PER_MB, most: kib(text, 'VmHWM') / KIB_PER_MB };
}

/** Megabytes without counting twice what several processes share: the sum over all of them is what they take. */
export function shareOfMemoryMb(pid: number): number | null {
  const text = read(`/proc/${pid}/smaps_rollup`);
  return text === null ? null : kib(text, 'Pss') / KIB_PER_MB;
}

const kib = (text: string, name: string) =>
  Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? Number.NaN);

/** How many files and folders the process has told the system to watch. */
export function watchesOf(pid: number): number | null {
  try {
    const folder = `/proc/${pid}/fdinfo`;
    const infos = readdirSync(folder).map((fd) => read(`${folder}/${fd}`) ?? '');
    return infos.join('').split('inotify wd:').length - 1;
  } catch {
    return null; // no such file system, or the process has ended
  }
}

/** A limit of the system, such as `max_user_instances`. */
export function inotifyLimit(name: string): number | null {
  const text = read(`/proc/sys/fs/inotify/${name}`);
  return text === null ? null : Number(text);
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
