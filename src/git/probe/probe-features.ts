// Names what only the system git does right: the built-in engine must not commit in such a repository.

import { join, resolve } from 'node:path';
import { readdir, stat } from '../../host/small-files.ts';
import { expandHome } from '../config/config-include.ts';
import type { Environment, GitConfig } from '../config/user-config.ts';
import { isAbsent } from '../io-failure.ts';
import { displayPath } from '../paths.ts';
import type { Repository } from '../types.ts';
import { findGeneralConversion, findTrackedConversion } from './probe-attributes.ts';
import type { IndexOutline } from './probe-index.ts';

type FeaturesInput = { repo: Repository; config: GitConfig; env: Environment; homeDir: string };

/** What was found without the index. */
export type GeneralFeatures = {
  conversion: PromiseSettledResult<string | null>;
  hook: PromiseSettledResult<string | null>;
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

/** The part that needs no index, so that both can be read at once. Never rejects. */
export async function findGeneralFeatures(input: FeaturesInput): Promise<GeneralFeatures> {
  const [conversion, hook] = await Promise.allSettled([findGeneralConversion(input), findHook(input)]);
  return { conversion, hook };
}

/** The first feature, in words; null when there is none. `known` is the part that was read before. */
export async function findSystemGitFeature(
  input: FeaturesInput & { index: IndexOutline },
  known?: GeneralFeatures,
): Promise<string | null> {
  const general = known ?? (await findGeneralFeatures(input));
  return (
    indexFeature(input.index) ??
    outcomeOf(general.conversion) ??
    (await findTrackedConversion(input, input.index.attributeFiles)) ??
    outcomeOf(general.hook) ??
    configFeature(input.config)
  );
}

/** A fault counts only when nothing weightier was found before it. */
export function outcomeOf<Value>(result: PromiseSettledResult<Value>): Value {
  if (result.status === 'rejected') throw result.reason;
  return result.value;
}

function indexFeature(index: IndexOutline): string | null {
  if (index.extensions.includes('link')) return 'the index is split';
  if (index.extensions.includes('sdir')) return 'the index is sparse';
  const unknown = index.extensions.find((signature) => !/^[A-Z]/.test(signature));
  if (unknown !== undefined) return `the index has the extension ${unknown}`;
  if (!index.hasChecksum) return 'the index has no checksum (index.skipHash)';
  if (index.hiddenIgnoreFile) return `sparse checkout hides ${displayPath(index.hiddenIgnoreFile)}`;
  return null;
}

async function findHook(input: FeaturesInput): Promise<string | null> {
  const folder = hooksFolder(input);
  if (folder === null) return `core.hooksPath is ${input.config.get('core.hooksPath')}`;
  for (const name of await hooksIn(folder)) {
    if (await isExecutable(join(folder, name))) return `there is a ${name} hook`;
  }
  return null;
}

/** The folder of the hooks, and those in it that matter, executable or not. */
export async function hookFiles(input: FeaturesInput): Promise<string[]> {
  const folder = hooksFolder(input);
  if (folder === null) return [];
  return [folder, ...(await hooksIn(folder)).map((name) => join(folder, name))];
}

function hooksFolder({ repo, config, homeDir }: FeaturesInput): string | null {
  const chosen = config.get('core.hooksPath');
  const expanded = chosen === undefined ? join(repo.commonDir, 'hooks') : expandHome(chosen, homeDir);
  return expanded === null ? null : resolve(repo.worktree, expanded);
}

async function hooksIn(folder: string): Promise<string[]> {
  return (await namesIn(folder)).filter((name) => HOOKS.has(name)).sort();
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
