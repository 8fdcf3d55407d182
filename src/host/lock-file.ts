// A lock that ends with its process: a file that names pid and start time of its holder.
// It is obeyed beside database leases, because a frozen process outlives its lease.

import { mkdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { processStart } from './process-start.ts';
import { link, readdir, readFile, unlink, writeFile } from './small-files.ts';
import { unlessAbsent } from './unless-absent.ts';

const TAKEOVER = '.takeover.';
const NAMED_PID = /\.(\d+)(?:\.\d+)?$/;
/** Rivals for a dead holder's lock come back at different moments. */
const RIVAL_WAIT_MS = 10;
/** A rival that is still there then stands still itself, frozen for example: for others that is as if it held the lock. */
const MOST_RIVALRIES = 300;

let takes = 0;

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
  const aside = `${path}.${pid}.${++takes}`;
  await writeAside(aside, text);
  try {
    for (let rivalries = 0; ; ) {
      if (await linkNew(aside, path)) {
        await clearDead(path, aside);
        return { kind: 'held', lock: { release: () => releaseLock(path, text) } };
      }
      const found = await readHolder(path);
      if (found === null) continue;
      const holder = parseHolder(found);
      if (holder && (await isRunning(holder))) return { kind: 'taken', pid: holder.pid };
      await clearDead(path, aside);
      const rival = await removeStale(path, found, aside, pid);
      if (rival !== null && ++rivalries === MOST_RIVALRIES) return { kind: 'taken', pid: rival };
      await setTimeout(Math.random() * RIVAL_WAIT_MS);
    }
  } finally {
    await unlinkIfThere(aside);
  }
}

/** Whether a process that lives has the lock. */
export async function isLockHeld(path: string): Promise<boolean> {
  const text = await readHolder(path);
  const holder = text === null ? null : parseHolder(text);
  return holder !== null && (await isRunning(holder));
}

/** Looks before only when that fails: every sync takes a lock. */
async function writeAside(aside: string, text: string): Promise<void> {
  const write = () => writeFile(aside, text, { mode: 0o600, flag: 'wx' });
  try {
    return await write();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') await mkdir(dirname(aside), { recursive: true });
    // A dead process may have had this number; its file may be its lock's other name, and is not written into.
    else if (code === 'EEXIST') await rm(aside, { force: true });
    else throw error;
  }
  await write();
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
 * Several starters may find the same dead holder, and no file system call removes a file only if it is still the
 * one that was judged. So each announces itself first and goes on only when it sees no other living announcement:
 * of two, at least one sees the other. While one is alone, nobody else may remove the lock, and no new one can
 * appear in its place. Answers the rival that it gave way to.
 */
async function removeStale(path: string, judged: string, aside: string, pid: number): Promise<number | null> {
  const announced = `${path}${TAKEOVER}${pid}`;
  if (!(await linkNew(aside, announced))) return null;
  try {
    const rival = await findRival(path, announced);
    if (rival === null && (await readHolder(path)) === judged) await unlink(path);
    return rival;
  } finally {
    await unlink(announced);
  }
}

async function findRival(path: string, announced: string): Promise<number | null> {
  const folder = dirname(path);
  const prefix = `${basename(path)}${TAKEOVER}`;
  for (const name of await readdir(folder)) {
    const other = join(folder, name);
    if (!name.startsWith(prefix) || other === announced) continue;
    const text = await readHolder(other);
    const holder = text === null ? null : parseHolder(text);
    if (holder && (await isRunning(holder))) return holder.pid;
    await rm(other, { force: true }); // announced by a process that died since
  }
  return null;
}

/** Removes what dead takers left beside the lock: the file they wrote aside, and announcements. `own` is alive. */
async function clearDead(path: string, own: string): Promise<void> {
  const prefix = `${basename(path)}.`;
  for (const name of await readdir(dirname(path))) {
    const file = join(dirname(path), name);
    if (!name.startsWith(prefix) || file === own) continue;
    const text = await readHolder(file);
    if (text === null) continue;
    // Cut off by the kill: only the name tells whose it was.
    const pid = Number(NAMED_PID.exec(name)?.[1]);
    const holder = parseHolder(text) ?? (pid > 0 ? { pid, start: 'unknown' } : null);
    if (holder && !(await isRunning(holder))) await rm(file, { force: true });
  }
}

async function releaseLock(path: string, text: string): Promise<void> {
  if ((await readHolder(path)) === text) await unlinkIfThere(path);
}

/** One call, where `rm` makes three: every sync takes a lock. */
async function unlinkIfThere(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

function readHolder(path: string): Promise<string | null> {
  return unlessAbsent(readFile(path, 'utf8'));
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
