// A lock that ends with its process: a file that names pid and start time of its holder.
// It is obeyed beside database leases, because a frozen process outlives its lease.

import { link, mkdir, readFile, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { processStart } from './process-start.ts';

type Holder = { pid: number; start: string };
export type LockFile = { release(): Promise<void> };
export type LockAnswer = { kind: 'held'; lock: LockFile } | { kind: 'taken'; pid: number };

/**
 * Takes the lock at `path`, or answers who has it. A lock whose holder is dead is taken over.
 * The file appears whole (written aside, then linked), so a reader never sees half of it.
 */
export async function takeLock(path: string, pid: number): Promise<LockAnswer> {
  const mine: Holder = { pid, start: (await processStart(pid)) ?? 'unknown' };
  const text = JSON.stringify(mine);
  const aside = `${path}.${pid}`;
  await mkdir(dirname(path), { recursive: true });
  await writeFile(aside, text, { mode: 0o600 });
  try {
    for (;;) {
      if (await linkNew(aside, path))
        return { kind: 'held', lock: { release: () => releaseLock(path, text) } };
      const found = await readHolder(path);
      if (found === null) continue;
      const holder = parseHolder(found);
      if (holder && (await isRunning(holder))) return { kind: 'taken', pid: holder.pid };
      await removeStale(path, found, `${aside}.stale`);
    }
  } finally {
    await rm(aside, { force: true });
  }
}

async function linkNew(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/**
 * Two starters may find the same dead holder. The second one's rename would carry off the first one's fresh
 * lock, so what was moved is compared with what was judged, and put back when it is another.
 */
async function removeStale(path: string, judged: string, aside: string): Promise<void> {
  try {
    await rename(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  if ((await readFile(aside, 'utf8')) !== judged) await linkNew(aside, path);
  await unlink(aside);
}

async function releaseLock(path: string, text: string): Promise<void> {
  if ((await readHolder(path)) === text) await rm(path, { force: true });
}

async function readHolder(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

function parseHolder(text: string): Holder | null {
  try {
    const value = JSON.parse(text) as Partial<Holder>;
    return typeof value.pid === 'number' && typeof value.start === 'string' ? (value as Holder) : null;
  } catch {
    return null; // cut off by a power failure: nobody holds it
  }
}

async function isRunning(holder: Holder): Promise<boolean> {
  const start = await processStart(holder.pid);
  return start !== null && (start === holder.start || start === 'unknown' || holder.start === 'unknown');
}
