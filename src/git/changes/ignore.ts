// Which untracked paths git leaves out: `.gitignore` on every level, `info/exclude`, `core.excludesFile`.
// Must not know what is tracked: to git, a tracked file is never ignored.

import type { BigIntStats } from 'node:fs';
import { resolve } from 'node:path';
import { lstat, readFile, stat } from '../../host/small-files.ts';
import { expandHome } from '../config/config-include.ts';
import { type Environment, type GitConfig, personalGitFile } from '../config/user-config.ts';
import { isAbsent, readFailure } from '../io-failure.ts';
import { diskPath, type RepoPath } from '../paths.ts';
import type { Repository } from '../types.ts';
import { type IgnoreFile, parseIgnoreFile, type Verdict } from './ignore-file.ts';

type IgnoreInput = { repo: Repository; config: GitConfig; homeDir: string; env: Environment };

/** The rules as they hold for the children of one folder. */
export type FolderRules = {
  /** `name` is a byte string without slashes. */
  isIgnored(name: string, isFolder: boolean): boolean;
  /** The rules of a child folder. `hasFile` says whether a `.gitignore` lies there, when the caller knows. */
  enter(name: string, hasFile?: boolean): Promise<FolderRules>;
};

export type IgnoreRules = {
  /** Whether git would leave an untracked path out; a path below an ignored folder is. */
  isIgnored(path: RepoPath, isFolder: boolean): Promise<boolean>;
  /** The rules at the top, read anew where their files changed; for walks, one folder after another. */
  root(): Promise<FolderRules>;
};

/** Each file is read once and again when its stat data changed. Rules are bytes, so names need not be UTF-8. */
export function openIgnoreRules(input: IgnoreInput): IgnoreRules {
  const { worktree, commonDir } = input.repo;
  const ignoreCase = input.config.getBoolean('core.ignoreCase') ?? false;
  const read = createReader(ignoreCase);
  const personal = personalFile(input);
  const root = async (): Promise<FolderRules> => {
    const [exclude, own, top] = await Promise.all([
      read(`${commonDir}/info/exclude`, stat),
      personal === null ? null : read(personal, stat),
      read(`${worktree}/.gitignore`, lstat),
    ]);
    const general = [exclude, own].flatMap((file) => (file ? [{ file, prefix: 0 }] : []));
    return rulesIn('', top ? [{ file: top, prefix: 0 }, ...general] : general, { worktree, read });
  };
  return {
    root,
    async isIgnored(path, isFolder) {
      const parts = path.split('/');
      const name = parts.pop() ?? '';
      let rules = await root();
      for (const part of parts) {
        if (rules.isIgnored(part, true)) return true;
        rules = await rules.enter(part);
      }
      return rules.isIgnored(name, isFolder);
    },
  };
}

type ReadRules = (file: string | Buffer, look: typeof lstat) => Promise<IgnoreFile | null>;
/** A file of rules, and how many characters of a path lie before its folder. */
type Source = { readonly file: IgnoreFile; readonly prefix: number };

const EVERYTHING: FolderRules = { isIgnored: () => true, enter: async () => EVERYTHING };

/** `sources` are asked in order: the nearest `.gitignore` first, the person's own file last. */
function rulesIn(
  folder: string,
  sources: readonly Source[],
  disk: { worktree: string; read: ReadRules },
): FolderRules {
  const isIgnored = (name: string, isFolder: boolean) =>
    decide(sources, folder === '' ? name : `${folder}/${name}`, isFolder);
  return {
    isIgnored,
    async enter(name, hasFile = true) {
      if (isIgnored(name, true)) return EVERYTHING;
      const child = folder === '' ? name : `${folder}/${name}`;
      const file = hasFile ? await disk.read(diskPath(disk.worktree, `${child}/.gitignore`), lstat) : null;
      const nearest = file ? [{ file, prefix: child.length + 1 }] : [];
      return rulesIn(child, [...nearest, ...sources], disk);
    },
  };
}

function decide(sources: readonly Source[], path: string, isFolder: boolean): boolean {
  for (const { file, prefix } of sources) {
    const verdict: Verdict = file.judge(path.slice(prefix), isFolder);
    if (verdict !== 'silent') return verdict === 'ignored';
  }
  return false;
}

/** Git follows no symlink at a `.gitignore`: such files are looked at with lstat and skipped. */
function createReader(ignoreCase: boolean): ReadRules {
  const known = new Map<string, { stamp: string; rules: IgnoreFile }>();
  return async (file, look) => {
    const key = file.toString('latin1');
    try {
      const stats = await look(file, { bigint: true });
      if (!stats.isFile()) return null;
      const stamp = stampOf(stats);
      const cached = known.get(key);
      if (cached?.stamp === stamp) return cached.rules;
      const rules = parseIgnoreFile(await readFile(file), ignoreCase);
      known.set(key, { stamp, rules });
      return rules;
    } catch (error) {
      known.delete(key);
      // Git warns about rules that it may not read and goes on without them; uploading more than meant
      // would be worse here, so that is a fault for whoever asked.
      if (isAbsent(error)) return null;
      throw readFailure(error, file.toString());
    }
  };
}

function stampOf(stats: BigIntStats): string {
  return `${stats.mtimeNs}:${stats.ctimeNs}:${stats.size}:${stats.ino}`;
}

/** Where rules are beside the `.gitignore` files of the work tree. */
export function generalIgnoreFiles(input: IgnoreInput): string[] {
  const personal = personalFile(input);
  return [`${input.repo.commonDir}/info/exclude`, ...(personal === null ? [] : [personal])];
}

function personalFile({ repo, config, homeDir, env }: IgnoreInput): string | null {
  const chosen = config.get('core.excludesFile');
  if (chosen === undefined) return personalGitFile('ignore', env, homeDir);
  const path = expandHome(chosen, homeDir);
  return path === null || path === '' ? null : resolve(repo.worktree, path);
}
