// Looks at files and folders of a work tree, either without holding up the event loop or, in a thread of its own,
// with blocking calls, which are about four times as fast. Knows nothing of git.

import { type BigIntStats, type Dirent, lstatSync, readdirSync } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { HOLDS_RAW_NAMES } from '../../host/file-names.ts';
import * as atOnce from '../../host/small-files.ts';
import { Failure } from '../../model/failure.ts';
import { isAbsent, unlessAbsent } from '../io-failure.ts';

/** `name` is a byte string. */
export type FolderItem = { readonly name: string; readonly kind: 'file' | 'folder' | 'link' | 'special' };

type Soon<T> = T | Promise<T>;

/**
 * Null means: nothing is there. Other faults are thrown as the system gives them.
 * @throws Failure `file-unreadable` for a name of raw bytes where the runtime cannot hold one
 */
export type WorktreeFiles = {
  lstat(path: string | Buffer): Soon<BigIntStats | null>;
  list(path: string | Buffer): Soon<FolderItem[] | null>;
  /** How many calls are worth having under way at once. */
  readonly atOnce: number;
  /** Lets timers and messages have their turn; called between folders. */
  breathe(): Soon<void>;
};

/** File operations under way at once, over everything that one instance is asked. */
const MOST_FILE_OPERATIONS = 16;
const FOLDERS_PER_TURN = 64;

export function awaitedFiles(): WorktreeFiles {
  const bounded = boundTo(MOST_FILE_OPERATIONS);
  return {
    lstat: (path) =>
      bounded(async () => {
        refuseRawName(path);
        return unlessAbsent(lstat(path, { bigint: true }));
      }),
    list: (path) =>
      bounded(async () => {
        refuseRawName(path);
        const items = await unlessAbsent(readdir(path, { withFileTypes: true, encoding: 'latin1' }));
        return items?.map(toItem) ?? null;
      }),
    atOnce: MOST_FILE_OPERATIONS,
    breathe: () => {},
  };
}

/** For few looks, each waited for before the next. */
export function promptFiles(): WorktreeFiles {
  return {
    async lstat(path) {
      refuseRawName(path);
      return unlessAbsent(atOnce.lstat(path, { bigint: true }));
    },
    async list(path) {
      refuseRawName(path);
      const items = await unlessAbsent(atOnce.readdir(path, { withFileTypes: true, encoding: 'latin1' }));
      return items?.map(toItem) ?? null;
    },
    atOnce: 1,
    breathe: () => {},
  };
}

/** Only for worker threads: nothing else runs during a call. */
export function blockingFiles(): WorktreeFiles {
  let folders = 0;
  return {
    lstat(path) {
      refuseRawName(path);
      return nullIfAbsent(() => lstatSync(path, { bigint: true, throwIfNoEntry: false }) ?? null);
    },
    list(path) {
      refuseRawName(path);
      return nullIfAbsent(() => readdirSync(path, { withFileTypes: true, encoding: 'latin1' }).map(toItem));
    },
    atOnce: 1,
    breathe() {
      folders += 1;
      return folders % FOLDERS_PER_TURN === 0 ? nextTurn() : undefined;
    },
  };
}

/** Runs at most `most` of the given pieces of work at once; the others wait their turn. */
function boundTo(most: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (work) => {
    if (running < most) running += 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running -= 1;
    }
  };
}

/** It would look absent, and its absence would be taken for a deletion. */
function refuseRawName(path: string | Buffer): void {
  if (typeof path === 'string' || HOLDS_RAW_NAMES) return;
  throw new Failure('file-unreadable', `The name of ${path.toString('utf8')} is not UTF-8.`, {
    action: 'Rename the file, or run gitferry on Node.',
  });
}

function toItem(entry: Dirent): FolderItem {
  const kind = entry.isFile()
    ? 'file'
    : entry.isDirectory()
      ? 'folder'
      : entry.isSymbolicLink()
        ? 'link'
        : 'special';
  return { name: entry.name, kind };
}

function nullIfAbsent<T>(look: () => T): T | null {
  try {
    return look();
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  }
}
