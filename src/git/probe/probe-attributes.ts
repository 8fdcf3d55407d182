// Looks for conversions of file contents (line endings, filters such as LFS) that the built-in engine does not do.

import type { Stats } from 'node:fs';
import { resolve } from 'node:path';
import { lstat, readFile, stat } from '../../host/small-files.ts';
import { booleanOf } from '../config/config-file.ts';
import { expandHome } from '../config/config-include.ts';
import { type Environment, type GitConfig, personalGitFile } from '../config/user-config.ts';
import { isAbsent, readFailure } from '../io-failure.ts';
import { openObjects } from '../objects/objects.ts';
import { diskPath, displayPath } from '../paths.ts';
import type { Repository } from '../types.ts';
import { findConvertingLine } from './attribute-rules.ts';
import type { IndexOutline } from './probe-index.ts';

type AttributesInput = { repo: Repository; config: GitConfig; env: Environment; homeDir: string };

const SYSTEM_ATTRIBUTES = '/etc/gitattributes';
const MOST_AT_ONCE = 16;

/** What converts contents here whatever is tracked, in words; null when nothing does. */
export async function findGeneralConversion(input: AttributesInput): Promise<string | null> {
  const fromConfig = configuredConversion(input.config);
  if (fromConfig !== null) return fromConfig;
  const { worktree } = input.repo;
  const files = [
    ...generalAttributeFiles(input).map((file) => ({ file, name: file, look: stat })),
    // An attribute file counts before it is tracked; at the top that is common, so it is always looked at.
    { file: `${worktree}/.gitattributes`, name: '.gitattributes', look: lstat },
  ];
  const found = await Promise.all(
    files.map(async ({ file, name, look }) => inText(await readIfFile(file, look), name, input.config)),
  );
  return found.find((conversion) => conversion !== null) ?? null;
}

/** Whether the text of one attribute file converts contents; `name` is for the message. */
export function inText(text: string | null, name: string, config: GitConfig): string | null {
  if (text === null) return null;
  const line = findConvertingLine(text, (filter) => isActiveFilter(filter, config));
  return line === null ? null : `${name} converts file contents ("${line.slice(0, 100)}")`;
}

function configuredConversion(config: GitConfig): string | null {
  const autocrlf = config.get('core.autocrlf');
  const isOn = autocrlf?.toLowerCase() === 'input' || config.getBoolean('core.autocrlf') === true;
  if (isOn) return `core.autocrlf is ${autocrlf || 'true'}`;
  // The other values of core.eol mean nothing unless an attribute asks for text, and that is found below.
  return config.get('core.eol')?.toLowerCase() === 'crlf' ? 'core.eol is crlf' : null;
}

/** A filter without commands does nothing. LFS always counts: without git-lfs the whole file would be committed. */
function isActiveFilter(name: string, config: GitConfig): boolean {
  if (name === 'lfs') return true;
  const required = booleanOf(config.get(`filter.${name}.required`) ?? 'false') !== false;
  return required || ['clean', 'process'].some((key) => config.get(`filter.${name}.${key}`) !== undefined);
}

/** Where attributes are beside the `.gitattributes` files of the work tree. */
export function generalAttributeFiles({ repo, config, env, homeDir }: AttributesInput): string[] {
  const chosen = config.get('core.attributesFile');
  const expanded =
    chosen === undefined ? personalGitFile('attributes', env, homeDir) : expandHome(chosen, homeDir);
  const personal = expanded === null || expanded === '' ? [] : [resolve(repo.worktree, expanded)];
  const system = env.GIT_ATTR_NOSYSTEM || env.GIT_CONFIG_NOSYSTEM ? [] : [SYSTEM_ATTRIBUTES];
  return [...system, ...personal, `${repo.commonDir}/info/attributes`];
}

/** The first tracked attribute file that converts contents, in words; null when there is none. */
export async function findTrackedConversion(
  { repo, config }: Pick<AttributesInput, 'repo' | 'config'>,
  files: IndexOutline['attributeFiles'],
): Promise<string | null> {
  for (let from = 0; from < files.length; from += MOST_AT_ONCE) {
    const found = await Promise.all(
      files.slice(from, from + MOST_AT_ONCE).map(async ({ path, oid }) => {
        // Git falls back to what is tracked when the file is missing in the work tree.
        const text = await readIfFile(diskPath(repo.worktree, path), lstat);
        return inText(text ?? (await readTracked(repo, oid)), displayPath(path), config);
      }),
    );
    const first = found.find((conversion) => conversion !== null);
    if (first !== undefined) return first;
  }
  return null;
}

async function readTracked(repo: Repository, oid: string): Promise<string> {
  const objects = openObjects(repo, { fsync: false });
  try {
    return (await objects.read(oid)).content.toString('utf8');
  } finally {
    await objects.close();
  }
}

/** Git follows no symlink at a `.gitattributes` of the work tree. */
async function readIfFile(
  path: string | Buffer,
  look: (path: string | Buffer) => Promise<Stats>,
): Promise<string | null> {
  try {
    return (await look(path)).isFile() ? await readFile(path, 'utf8') : null;
  } catch (error) {
    if (isAbsent(error)) return null;
    throw readFailure(error, path.toString());
  }
}
