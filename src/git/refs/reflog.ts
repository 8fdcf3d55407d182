// Appends to reflogs as git would: branches, remote branches, notes and HEAD always, others when the log exists. The ref
// is locked meanwhile, so that nothing here waits for another thread.

import { closeSync, constants, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { Failure } from '../../model/failure.ts';
import { errorCode, isAbsent, writeFailure } from '../io-failure.ts';
import type { Repository } from '../types.ts';

const ALWAYS_LOGGED = /^(?:HEAD$|refs\/(?:heads|remotes|notes)\/)/;
const APPEND = constants.O_WRONLY | constants.O_APPEND;
const NO_OID = '0'.repeat(40);

/** `who` is `Name <email> <epoch seconds> <+hhmm>`. A null `before` means the ref is new. */
export type ReflogLine = { before: string | null; after: string; who: string; message: string };

/** Appends one line to the reflog of `ref`. @throws Failure `disk-full`, `write-refused` */
export async function appendReflog(repo: Repository, ref: string, line: ReflogLine): Promise<void> {
  const path = `${ref.startsWith('refs/') ? repo.commonDir : repo.gitDir}/logs/${ref}`;
  const message = line.message.replace(/\s+/g, ' ').trim();
  const text = `${line.before ?? NO_OID} ${line.after} ${line.who}${message === '' ? '' : `\t${message}`}\n`;
  const always = ALWAYS_LOGGED.test(ref);
  try {
    // One write in append mode: the lines of two programs never mix.
    const file = always ? openAlways(path) : openSync(path, APPEND);
    try {
      writeSync(file, text);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if (!always && isAbsent(error)) return;
    if (errorCode(error) === 'EISDIR' || errorCode(error) === 'EEXIST' || isAbsent(error)) {
      throw new Failure(
        'ref-conflict',
        `The reflog of ${ref} cannot be written: another ref's log is in its way.`,
        {
          cause: error,
        },
      );
    }
    throw writeFailure(error, path);
  }
}

function openAlways(path: string): number {
  const flags = APPEND | constants.O_CREAT;
  try {
    return openSync(path, flags, 0o666);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
  mkdirSync(dirname(path), { recursive: true });
  return openSync(path, flags, 0o666);
}
