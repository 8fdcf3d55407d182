// Paths inside a repository are bytes to git. They are kept as "byte strings": one character a byte (latin1),
// so names that are not UTF-8 survive, `<` compares as git does, and Map keys are exact.

import { isUtf8 } from 'node:buffer';

declare const brand: unique symbol;
/** A path relative to the work tree, `/` between parts, never empty, as a byte string. */
export type RepoPath = string & { readonly [brand]: 'RepoPath' };

/** From ordinary text (UTF-8 on disk). */
export function toRepoPath(text: string): RepoPath {
  return Buffer.from(text, 'utf8').toString('latin1') as RepoPath;
}

/** From raw bytes, for example an index entry's name. */
export function repoPathOf(bytes: Uint8Array): RepoPath {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1') as RepoPath;
}

/** The raw bytes, as git stores them. */
export function bytesOf(path: string): Buffer {
  return Buffer.from(path, 'latin1');
}

/** For people, JSON and patterns: UTF-8; bytes that are not UTF-8 become U+FFFD. */
export function displayPath(path: RepoPath): string {
  return bytesOf(path).toString('utf8');
}

/** For node:fs: text where the name is UTF-8, else bytes. `worktree` is an absolute path. */
export function diskPath(worktree: string, path: string): string | Buffer {
  const bytes = bytesOf(path);
  if (isUtf8(bytes)) return `${worktree}/${bytes.toString('utf8')}`;
  return Buffer.concat([Buffer.from(`${worktree}/`, 'utf8'), bytes]);
}
