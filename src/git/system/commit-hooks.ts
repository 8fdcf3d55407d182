// Runs a person's commit hooks as `git commit` does: on the index that becomes the commit, and on its message.

import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { redact } from '../../host/log.ts';
import { Failure } from '../../model/failure.ts';
import { unlessAbsent, writeFailure } from '../io-failure.ts';
import type { ProbedRepository } from '../probe/probe.ts';
import type { RunGit } from './run-git.ts';
import type { ScratchIndex } from './scratch-index.ts';

const LONGEST_TEXT = 2_000;

const NAMES = [
  ...(['pre-commit', 'prepare-commit-msg', 'commit-msg', 'post-commit'] as const),
  ...(['pre-merge-commit', 'post-merge'] as const),
];
const ANY_EXECUTE_BIT = 0o111;

type Hook = (typeof NAMES)[number];
export type Hooks = ReadonlySet<Hook>;

/** The hooks that git would run here. */
export async function findHooks({ repo, config }: ProbedRepository, git: RunGit): Promise<Hooks> {
  // Newer versions of git run hooks that the configuration names.
  if (config.subsections('hook').length > 0) return new Set(NAMES);
  const { out } = await git(['rev-parse', '--git-path', 'hooks']);
  const folder = resolve(repo.worktree, out.toString('utf8').replace(/\n$/, ''));
  const names = await unlessAbsent(readdir(folder));
  const found = new Set<Hook>();
  for (const name of NAMES) {
    if (!names?.includes(name)) continue;
    const stats = await unlessAbsent(stat(join(folder, name)));
    if (stats?.isFile() && (stats.mode & ANY_EXECUTE_BIT) !== 0) found.add(name);
  }
  return found;
}

/** @throws Failure `commit-hook-refused` with the hook's own words */
export async function runPreCommit(git: RunGit, index: ScratchIndex, hooks: Hooks): Promise<void> {
  if (!hooks.has('pre-commit')) return;
  // Hooks compare the index with the work tree, and need its times for that.
  await index.run(['update-index', '-q', '--refresh']);
  await runHook(git, 'pre-commit', [], { GIT_INDEX_FILE: index.path });
}

/** @throws Failure `commit-hook-refused` with the hook's own words */
export async function runPreMerge(git: RunGit, index: ScratchIndex, hooks: Hooks): Promise<void> {
  if (hooks.has('pre-merge-commit')) {
    await runHook(git, 'pre-merge-commit', [], { GIT_INDEX_FILE: index.path });
  }
}

/** Answers the message that the hooks made of it. @throws Failure `commit-hook-refused` */
export async function runMessageHooks(
  git: RunGit,
  message: string,
  index: ScratchIndex,
  folder: string,
  hooks: Hooks,
  source: 'message' | 'merge' = 'message',
): Promise<string> {
  const wanted: [Hook, string[]][] = [
    ['prepare-commit-msg', [source]],
    ['commit-msg', []],
  ];
  const present = wanted.filter(([hook]) => hooks.has(hook));
  if (present.length === 0) return message;
  // Not .git/COMMIT_EDITMSG: a person may have that one open in an editor.
  const file = join(folder, 'COMMIT_EDITMSG');
  try {
    await writeFile(file, message);
  } catch (error) {
    throw writeFailure(error, file);
  }
  for (const [hook, args] of present) {
    await runHook(git, hook, [file, ...args], { GIT_INDEX_FILE: index.path });
  }
  const { out } = await git(['stripspace'], { input: await readFile(file) });
  if (out.length > 0) return out.toString('utf8');
  throw new Failure('commit-hook-refused', 'A hook left the commit without a message.');
}

/** What it says is of no consequence any more: the commit is made. */
export async function runPostCommit(git: RunGit, hooks: Hooks): Promise<void> {
  if (hooks.has('post-commit'))
    await git(['hook', 'run', '--ignore-missing', 'post-commit'], { changes: true });
}

async function runHook(git: RunGit, hook: Hook, args: string[], env: Record<string, string>): Promise<void> {
  const rest = args.length === 0 ? [] : ['--', ...args];
  const { code, out, err } = await git(['hook', 'run', '--ignore-missing', hook, ...rest], {
    env,
    changes: true,
  });
  if (code === 0) return;
  throw new Failure(
    'commit-hook-refused',
    `The ${hook} hook refused the commit: ${hookText(err, out, code)}`,
  );
}

/** A hook's words for people: on one line, without credentials. */
function hookText(err: string, out: Buffer, code: number | null): string {
  const text = redact(`${err}\n${out.toString('utf8')}`.replace(/\s+/g, ' ')).trim();
  return text === '' ? `it ended with ${code}` : text.slice(0, LONGEST_TEXT);
}
