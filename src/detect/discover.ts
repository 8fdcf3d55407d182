// Finds git work trees under folders, and says what a named folder is. Only looks; enrols nothing.

import type { Dirent } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { parseConfig } from '../git/config/config-file.ts';
import { errorCode, isAbsent } from '../git/io-failure.ts';
import { mapConcurrently } from '../git/map-concurrently.ts';
import { openRepository } from '../git/repository.ts';
import { Failure } from '../model/failure.ts';
import { readProjectFile } from './project-file.ts';

export type FoundRepository = {
  /** Absolute. */
  path: string;
  name: string;
  /** Whether its own project.json asks for syncing. */
  projectFile: 'absent' | 'enabled' | 'disabled' | 'invalid';
  /** Of `origin`, else of the first remote; null without one, or when git's configuration is broken. */
  remoteUrl: string | null;
};

export type DiscoverOptions = {
  /** Levels of folders below a root that are looked into; default 4, 0 for the root alone. */
  maxDepth?: number;
  isSkipped?(path: string): boolean;
  /** Called for a folder that could not be read; it is passed over. */
  onUnreadable?(path: string, error: unknown): void;
};

// Folders that are large and hold what other programs put there.
const HEAVY = new Set([
  'node_modules',
  'bower_components',
  'site-packages',
  '__pycache__',
  'venv',
  'AppData',
]);
const DEFAULT_DEPTH = 4;
const FOLDERS_AT_ONCE = 16;
// A root such as `/` must not keep the service busy for minutes or fill its memory.
const MOST_FOLDERS = 50_000;
const MOST_REPOSITORIES = 5_000;

/**
 * Finds the git work trees under the roots, by path in order, each once. Never looks inside a work tree, a hidden or
 * heavy folder, or through a symbolic link; stops at 50,000 folders or 5,000 work trees.
 * @throws the signal's reason when it is aborted
 */
export async function discoverRepositories(
  roots: readonly string[],
  options: DiscoverOptions = {},
  signal?: AbortSignal,
): Promise<FoundRepository[]> {
  const paths = await findWorkTrees(
    roots.map((root) => resolve(root)),
    options,
    signal,
  );
  return mapConcurrently(paths, FOLDERS_AT_ONCE, describe);
}

/**
 * What a folder named by a person is: a work tree, a root that holds work trees (at most 4 levels down), or neither.
 * @throws Failure `folder-missing`, `folder-unreadable`, `bare-repository`, `not-a-repository` (a file)
 */
export async function classifyFolder(path: string): Promise<'work-tree' | 'root' | 'empty'> {
  const folder = resolve(path);
  const entries = await listNamed(folder);
  if (isWorkTree(entries)) return 'work-tree';
  if (isBare(entries)) {
    throw new Failure('bare-repository', `${folder} is a bare repository.`);
  }
  const [first] = await findWorkTrees([folder], { most: 1 });
  return first === undefined ? 'empty' : 'root';
}

async function listNamed(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOTDIR') {
      const action = 'Name the folder that it is in.';
      throw new Failure('not-a-repository', `${folder} is a file.`, { cause: error, action });
    }
    if (isAbsent(error)) {
      const action = 'Look at the name, or make the folder first.';
      throw new Failure('folder-missing', `There is no folder ${folder}.`, { cause: error, action });
    }
    throw new Failure('folder-unreadable', `${folder} cannot be read (${code}).`, { cause: error });
  }
}

type Search = DiscoverOptions & { most?: number };

/** Level by level, so that the bounds leave out what is deepest. */
async function findWorkTrees(
  roots: readonly string[],
  search: Search,
  signal?: AbortSignal,
): Promise<string[]> {
  const { maxDepth = DEFAULT_DEPTH, most = MOST_REPOSITORIES } = search;
  const found = new Set<string>();
  const seen = new Set<string>();
  let level: string[] = [...roots];
  for (let depth = 0; depth <= maxDepth && level.length > 0 && found.size < most; depth += 1) {
    const fresh = level.filter((folder) => !seen.has(folder)).slice(0, MOST_FOLDERS - seen.size);
    for (const folder of fresh) seen.add(folder);
    const looks = await mapConcurrently([...new Set(fresh)], FOLDERS_AT_ONCE, async (folder) => {
      signal?.throwIfAborted();
      return { folder, entries: await listSubject(folder, search) };
    });
    level = [];
    for (const { folder, entries } of looks) {
      if (isWorkTree(entries)) found.add(folder);
      else if (!isBare(entries)) level.push(...foldersIn(folder, entries, search));
    }
  }
  return [...found].sort().slice(0, most);
}

async function listSubject(folder: string, { onUnreadable }: Search): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    onUnreadable?.(folder, error);
    return [];
  }
}

function foldersIn(folder: string, entries: readonly Dirent[], { isSkipped }: Search): string[] {
  return entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.') && !HEAVY.has(entry.name))
    .map((entry) => join(folder, entry.name))
    .filter((path) => !isSkipped?.(path));
}

const isWorkTree = (entries: readonly Dirent[]) =>
  entries.some((entry) => entry.name === '.git' && (entry.isDirectory() || entry.isFile()));

function isBare(entries: readonly Dirent[]): boolean {
  const names = new Set(entries.map((entry) => entry.name));
  return names.has('HEAD') && names.has('objects') && names.has('refs');
}

async function describe(path: string): Promise<FoundRepository> {
  return {
    path,
    name: basename(path),
    projectFile: await projectFileState(path),
    remoteUrl: await remoteUrlOf(path),
  };
}

async function projectFileState(path: string): Promise<FoundRepository['projectFile']> {
  const reading = await readProjectFile(path);
  if (reading.kind !== 'valid') return reading.kind;
  return reading.file.github?.enabled ? 'enabled' : 'disabled';
}

/** From the repository's own configuration alone: enough to show to a person. */
async function remoteUrlOf(path: string): Promise<string | null> {
  try {
    const { commonDir } = await openRepository(path);
    const file = join(commonDir, 'config');
    if (!(await stat(file)).isFile()) return null;
    const remotes = parseConfig(await readFile(file, 'utf8'), file).filter(({ key }) =>
      /^remote\..+\.url$/.test(key),
    );
    const remote = remotes.findLast(({ key }) => key === 'remote.origin.url') ?? remotes[0];
    return remote?.value ?? null;
  } catch (error) {
    // Broken or unreadable: it is found all the same, and says why once it is a project.
    if (error instanceof Failure || errorCode(error) !== '') return null;
    throw error;
  }
}
