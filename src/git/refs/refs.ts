// HEAD, branches and other refs: the only door to them for the other parts of the git engine.

import { isUtf8 } from 'node:buffer';
import { type Clock, type Random, systemClock, systemRandom } from '../../host/clock.ts';
import { readdir, readFile } from '../../host/small-files.ts';
import { Failure } from '../../model/failure.ts';
import { isAbsent } from '../io-failure.ts';
import type { Head, Repository } from '../types.ts';
import { packedRefsPath, readPackedRefs } from './packed-refs.ts';
import { followRef, isSafeRefName, parseRefText, refPath } from './read-ref.ts';
import { lockRef } from './ref-lock.ts';
import { appendReflog } from './reflog.ts';

const BRANCHES = 'refs/heads/';

/**
 * What HEAD is. A branch without commits has a null `oid`.
 * @throws Failure `broken-head` for an empty, missing or meaningless HEAD, `broken-ref` for such a branch file
 */
export async function readHead(repo: Repository): Promise<Head> {
  const path = `${repo.gitDir}/HEAD`;
  const bytes = await readFile(path).catch((error: unknown) => {
    if (isAbsent(error)) throw new Failure('broken-head', `${path} is missing.`, { cause: error });
    throw error;
  });
  const value = parseRefText(bytes.toString('utf8'));
  if (value?.kind === 'oid') return { kind: 'detached', oid: value.oid };
  // A name that is not UTF-8 would be read as an absent branch, and an absent branch gets a first commit.
  if (value === null || !value.target.startsWith('refs/') || !isUtf8(bytes)) {
    throw new Failure('broken-head', `${path} holds neither a branch nor a commit.`);
  }
  const ref = value.target;
  const branch = ref.startsWith(BRANCHES) ? ref.slice(BRANCHES.length) : ref;
  return { kind: 'branch', ref, branch, oid: await readRef(repo, ref) };
}

/**
 * The object id a ref leads to, null when it does not exist. Symbolic refs are followed.
 * @throws Failure `broken-ref`
 */
export async function readRef(repo: Repository, ref: string): Promise<string | null> {
  const target = await followRef(repo, ref);
  return target.oid;
}

/**
 * All refs whose full name starts with `prefix`, loose ones over packed ones; symbolic refs appear with the id
 * they lead to, or not at all when they lead nowhere. `look` is told each file and folder that was asked.
 * @throws Failure `broken-ref`
 */
export async function listRefs(
  repo: Repository,
  prefix: string,
  look: (path: string) => void = () => {},
): Promise<Map<string, string>> {
  const loose = new Map<string, string>();
  const folder = prefix.slice(0, Math.max(prefix.lastIndexOf('/'), 0)) || 'refs';
  for await (const ref of looseNames(repo, folder, look)) {
    if (!ref.startsWith(prefix)) continue;
    const { oid } = await followRef(repo, ref, look);
    if (oid !== null) loose.set(ref, oid);
  }
  look(packedRefsPath(repo));
  // Packed refs are read last: a ref that is packed meanwhile is still seen.
  const refs = await readPackedRefs(repo, prefix);
  for (const [ref, oid] of loose) refs.set(ref, oid);
  return refs;
}

export type RefUpdate = {
  /** Full name, for example `refs/heads/main`. */
  ref: string;
  /** What the ref must be now; null: it must not exist. */
  expected: string | null;
  next: string;
  /** `who` is `Name <email> <epoch seconds> <+hhmm>`; null writes no reflog. */
  reflog: { message: string; who: string } | null;
  /** HEAD points to this ref: its reflog gets the line too, and HEAD is kept from moving meanwhile. */
  alsoHead: boolean;
  fsync: boolean;
  /** For the waits while another program holds the lock; default the system's. */
  clock?: Clock;
  random?: Random;
};

/**
 * Moves a ref from `expected` to `next` under git's own lock, or changes nothing.
 * @throws Failure `ref-moved` (another value, or a lock held for about 2 s), `ref-conflict`, `broken-ref`,
 *   `disk-full`, `write-refused`
 */
export async function updateRef(repo: Repository, update: RefUpdate): Promise<void> {
  const wait = { clock: update.clock ?? systemClock, random: update.random ?? systemRandom };
  const lock = await lockRef(repo, update, wait);
  try {
    await lock.commit();
    if (update.reflog === null) return;
    const line = { before: update.expected, after: update.next, ...update.reflog };
    await appendReflog(repo, lock.ref, line);
    if (update.alsoHead) await appendReflog(repo, 'HEAD', line);
  } finally {
    await lock.release();
  }
}

async function* looseNames(
  repo: Repository,
  folder: string,
  look: (path: string) => void,
): AsyncGenerator<string> {
  let items: { name: string; isDirectory(): boolean }[];
  const path = refPath(repo, folder);
  look(path);
  try {
    items = await readdir(path, { withFileTypes: true });
  } catch (error) {
    if (isAbsent(error)) return;
    throw error;
  }
  for (const item of items) {
    const ref = `${folder}/${item.name}`;
    if (item.isDirectory()) yield* looseNames(repo, ref, look);
    // Locks and stray files (for example of the Finder) are no refs.
    else if (isSafeRefName(ref)) yield ref;
  }
}
