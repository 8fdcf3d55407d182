// Locks that nobody holds any more: of a service that was killed, and of a git command that was.

import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { openRepository } from '../git/repository.ts';
import { hasLeftLocks } from '../git/sync/left-locks.ts';
import { processStart } from '../host/process-start.ts';
import { Failure } from '../model/failure.ts';
import { type Finding, fault, ok, warning } from './finding.ts';

/** Longer than any git command holds the index, but for a person who edits a commit message. */
const OLD_LOCK_MS = 600_000;

/** The lock of the service on its database: taken over by itself, so it only tells of a killed one. */
export async function checkDatabaseLock(databasePath: string): Promise<Finding> {
  const path = `${databasePath}.lock`;
  const text = await readFile(path, 'utf8').catch(unlessAbsent);
  if (text === null) return ok('locks', 'No service left a lock on the database.');
  const pid = Number(/"pid":(\d+)/.exec(text)?.[1] ?? 0);
  const start = /"start":"([^"]*)"/.exec(text)?.[1];
  if (pid > 0 && (await processStart(pid)) === start) return ok('locks', `The service is process ${pid}.`);
  return warning(
    'locks',
    `${path} is of a service that was killed (process ${pid}).`,
    'Nothing to do: the next start takes it over, and looks after what was interrupted.',
  );
}

/** Locks inside of a project's repository. */
export async function checkProjectLocks(
  { projectId, path }: { projectId: string; path: string },
  now: number,
): Promise<Finding[]> {
  try {
    const repo = await openRepository(path);
    const lock = join(repo.gitDir, 'index.lock');
    const found = await stat(lock).catch(unlessAbsent);
    const left = await hasLeftLocks(repo);
    return [
      ...(found !== null && now - found.mtimeMs > OLD_LOCK_MS
        ? [
            fault(
              ['locks', projectId],
              `${lock} is there for ${Math.round((now - found.mtimeMs) / 60_000)} min.`,
              'If no git command is running there, remove it; gitferry never deletes it.',
            ),
          ]
        : []),
      ...(left
        ? [
            warning(
              ['locks', projectId],
              'A sync that was killed left locks of gitferry.',
              'Nothing to do: the next sync clears them away.',
            ),
          ]
        : []),
    ];
  } catch (error) {
    // What is wrong with the repository itself is told by its probe.
    if (error instanceof Failure) return [];
    throw error;
  }
}

function unlessAbsent(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null;
  throw error;
}
