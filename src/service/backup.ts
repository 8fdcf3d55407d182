// A copy of the database on demand: where it may go, and what is said where the database is not on this machine.

import { realpath } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import type { Clock } from '../host/clock.ts';
import { Failure } from '../model/failure.ts';
import type { Backup } from '../model/service.ts';
import { backupDatabase } from '../store/backup.ts';

export type BackupPorts = {
  clock: Clock;
  /** The database file; null: it is on a server. */
  databasePath: string | null;
};

const FOLDER = 'backups';
// The part of the name before `.db` makes no hidden file, and nothing but copies of databases is made by the API.
const NAME = /^[^.\0][^\0]*\.db$/;

/** Backups run one after the other. */
export function createBackup({ clock, databasePath }: BackupPorts): (path: string | null) => Promise<Backup> {
  let last: Promise<unknown> = Promise.resolve();
  return (path) => {
    const next = last.then(() => backUp(path));
    last = next.catch(() => undefined);
    return next;
  };

  async function backUp(path: string | null): Promise<Backup> {
    if (databasePath === null) {
      throw new Failure('backup-elsewhere', 'The database is on a server, which makes its own backups.');
    }
    const began = clock.monotonic();
    const dataFolder = dirname(databasePath);
    const wished = path ?? join(FOLDER, `${basename(databasePath, '.db')}-${stamp(clock.now())}.db`);
    const target = await targetIn(dataFolder, wished);
    const { sizeBytes } = await backupDatabase({ source: databasePath, target });
    return { path: target, sizeBytes, durationMs: Math.round(clock.monotonic() - began) };
  }
}

/** 2026-11-24T03-15-07-123Z: sorts by time and is a file name everywhere. */
const stamp = (now: number) => new Date(now).toISOString().replaceAll(/[:.]/g, '-');

/** @throws Failure `invalid-request` for a place outside of the data folder, also through links */
async function targetIn(dataFolder: string, wished: string): Promise<string> {
  const target = resolve(dataFolder, wished);
  if (!isInside(dataFolder, target)) throw refused('must be inside of the data folder');
  if (!NAME.test(basename(target)) || wished.includes('\0'))
    throw refused('must be the name of a file that ends in .db');
  const home = await realpath(dataFolder);
  const folder = await realFolder(dirname(target));
  if (folder !== home && !isInside(home, folder)) throw refused('must be inside of the data folder');
  return target;
}

function isInside(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

/** The real place of a folder, or of the nearest one above it that is there. */
async function realFolder(folder: string): Promise<string> {
  try {
    return await realpath(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' && dirname(folder) !== folder) return realFolder(dirname(folder));
    throw refused(`cannot be reached (${code})`);
  }
}

function refused(message: string): Failure {
  const errors = [{ path: 'path', message }];
  return new Failure('invalid-request', `The request cannot be used: path: ${message}.`, {
    data: { errors },
  });
}
