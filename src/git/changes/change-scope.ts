// Turns hints ("something happened here") into the parts of the work tree that have to be compared.
// A hint may name a file, a folder, or something that is gone; it is never trusted to be complete or sensible.

import type { IndexFile } from '../index/index-file.ts';
import { diskPath, type RepoPath } from '../paths.ts';
import { childPath, childrenOf, rangeOf } from './index-children.ts';
import { type NameRules, spellingsOf } from './path-names.ts';
import type { WorktreeFiles } from './worktree-files.ts';
import { createPlaceFinder } from './worktree-place.ts';

type ScopeInput = {
  worktree: string;
  index: IndexFile;
  files: WorktreeFiles;
  names: NameRules;
  /** Whether HEAD has a file (no folder) at the path. */
  isFileInHead(path: RepoPath): Promise<boolean>;
};

/** Paths to compare with everything below them, none inside another; the empty string is everything. */
export async function unitsOf(hints: ReadonlySet<RepoPath>, input: ScopeInput): Promise<string[]> {
  const placeOf = createPlaceFinder(input);
  const units = new Set<string>();
  for (const hint of hints) {
    const path = widened(hint);
    if (path === null) continue;
    if (path === '') return [''];
    const spelled = await asTracked(path, input);
    const place = await placeOf(spelled);
    if (place.kind === 'cut') units.add(place.at);
    else if (place.kind === 'inside') units.add(await fromReplacedFile(spelled, input));
  }
  return [...units].filter((unit) => !isBelowAnother(unit, units)).sort();
}

/** New rules concern all of their folder. Null for a hint that names no path of a work tree. */
function widened(hint: RepoPath): RepoPath | '' | null {
  const parts = hint.split('/').filter((part) => part !== '' && part !== '.');
  if (hint.startsWith('/') || parts.includes('..')) return null;
  if (parts.at(-1) === '.gitignore') parts.pop();
  return parts.join('/') as RepoPath | '';
}

function isBelowAnother(unit: string, units: ReadonlySet<string>): boolean {
  for (let slash = unit.indexOf('/'); slash >= 0; slash = unit.indexOf('/', slash + 1)) {
    if (units.has(unit.slice(0, slash))) return true;
  }
  return false;
}

/** A folder that took the place of a file is compared as a whole: its new files come with the old one's deletion. */
async function fromReplacedFile(path: RepoPath, { index, isFileInHead }: ScopeInput): Promise<RepoPath> {
  for (let slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1)) {
    const parent = path.slice(0, slash) as RepoPath;
    if (index.find(parent) !== null || (await isFileInHead(parent))) return parent;
  }
  return path;
}

/** Where the disk takes several spellings for one name, the tracked one counts, if the disk finds it so. */
async function asTracked(path: RepoPath, input: ScopeInput): Promise<RepoPath> {
  const { index, names } = input;
  if (!names.ignoreCase && !names.precomposeUnicode) return path;
  let spelled = '';
  for (const part of path.split('/')) {
    const exact = childPath(spelled, part);
    const range = rangeOf(index, exact);
    if (index.find(exact) !== null || range.from < range.to) {
      spelled = exact;
      continue;
    }
    const { files, folders } = childrenOf(index, spelled, rangeOf(index, spelled));
    const other = spellingsOf([...files.keys(), ...folders.keys()], names)(part);
    const candidate = other === null ? null : childPath(spelled, other);
    spelled = candidate !== null && (await isOneFile(exact, candidate, input)) ? candidate : exact;
  }
  return spelled as RepoPath;
}

/** Two names for one file; also when neither is there, for then the tracked one may be what has gone. */
async function isOneFile(a: RepoPath, b: RepoPath, { worktree, files }: ScopeInput): Promise<boolean> {
  const [one, other] = [await files.lstat(diskPath(worktree, a)), await files.lstat(diskPath(worktree, b))];
  if (one === null || other === null) return one === other;
  return one.ino === other.ino && one.dev === other.dev;
}
