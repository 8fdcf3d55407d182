// Reads a configuration file together with the files it includes, and judges the conditions of `includeIf`.
// Must not know which files make up a person's configuration: user-config.ts does.

import { dirname, isAbsolute, join } from 'node:path';
import { FileMemory } from '../../host/file-memory.ts';
import { readFile, realpath, stat } from '../../host/small-files.ts';
import { Failure } from '../../model/failure.ts';
import { errorCode, isAbsent } from '../io-failure.ts';
import { type ConfigEntry, parseConfig } from './config-file.ts';
import { matchesPathPattern } from './path-pattern.ts';

const MOST_LEVELS = 10;
const GITDIR = /^gitdir(\/i)?:(.*)$/s;
const REMOTE_URL = /^hasconfig:remote\.\*\.url:(.*)$/s;

/** What conditions are judged by. `branch` answers null when HEAD is no branch; it is asked only where one depends on it. */
export type IncludeScope = {
  readonly homeDir: string;
  readonly gitDir: string;
  branch(): Promise<string | null>;
  /** URLs of all remotes; null while they are not known yet: then `hasconfig` is false and `asksForRemotes` set. */
  readonly remoteUrls: readonly string[] | null;
  asksForRemotes: boolean;
  /** Grows by each file that is asked for. */
  readonly files: Set<string>;
};

/**
 * The entries of `file` with those of its includes in their places; none when it does not exist.
 * @throws Failure `git-config-invalid`, `folder-unreadable`
 */
export async function readConfigFile(file: string, scope: IncludeScope, level = 0): Promise<ConfigEntry[]> {
  scope.files.add(file);
  const found = await readEntries(file);
  if (found === null) return [];
  if (level > MOST_LEVELS) {
    throw new Failure('git-config-invalid', `More than ${MOST_LEVELS} levels of includes at ${file}.`);
  }
  const entries: ConfigEntry[] = [];
  for (const entry of found) {
    entries.push(entry);
    const included = await includedBy(entry, file, scope);
    if (included !== null) entries.push(...(await readConfigFile(included, scope, level + 1)));
  }
  return entries;
}

/** Replaces a leading `~/`. Null for `~name/`, which only the system's user list could resolve. */
export function expandHome(path: string, homeDir: string): string | null {
  if (path === '~') return homeDir;
  if (path.startsWith('~/')) return join(homeDir, path.slice(2));
  return path.startsWith('~') ? null : path;
}

async function includedBy(entry: ConfigEntry, file: string, scope: IncludeScope): Promise<string | null> {
  if (!entry.key.startsWith('include') || !entry.key.endsWith('.path') || entry.value === null) return null;
  if (entry.key !== 'include.path') {
    if (!entry.key.startsWith('includeif.')) return null;
    const condition = entry.key.slice('includeif.'.length, -'.path'.length);
    if (!(await holds(condition, file, scope))) return null;
  }
  const path = expandHome(entry.value, scope.homeDir);
  return path === null || isAbsolute(path) ? path : join(dirname(file), path);
}

async function holds(condition: string, file: string, scope: IncludeScope): Promise<boolean> {
  const gitdir = GITDIR.exec(condition);
  if (gitdir) return isInside(gitdir[2] ?? '', file, scope, gitdir[1] !== undefined);
  if (condition.startsWith('onbranch:')) {
    const pattern = condition.slice('onbranch:'.length);
    const branch = await scope.branch();
    return branch !== null && matchesPathPattern(spanning(pattern), branch);
  }
  const remote = REMOTE_URL.exec(condition);
  if (!remote) return false;
  scope.asksForRemotes = true;
  return (scope.remoteUrls ?? []).some((url) => matchesPathPattern(remote[1] ?? '', url));
}

/** Tried with links resolved and as written, as git does. */
async function isInside(
  written: string,
  file: string,
  scope: IncludeScope,
  ignoreCase: boolean,
): Promise<boolean> {
  let prefix = '';
  let pattern = written;
  if (written.startsWith('~/')) {
    prefix = `${await resolved(scope.homeDir)}/`;
    pattern = written.slice(2);
  } else if (written.startsWith('./')) {
    prefix = `${dirname(await resolved(file))}/`;
    pattern = written.slice(2);
  } else if (!isAbsolute(written)) pattern = `**/${written}`;
  const matches = (path: string) => {
    const start = path.slice(0, prefix.length);
    const same = ignoreCase ? start.toLowerCase() === prefix.toLowerCase() : start === prefix;
    return same && matchesPathPattern(spanning(pattern), path.slice(prefix.length), ignoreCase);
  };
  return matches(await resolved(scope.gitDir)) || matches(scope.gitDir);
}

function spanning(pattern: string): string {
  return pattern.endsWith('/') ? `${pattern}**` : pattern;
}

async function resolved(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (isAbsent(error)) return path;
    throw error;
  }
}

const memory = new FileMemory<readonly ConfigEntry[]>();

/**
 * Null when there is no such file. Every sync asks twice, so that a file which has not changed is only looked at: one
 * call of the file system where reading takes four, each a way to another thread and back.
 */
async function readEntries(file: string): Promise<readonly ConfigEntry[] | null> {
  try {
    const lookedAt = memory.now();
    const stats = await stat(file, { bigint: true });
    const known = memory.find(file, stats);
    if (known !== undefined) return known;
    const entries = parseConfig(await readFile(file, 'utf8'), file);
    memory.keep(file, stats, lookedAt, entries);
    return entries;
  } catch (error) {
    if (isAbsent(error)) return null;
    if (error instanceof Failure) throw error;
    throw new Failure(
      'folder-unreadable',
      `Cannot read the git configuration ${file}: ${errorCode(error)}.`,
      { cause: error },
    );
  }
}
