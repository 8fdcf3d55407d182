// Reads one ref: its loose file first, then packed-refs. Must not change anything.

import { readFileSync } from 'node:fs';
import { readFile } from '../../host/small-files.ts';
import { Failure } from '../../model/failure.ts';
import { errorCode, isAbsent } from '../io-failure.ts';
import type { Repository } from '../types.ts';
import { readPackedRef } from './packed-refs.ts';

const MAX_SYMBOLIC_DEPTH = 5;
const OID_FIRST = /^([0-9a-f]{40})(?:\s|$)/;
const SYMBOLIC = /^ref:\s*(\S.*?)\s*$/s;
// biome-ignore lint/suspicious/noControlCharactersInRegex: git forbids exactly these in names
const FORBIDDEN = /[\x00-\x20\x7f~^:?*[\\]|\.\.|\.lock$/;

export type RefValue = { kind: 'oid'; oid: string } | { kind: 'symbolic'; target: string };

/** What the text of a ref's file says; null when it is empty or makes no sense. */
export function parseRefText(text: string): RefValue | null {
  const oid = OID_FIRST.exec(text)?.[1];
  if (oid !== undefined) return { kind: 'oid', oid };
  const target = SYMBOLIC.exec(text)?.[1];
  return target !== undefined && isSafeRefName(target) ? { kind: 'symbolic', target } : null;
}

/** `isLoose`: it has a file of its own. */
type FoundRef = { ref: string; oid: string | null; isLoose: boolean };

/**
 * Follows symbolic refs to the ref that really holds the object id. `look` is told each file on the way.
 * @throws Failure `broken-ref`
 */
export function followRef(
  repo: Repository,
  ref: string,
  look: (path: string) => void = () => {},
): Promise<FoundRef> {
  return follow(repo, ref, (path) => {
    look(path);
    return readFile(path, 'utf8');
  });
}

/** As `followRef`, for whoever holds a lock: loose refs are read without a way to another thread. */
export function followLocked(repo: Repository, ref: string): Promise<FoundRef> {
  return follow(repo, ref, (path) => readFileSync(path, 'utf8'));
}

type ReadText = (path: string) => string | Promise<string>;

async function follow(repo: Repository, ref: string, read: ReadText): Promise<FoundRef> {
  let name = ref;
  for (let depth = 0; depth <= MAX_SYMBOLIC_DEPTH; depth++) {
    const value = await readLooseRef(repo, name, read);
    if (value === null) return { ref: name, oid: await readPackedRef(repo, name), isLoose: false };
    if (value.kind === 'oid') return { ref: name, oid: value.oid, isLoose: true };
    name = value.target;
  }
  throw new Failure('broken-ref', `${ref} leads through more than ${MAX_SYMBOLIC_DEPTH} symbolic refs.`);
}

/** Where a ref's file lies. HEAD and a few others belong to the worktree, the rest to all worktrees. */
export function refPath(repo: Repository, ref: string): string {
  const own = !ref.startsWith('refs/') || /^refs\/(?:bisect|worktree|rewritten)\//.test(ref);
  return `${own ? repo.gitDir : repo.commonDir}/${ref}`;
}

/** Whether a name may be used as a path: below refs/ or a name like HEAD, without ways out of the folder. */
export function isSafeRefName(ref: string): boolean {
  if (!ref.startsWith('refs/') && !/^[A-Z_]+$/.test(ref)) return false;
  const parts = ref.split('/');
  return parts.every((part) => part !== '' && !part.startsWith('.') && !FORBIDDEN.test(part));
}

async function readLooseRef(repo: Repository, ref: string, read: ReadText): Promise<RefValue | null> {
  if (!isSafeRefName(ref)) throw new Failure('broken-ref', `${JSON.stringify(ref)} is no name of a ref.`);
  let text: string;
  try {
    text = await read(refPath(repo, ref));
  } catch (error) {
    if (isAbsent(error) || errorCode(error) === 'EISDIR') return null;
    throw error;
  }
  const value = parseRefText(text);
  if (value !== null) return value;
  const what = text === '' ? 'is empty' : 'holds no object id';
  throw new Failure('broken-ref', `The file of ${ref} ${what}.`);
}
