// Answers questions about configuration that has been read. Pure: knows no files and no includes.

import { Failure } from '../../model/failure.ts';
import { booleanOf, type ConfigEntry, canonicalKey } from './config-file.ts';

/** Keys are written as git prints them; section and name ignore case, the subsection does not. The last value wins. */
export type GitConfig = {
  /** Undefined when unset; the empty string for a line without `=`. */
  get(key: string): string | undefined;
  /** All values, lowest precedence first. */
  getAll(key: string): string[];
  /** @throws Failure `git-config-invalid` when the value is neither yes nor no */
  getBoolean(key: string): boolean | undefined;
  /** Names between the section and the variable: `subsections('remote')` are the remotes, in order of appearance. */
  subsections(section: string): string[];
  /** Everything in the order git reads it. */
  readonly entries: readonly ConfigEntry[];
  /** All files that were asked for it, also those that are not there. */
  readonly files: readonly string[];
};

export function configOf(entries: readonly ConfigEntry[], files: readonly string[] = []): GitConfig {
  const values = new Map<string, (string | null)[]>();
  for (const { key, value } of entries) {
    const known = values.get(key);
    if (known) known.push(value);
    else values.set(key, [value]);
  }
  const last = (key: string) => values.get(canonicalKey(key))?.at(-1);
  return {
    entries,
    files,
    get(key) {
      const value = last(key);
      return value === null ? '' : value;
    },
    getAll: (key) => (values.get(canonicalKey(key)) ?? []).map((value) => value ?? ''),
    getBoolean(key) {
      const value = last(key);
      if (value === undefined) return undefined;
      const meaning = booleanOf(value);
      if (meaning !== undefined) return meaning;
      throw new Failure(
        'git-config-invalid',
        `${key} is "${value}" in the git configuration, not true or false.`,
      );
    },
    subsections: (section) => subsectionsOf(values.keys(), `${section.toLowerCase()}.`),
  };
}

function subsectionsOf(keys: Iterable<string>, prefix: string): string[] {
  const names = new Set<string>();
  for (const key of keys) {
    const end = key.lastIndexOf('.');
    if (key.startsWith(prefix) && end > prefix.length) names.add(key.slice(prefix.length, end));
  }
  return [...names];
}
