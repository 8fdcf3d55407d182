// Collects the configuration that git itself would use in a repository: system, global, local, work tree, command.
// Must not interpret values; config-values.ts answers questions about them.

import { join } from 'node:path';
import { readFile } from '../../host/small-files.ts';
import { Failure } from '../../model/failure.ts';
import { isAbsent } from '../io-failure.ts';
import type { Repository } from '../types.ts';
import { type ConfigEntry, canonicalKey } from './config-file.ts';
import { type IncludeScope, readConfigFile } from './config-include.ts';
import { configOf, type GitConfig } from './config-values.ts';

export type { GitConfig };
export type Environment = Readonly<Record<string, string | undefined>>;

type ConfigInput = { repo: Repository; env: Environment; homeDir: string };

const SYSTEM_CONFIG = '/etc/gitconfig';
const HEADS = 'ref: refs/heads/';

/**
 * As the files are now; the last value of a key wins. Includes are followed, conditional ones too.
 * @throws Failure `git-config-invalid`, `folder-unreadable`
 */
export async function readGitConfig(input: ConfigInput): Promise<GitConfig> {
  const { repo, env, homeDir } = input;
  const scope = {
    homeDir,
    gitDir: repo.gitDir,
    branch: () => branchOf(repo),
    remoteUrls: null,
    asksForRemotes: false,
    files: new Set<string>(),
  };
  const entries = await readAll(input, scope);
  if (!scope.asksForRemotes) return configOf([...entries, ...commandEntries(env)], [...scope.files]);
  // A condition asks for remotes: they are known only after everything else has been read once.
  const remoteUrls = entries.filter(isRemoteUrl).map(({ value }) => value ?? '');
  const all = await readAll(input, { ...scope, remoteUrls });
  return configOf([...all, ...commandEntries(env)], [...scope.files]);
}

/** Where git looks for a person's own files such as `ignore` and `attributes`; null without a home. */
export function personalGitFile(name: string, env: Environment, homeDir: string): string | null {
  if (env.XDG_CONFIG_HOME) return join(env.XDG_CONFIG_HOME, 'git', name);
  return homeDir === '' ? null : join(homeDir, '.config', 'git', name);
}

async function readAll(input: ConfigInput, scope: IncludeScope): Promise<ConfigEntry[]> {
  const { repo } = input;
  const files = [...systemFiles(input.env), ...globalFiles(input.env, input.homeDir)];
  const all = [...files, join(repo.commonDir, 'config')];
  // All at once: every sync waits for this.
  const read = await Promise.all(all.map((file) => readConfigFile(file, scope)));
  const entries = read.flat();
  if (configOf(read.at(-1) ?? []).getBoolean('extensions.worktreeConfig')) {
    entries.push(...(await readConfigFile(join(repo.gitDir, 'config.worktree'), scope)));
  }
  return entries;
}

function systemFiles(env: Environment): string[] {
  if (isYes(env.GIT_CONFIG_NOSYSTEM)) return [];
  return [env.GIT_CONFIG_SYSTEM ?? SYSTEM_CONFIG].filter((file) => file !== '');
}

function globalFiles(env: Environment, homeDir: string): string[] {
  const chosen = env.GIT_CONFIG_GLOBAL;
  if (chosen !== undefined) return chosen === '' ? [] : [chosen];
  const personal = personalGitFile('config', env, homeDir);
  return [...(personal === null ? [] : [personal]), ...(homeDir === '' ? [] : [join(homeDir, '.gitconfig')])];
}

/** Settings handed over in the environment, which win over every file. */
function commandEntries(env: Environment): ConfigEntry[] {
  const count = Number(env.GIT_CONFIG_COUNT ?? '0');
  if (!Number.isInteger(count) || count < 0) {
    throw new Failure('git-config-invalid', `GIT_CONFIG_COUNT is "${env.GIT_CONFIG_COUNT}", not a number.`);
  }
  return Array.from({ length: count }, (_, number) => {
    const key = env[`GIT_CONFIG_KEY_${number}`];
    const value = env[`GIT_CONFIG_VALUE_${number}`];
    if (!key || value === undefined) {
      throw new Failure('git-config-invalid', `GIT_CONFIG_COUNT is ${count}, but pair ${number} is missing.`);
    }
    return { key: canonicalKey(key), value, line: 0 };
  });
}

function isRemoteUrl(entry: ConfigEntry): boolean {
  return entry.key.startsWith('remote.') && entry.key.endsWith('.url');
}

function isYes(value: string | undefined): boolean {
  return value !== undefined && !['', '0', 'false', 'no', 'off'].includes(value.toLowerCase());
}

async function branchOf(repo: Repository): Promise<string | null> {
  try {
    const head = (await readFile(join(repo.gitDir, 'HEAD'), 'utf8')).trim();
    return head.startsWith(HEADS) ? head.slice(HEADS.length) : null;
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  }
}
