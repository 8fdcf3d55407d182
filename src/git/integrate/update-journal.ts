// Remembers, while the work tree is on its way from one commit to another, where it came from and where it goes, so
// that whoever comes after a kill can bring it to an end. A file in the git folder; gone when nothing is under way.

import { open, rename, rm } from 'node:fs/promises';
import { readFile } from '../../host/small-files.ts';
import { isAbsent, writeFailure } from '../io-failure.ts';
import type { Repository } from '../types.ts';

export type Journal = {
  /** The branch that HEAD is on. */
  ref: string;
  from: string | null;
  to: string;
  /** Paths (byte strings) that were as in the new commit before anything was written: never taken back. */
  kept: string[];
  /** What the reflog is to say. */
  message: string;
  /** Who wrote the files: what stands in the work tree is to be read as they do. */
  by: 'builtin' | 'git';
};

const pathOf = ({ gitDir }: Repository) => `${gitDir}/gitferry-update.json`;

/** Null when nothing was under way; a file that is no journal counts as none. */
export async function readJournal(repo: Repository): Promise<Journal | null> {
  try {
    return parse(await readFile(pathOf(repo), 'utf8'));
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  }
}

/** On the disk before the first file changes. */
export async function writeJournal(repo: Repository, journal: Journal, fsync: boolean): Promise<void> {
  const path = pathOf(repo);
  try {
    const file = await open(`${path}.new`, 'w');
    try {
      await file.writeFile(JSON.stringify(journal));
      if (fsync) await file.sync();
    } finally {
      await file.close();
    }
    await rename(`${path}.new`, path);
  } catch (error) {
    throw writeFailure(error, path);
  }
}

export async function removeJournal(repo: Repository): Promise<void> {
  await rm(pathOf(repo), { force: true });
}

function parse(text: string): Journal | null {
  let value: Partial<Record<keyof Journal, unknown>> | null;
  try {
    value = JSON.parse(text);
  } catch {
    // Cut off by a power failure: then no file was touched yet, or the move was as good as over.
    return null;
  }
  const { ref, from, to, kept, message, by } = value ?? {};
  const isOid = (oid: unknown) => typeof oid === 'string' && /^[0-9a-f]{40}$/.test(oid);
  if (typeof ref !== 'string' || !isOid(to) || (from !== null && !isOid(from))) return null;
  if (!Array.isArray(kept) || typeof message !== 'string') return null;
  const sides = { from: from as string | null, to: to as string };
  return { ref, ...sides, kept: kept.map(String), message, by: by === 'git' ? 'git' : 'builtin' };
}
