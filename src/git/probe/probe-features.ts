// Names what only the system git does right: the built-in engine must not commit in such a repository.

import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { expandHome } from '../config/config-include.ts';
import type { Environment, GitConfig } from '../config/user-config.ts';
import { isAbsent } from '../io-failure.ts';
import { displayPath } from '../paths.ts';
import type { Repository } from '../types.ts';
import { findConversion } from './probe-attributes.ts';
import type { IndexOutline } from './probe-index.ts';

type FeaturesInput = {
  repo: Repository;
  config: GitConfig;
  env: Environment;
  homeDir: string;
  index: IndexOutline | null;
};

const HOOKS = new Set([
  'pre-commit',
  'prepare-commit-msg',
  'commit-msg',
  'post-commit',
  'pre-push',
  'reference-transaction',
]);
const ANY_EXECUTE_BIT = 0o111;

/** The first such feature, in words; null when there is none. */
export async function findSystemGitFeature(input: FeaturesInput): Promise<string | null> {
  return (
    indexFeature(input.index) ??
    (await findConversion(input)) ??
    (await findHook(input)) ??
    configFeature(input.config)
  );
}

function indexFeature(index: IndexOutline | null): string | null {
  if (index === null) return null;
  if (index.extensions.includes('link')) return 'the index is split';
  if (index.extensions.includes('sdir')) return 'the index is sparse';
  const unknown = index.extensions.find((signature) => !/^[A-Z]/.test(signature));
  if (unknown !== undefined) return `the index has the extension ${unknown}`;
  if (!index.hasChecksum) return 'the index has no checksum (index.skipHash)';
  if (index.hiddenIgnoreFile) return `sparse checkout hides ${displayPath(index.hiddenIgnoreFile)}`;
  return null;
}

async function findHook({ repo, config, homeDir }: FeaturesInput): Promise<string | null> {
  const chosen = config.get('core.hooksPath');
  const expanded = chosen === undefined ? join(repo.commonDir, 'hooks') : expandHome(chosen, homeDir);
  if (expanded === null) return `core.hooksPath is ${chosen}`;
  const folder = resolve(repo.worktree, expanded);
  const names = await namesIn(folder);
  for (const name of names.filter((name) => HOOKS.has(name)).sort()) {
    if (await isExecutable(join(folder, name))) return `there is a ${name} hook`;
  }
  return null;
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    const stats = await stat(path);
    return stats.isFile() && (stats.mode & ANY_EXECUTE_BIT) !== 0;
  } catch (error) {
    if (isAbsent(error)) return false;
    throw error;
  }
}

function configFeature(config: GitConfig): string | null {
  if (config.getBoolean('commit.gpgSign')) return 'commits are signed (commit.gpgSign)';
  const isPromisor = config
    .subsections('remote')
    .some((name) => config.getBoolean(`remote.${name}.promisor`));
  const isPartial = isPromisor || config.get('extensions.partialClone') !== undefined;
  return isPartial ? 'it is a partial clone' : null;
}
