// Temporary repositories made with the real git, isolated from the machine's configuration, with a fixed
// identity. Knows nothing of the product: tests compare the product with what git does here.

import { spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { devNull, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

type GitCall = { cwd: string; input?: string | Uint8Array; env?: Record<string, string> };

export type GitRepoOptions = {
  /** Use this folder (created when missing, removed by `remove`) and not a new temporary one. */
  path?: string;
  /** Default `main`. */
  branch?: string;
  /** Make a bare repository; default false. */
  bare?: boolean;
  /** Clone this path or URL and not start empty. */
  clone?: string;
  /** Added to the environment of every git command. */
  env?: Record<string, string>;
};

export type GitRepo = {
  readonly path: string;
  /** Runs git there and answers its standard output; rejects with the standard error when it fails. */
  git(...args: string[]): Promise<string>;
  /** The same with standard input and bytes as the answer. */
  gitBytes(args: readonly string[], input?: string | Uint8Array): Promise<Buffer>;
  /** Writes a file of the work tree, making its folders; `mode` is set exactly when given. */
  write(path: string, content: string | Uint8Array, mode?: number): Promise<void>;
  remove(): Promise<void>;
};

/** The environment of an isolated git: no global or system configuration, one identity, English messages. */
export function gitEnv(extra: Record<string, string> = {}): Record<string, string> {
  return {
    PATH: process.env.PATH ?? '',
    HOME: tmpdir(),
    LC_ALL: 'C',
    GIT_CONFIG_GLOBAL: devNull,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_AUTHOR_NAME: 'Ada Author',
    GIT_AUTHOR_EMAIL: 'ada@example.com',
    GIT_COMMITTER_NAME: 'Carl Committer',
    GIT_COMMITTER_EMAIL: 'carl@example.com',
    GIT_CONFIG_COUNT: '2',
    GIT_CONFIG_KEY_0: 'gc.auto',
    GIT_CONFIG_VALUE_0: '0',
    GIT_CONFIG_KEY_1: 'protocol.file.allow',
    GIT_CONFIG_VALUE_1: 'always',
    ...extra,
  };
}

/** Runs git and answers its standard output as bytes. */
export function runGit(args: readonly string[], call: GitCall): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const child = spawn('git', args, { cwd: call.cwd, env: gitEnv(call.env), stdio: 'pipe' });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    // git may end without reading its input; the exit code tells the story then.
    child.stdin.on('error', () => child.stdin.destroy());
    child.stdin.end(call.input ?? '');
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) return resolve(Buffer.concat(out));
      reject(new Error(`git ${args.join(' ')} ended with ${code}: ${Buffer.concat(err).toString('utf8')}`));
    });
  });
}

/** Makes a repository in a new temporary folder; call `remove()` when done. */
export async function createGitRepo(options: GitRepoOptions = {}): Promise<GitRepo> {
  const path = options.path ?? (await mkdtemp(join(tmpdir(), 'gitferry-repo-')));
  await mkdir(path, { recursive: true });
  const env = options.env ?? {};
  const setUp = options.clone
    ? ['clone', '--quiet', ...(options.bare ? ['--bare'] : []), options.clone, '.']
    : [
        'init',
        '--quiet',
        `--initial-branch=${options.branch ?? 'main'}`,
        ...(options.bare ? ['--bare'] : []),
      ];
  await runGit(setUp, { cwd: path, env });
  return {
    path,
    async git(...args) {
      return (await runGit(args, { cwd: path, env })).toString('utf8');
    },
    gitBytes: (args, input = '') => runGit(args, { cwd: path, env, input }),
    async write(name, content, mode) {
      const file = join(path, name);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, content);
      if (mode !== undefined) await chmod(file, mode);
    },
    remove: () => rm(path, { recursive: true, force: true, maxRetries: 3 }),
  };
}
