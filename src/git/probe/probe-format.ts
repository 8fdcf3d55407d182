// Refuses repositories whose storage the built-in engine does not understand.

import { resolve } from 'node:path';
import { realpath } from '../../host/small-files.ts';
import { type Reason, reasonOf } from '../../model/failure.ts';
import type { GitConfig } from '../config/user-config.ts';
import { isAbsent } from '../io-failure.ts';
import type { Repository } from '../types.ts';

const NEWEST_FORMAT = 1;
const EXTENSION = 'extensions.';
// `partialclone` is known here because the features' probe names it.
const KNOWN_EXTENSIONS = new Set([
  'noop',
  'noop-v1',
  'objectformat',
  'partialclone',
  'preciousobjects',
  'refstorage',
  'relativeworktrees',
  'worktreeconfig',
]);

/** The first thing about the repository's format that forbids touching it; null when there is none. */
export async function findFormatObstacle(repo: Repository, config: GitConfig): Promise<Reason | null> {
  const objects = config.get('extensions.objectFormat')?.toLowerCase();
  if (objects !== undefined && objects !== 'sha1') {
    return reasonOf('unsupported-object-format', `${repo.worktree} stores its objects as ${objects}.`);
  }
  const refs = config.get('extensions.refStorage')?.toLowerCase();
  if (refs !== undefined && refs !== 'files') {
    return reasonOf('unsupported-ref-storage', `${repo.worktree} stores its refs as ${refs}.`);
  }
  const unknown = config.entries.find(
    ({ key }) => key.startsWith(EXTENSION) && !KNOWN_EXTENSIONS.has(key.slice(EXTENSION.length)),
  );
  if (unknown) return reasonOf('unsupported-extension', `${repo.worktree} uses ${unknown.key}.`);
  const format = config.get('core.repositoryFormatVersion') ?? '0';
  if (!/^\d+$/.test(format) || Number(format) > NEWEST_FORMAT) {
    return reasonOf('unsupported-extension', `${repo.worktree} has repository format ${format}.`);
  }
  if (config.getBoolean('core.bare')) {
    return reasonOf('bare-repository', `core.bare is true in ${repo.gitDir}/config.`);
  }
  return worktreeElsewhere(repo, config);
}

/** Git works in `core.worktree`, wherever `.git` was found; a submodule's points back to its own folder. */
async function worktreeElsewhere(repo: Repository, config: GitConfig): Promise<Reason | null> {
  const named = config.get('core.worktree');
  if (named === undefined) return null;
  const [meant, found] = await Promise.all([realOf(resolve(repo.gitDir, named)), realOf(repo.worktree)]);
  if (meant === found) return null;
  return reasonOf('needs-system-git', `core.worktree of ${repo.worktree} names another folder, ${meant}.`);
}

async function realOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (isAbsent(error)) return path;
    throw error;
  }
}
