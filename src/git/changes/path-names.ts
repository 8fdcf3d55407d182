// Names that disks treat as one although their bytes differ: letter case, and composed or decomposed accents.
// Git keeps the spelling it tracks. Also the names that must never be looked into. Pure.

import { toRepoPath } from '../paths.ts';

/** What the configuration says of the disk (`core.ignoreCase`, `core.precomposeUnicode`). */
export type NameRules = { readonly ignoreCase: boolean; readonly precomposeUnicode: boolean };

/** A runtime that cannot hold a name as bytes shows it with this byte string (U+FFFD) in it. */
export const LOST_CHARACTER: string = toRepoPath('\uFFFD');

/** Git's own folder, also as it can be written on disks of Windows and macOS. */
export function isGitFolderName(name: string): boolean {
  return name.length <= 5 && /^(?:\.git|git~1)$/i.test(name);
}

/** Answers the tracked name that the disk may hold as another one; null when there is none. */
export function spellingsOf(tracked: Iterable<string>, rules: NameRules): (name: string) => string | null {
  if (!rules.ignoreCase && !rules.precomposeUnicode) return () => null;
  const byFolded = new Map<string, string>();
  for (const name of tracked) byFolded.set(fold(name, rules), name);
  return (name) => byFolded.get(fold(name, rules)) ?? null;
}

/** How git writes a name that it does not track yet. */
export function newSpelling(name: string, rules: NameRules): string {
  return rules.precomposeUnicode && !isAscii(name) ? toRepoPath(textOf(name).normalize('NFC')) : name;
}

function fold(name: string, rules: NameRules): string {
  const text = isAscii(name) ? name : textOf(name).normalize('NFC');
  return rules.ignoreCase ? text.toLowerCase() : text;
}

function isAscii(name: string): boolean {
  return !/[\x80-\xff]/.test(name);
}

function textOf(name: string): string {
  return Buffer.from(name, 'latin1').toString('utf8');
}
