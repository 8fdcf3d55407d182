// Copies the local database while it is in use, into a file of its own that opens as a database. Off the event loop:
// a large one takes seconds. The copy appears whole or not at all, and never in the place of something else.

import { link, mkdir, rm, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { startThread } from '../host/worker-threads.ts';
import { Failure } from '../model/failure.ts';
import type { BackupAnswer, BackupOrder } from './backup-messages.ts';

export type BackupInput = {
  /** The database file. */
  source: string;
  /** Where the copy is to be; its folder is made. */
  target: string;
};

/**
 * Answers the size of the copy. Two at once to one place: one of them is refused.
 * @throws Failure `backup-exists`, `disk-full`, `database-corrupt`, `database-read-only`, `internal-error`
 */
export async function backupDatabase({ source, target }: BackupInput): Promise<{ sizeBytes: number }> {
  const part = join(dirname(target), `.${basename(target)}.part`);
  try {
    await mkdir(dirname(target), { recursive: true });
    // What a killed backup left behind; nobody else makes files of this name.
    await rm(part, { force: true });
    const { sizeBytes } = await copyInThread({ source, part });
    await link(part, target);
    return { sizeBytes };
  } catch (error) {
    throw translated(error, target);
  } finally {
    await unlink(part).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
  }
}

function translated(error: unknown, target: string): unknown {
  const { code } = error as NodeJS.ErrnoException;
  const cause = { cause: error };
  switch (code) {
    case 'EEXIST':
      return new Failure('backup-exists', `${target} exists already.`, cause);
    case 'ENOSPC':
    case 'EDQUOT':
      return new Failure('disk-full', `No space is left for ${target}.`, cause);
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
    case 'ENOTDIR':
      return new Failure('database-read-only', `${target} cannot be written (${code}).`, cause);
    default:
      return error;
  }
}

function copyInThread(order: BackupOrder): Promise<{ sizeBytes: number }> {
  return new Promise((resolve, reject) => {
    const thread = startThread({
      module: './backup-worker',
      callerUrl: import.meta.url,
      data: order,
      onMessage(message) {
        const answer = message as BackupAnswer;
        void thread.end().then(() => {
          if ('sizeBytes' in answer) resolve(answer);
          else reject(failureOf(answer));
        }, reject);
      },
      onEnd: (cause) => reject(failureOf({ bug: cause.message }, cause)),
    });
    thread.hold();
  });
}

function failureOf(answer: Exclude<BackupAnswer, { sizeBytes: number }>, cause?: unknown): Failure {
  if ('failure' in answer) return new Failure(answer.failure.code, answer.failure.detail);
  return new Failure('internal-error', 'The copy of the database could not be made.', {
    cause: cause ?? new Error(answer.bug),
  });
}
