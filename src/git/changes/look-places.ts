// Names everything that a look at a repository depended on, and makes a stamp of it. Each part that looked knows its
// own files; here they are only put together.

import { existsSync } from 'node:fs';
import type { Environment } from '../config/user-config.ts';
import { readIndex } from '../index/index-file.ts';
import { HASH_BYTES } from '../index/index-layout.ts';
import { displayPath, type RepoPath, toRepoPath } from '../paths.ts';
import type { ProbedRepository } from '../probe/probe.ts';
import { generalAttributeFiles } from '../probe/probe-attributes.ts';
import { hookFiles } from '../probe/probe-features.ts';
import { OPERATION_FILES } from '../probe/probe-operations.ts';
import { generalIgnoreFiles } from './ignore.ts';
import { type LookStamp, noSharedPlaces, stampOf } from './look-stamp.ts';
import { stagedIn } from './submodules.ts';
import type { WorktreeFiles } from './worktree-files.ts';

/** What was looked at; an open one is not all. */
export type LookTrace = {
  /** Absolute, folders that were listed and rules of ignoring in them. */
  readonly inside: Set<string>;
  /** Absolute. */
  readonly around: Set<string>;
  /** Paths that are not as the index says. */
  readonly apart: Set<RepoPath>;
  isOpen: boolean;
};

/** A stamp is for many small things: of what is larger, looking closer is most of the work anyway. */
const MOST_CHARACTERS = 1_000_000;
const MOST_APART = 5_000;

export const newTrace = (): LookTrace => ({
  inside: new Set(),
  around: new Set(),
  apart: new Set(),
  isOpen: false,
});

/** The same files, noting what is listed. */
export function traced(files: WorktreeFiles, trace: LookTrace): WorktreeFiles {
  return {
    ...files,
    async list(path) {
      const items = await files.list(path);
      if (typeof path !== 'string') trace.isOpen = true;
      else if (items !== null) {
        trace.inside.add(path);
        if (items.some(({ name }) => name === '.gitignore')) trace.inside.add(`${path}/.gitignore`);
      }
      return items;
    },
  };
}

/**
 * What stays the same while the look would find the same, as it is now; null where nothing vouches for that. A single
 * stamp proves nothing, because it is taken after the look: one that was the same before the look does.
 * @throws what the file system says
 */
export async function stampLook(
  probe: ProbedRepository,
  trace: LookTrace,
  ports: { env: Environment; homeDir: string },
): Promise<LookStamp | null> {
  const { repo, config, fileMode, head } = probe;
  const { worktree, gitDir, commonDir } = repo;
  const index = await readIndex(repo);
  const isTold = head.ref.startsWith('refs/heads/') && index.mtimeNs !== 0n && stagedIn(index).length === 0;
  const operations = OPERATION_FILES.map((name) => `${gitDir}/${name}`);
  // What such files mean changes with their age and their content.
  const isUnderWay = operations.some((file) => existsSync(file));
  if (trace.isOpen || !isTold || isUnderWay || trace.apart.size > MOST_APART) return null;
  const input = { ...ports, repo, config };
  // Not the git folder itself: `git status` makes and removes a lock there each time.
  const around = new Set([
    ...(gitDir === `${worktree}/.git` ? [] : [`${worktree}/.git`]),
    ...[`${gitDir}/HEAD`, `${gitDir}/index`, `${gitDir}/commondir`, `${commonDir}/objects`, ...operations],
    ...[...config.files, ...generalIgnoreFiles(input), ...generalAttributeFiles(input)],
    ...[...(await hookFiles(input)), ...trace.around],
  ]);
  const inside = new Set([worktree, `${worktree}/.gitattributes`, ...trace.inside]);
  for (const path of trace.apart) {
    const name = displayPath(path);
    if (toRepoPath(name) !== path) return null;
    inside.add(`${worktree}/${name}`);
  }
  const places = {
    inside: asText(inside, worktree),
    around: asText(around, worktree),
    apart: [...trace.apart].join('\0'),
    index: nameIn(worktree, `${gitDir}/index`),
    indexHash: index.raw.toString('latin1', index.raw.length - HASH_BYTES),
    fileMode,
  };
  if (places.inside.length + places.around.length + places.apart.length > MOST_CHARACTERS) return null;
  return stampOf(worktree, places, noSharedPlaces());
}

function asText(paths: ReadonlySet<string>, worktree: string): string {
  return [...paths].map((path) => nameIn(worktree, path)).join('\0');
}

function nameIn(worktree: string, path: string): string {
  if (path === worktree) return '';
  return path.startsWith(`${worktree}/`) ? path.slice(worktree.length + 1) : path;
}
