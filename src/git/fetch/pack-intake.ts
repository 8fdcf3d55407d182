// Takes a pack into the object store as git's own receiving side does: into a folder of its own first, which borrows
// the store's objects; checked and indexed there; only then renamed among the other packs. What fails or is cut off
// vanishes with the folder, and nothing in the store ever names a half-made pack.

import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { lstat, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { indexPack } from 'isomorphic-git';
import { redact } from '../../host/log.ts';
import { Failure } from '../../model/failure.ts';
import { errorCode, isAbsent, writeFailure } from '../io-failure.ts';
import type { Repository } from '../types.ts';

export type PackIntake = {
  repo: Repository;
  /** Flush the pack to the disk before it gets its name. */
  fsync: boolean;
  signal: AbortSignal;
  /** The environment for git. */
  env: Readonly<Record<string, string | undefined>>;
  /** The git program; default `git`. Null: do without. */
  gitProgram?: string | null;
};

/** git prune removes forgotten folders of the first half of this name. */
const QUARANTINE = 'tmp_objdir-gitferry-';
const PACK = /^pack-[0-9a-f]{40}\.(?:pack|idx|rev)$/;

/** Whether git is there to complete thin packs. */
export async function hasGit(intake: Pick<PackIntake, 'gitProgram' | 'env'>): Promise<boolean> {
  if (intake.gitProgram === null) return false;
  const child = spawn(intake.gitProgram ?? 'git', ['--version'], { stdio: 'ignore', ...envOf(intake, {}) });
  return new Promise((resolve, reject) => {
    child.once('error', (error) => (errorCode(error) === 'ENOENT' ? resolve(false) : reject(error)));
    child.once('close', (code) => resolve(code === 0));
  });
}

/**
 * Stores the pack that `chunks` amount to; answers its size. The caller holds the repository lock: folders that an
 * earlier, killed fetch left are removed.
 * @throws Failure `object-corrupt` (damaged, or it lacks objects), `disk-full`, `write-refused`, `aborted`, and what
 *   `chunks` throws
 */
export async function takePack(
  intake: PackIntake,
  chunks: AsyncIterable<Uint8Array>,
  useGit: boolean,
): Promise<number> {
  const objectsDir = `${intake.repo.commonDir}/objects`;
  await clearForgotten(objectsDir);
  const quarantine = `${objectsDir}/${QUARANTINE}${randomBytes(6).toString('hex')}`;
  try {
    await mkdir(`${quarantine}/pack`, { recursive: true });
    const bytes = useGit
      ? await indexByGit(intake, chunks, quarantine)
      : await indexHere(intake, chunks, quarantine);
    await moveIn(intake, `${quarantine}/pack`, `${objectsDir}/pack`);
    return bytes;
  } catch (error) {
    throw writeFailure(error, quarantine);
  } finally {
    await rm(quarantine, { recursive: true, force: true });
  }
}

async function clearForgotten(objectsDir: string): Promise<void> {
  for (const name of await readdir(objectsDir)) {
    if (name.startsWith(QUARANTINE)) await rm(`${objectsDir}/${name}`, { recursive: true, force: true });
  }
}

async function indexByGit(
  intake: PackIntake,
  chunks: AsyncIterable<Uint8Array>,
  quarantine: string,
): Promise<number> {
  const { repo, fsync, signal } = intake;
  const flush = ['-c', `core.fsync=${fsync ? 'pack,pack-metadata' : 'none'}`];
  const args = ['--git-dir', repo.gitDir, ...flush, 'index-pack', '--stdin', '--fix-thin', '--strict'];
  const child = spawn(intake.gitProgram ?? 'git', args, {
    stdio: ['pipe', 'ignore', 'pipe'],
    ...envOf(intake, {
      GIT_OBJECT_DIRECTORY: quarantine,
      GIT_ALTERNATE_OBJECT_DIRECTORIES: `${repo.commonDir}/objects`,
    }),
  });
  const ended = endOf(child);
  const kill = () => void child.kill();
  signal.addEventListener('abort', kill, { once: true });
  let bytes = 0;
  try {
    for await (const chunk of chunks) {
      bytes += chunk.length;
      if (!(await write(child, chunk))) break;
    }
    child.stdin?.end();
    const { code, errors } = await ended;
    if (signal.aborted) throw new Failure('aborted', 'The fetch was called off.', { cause: signal.reason });
    if (code === 0) return bytes;
    const text = redact(errors).replace(/\s+/g, ' ').trim();
    throw new Failure('object-corrupt', `The pack was refused: ${text || `git ended with ${code}`}`, {
      action: 'The remote sent objects that git does not accept; `git fsck` in a fresh clone says more.',
    });
  } finally {
    signal.removeEventListener('abort', kill);
    if (child.exitCode === null) kill();
    await ended;
  }
}

function endOf(child: ChildProcess): Promise<{ code: number | null; errors: string }> {
  let errors = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    if (errors.length < 4_096) errors += chunk.toString('utf8');
  });
  // git may end before it has read everything; its exit code tells.
  child.stdin?.on('error', () => child.stdin?.destroy());
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, errors })));
}

/** False when git has ended already. */
function write(child: ChildProcess, chunk: Uint8Array): Promise<boolean> {
  const { stdin } = child;
  if (!stdin || stdin.destroyed) return Promise.resolve(false);
  return new Promise((resolve) => stdin.write(chunk, (error) => resolve(!error)));
}

/** Without git: the whole pack is held in memory while it is indexed, and must be complete in itself. */
async function indexHere(
  { fsync, signal }: PackIntake,
  chunks: AsyncIterable<Uint8Array>,
  quarantine: string,
): Promise<number> {
  const path = `${quarantine}/pack/new.pack`;
  const file = await open(path, 'wx', 0o444);
  let bytes = 0;
  const tail: Uint8Array[] = [];
  try {
    for await (const chunk of chunks) {
      if (signal.aborted) throw new Failure('aborted', 'The fetch was called off.', { cause: signal.reason });
      bytes += chunk.length;
      tail.push(chunk.slice(-20));
      if (tail.length > 20) tail.shift();
      await file.writeFile(chunk);
    }
    if (fsync) await file.sync();
  } finally {
    await file.close();
  }
  await indexPack({ fs, dir: `${quarantine}/pack`, gitdir: quarantine, filepath: 'new.pack' }).catch(
    (cause: unknown) => {
      throw new Failure('object-corrupt', 'The pack that the remote sent is damaged.', { cause });
    },
  );
  if (fsync) await flush(`${quarantine}/pack/new.idx`);
  const name = `pack-${Buffer.concat(tail).subarray(-20).toString('hex')}`;
  await rename(path, `${quarantine}/pack/${name}.pack`);
  await rename(`${quarantine}/pack/new.idx`, `${quarantine}/pack/${name}.idx`);
  return bytes;
}

/** The index last: a pack exists for others from then on. One that is there already has the same content. */
async function moveIn({ fsync }: PackIntake, from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  const names = (await readdir(from)).filter((name) => PACK.test(name));
  for (const ending of ['.pack', '.rev', '.idx']) {
    for (const name of names.filter((each) => each.endsWith(ending))) {
      if (await exists(`${to}/${name}`)) continue;
      await rename(`${from}/${name}`, `${to}/${name}`);
    }
  }
  if (fsync) await flush(to);
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (isAbsent(error)) return false;
    throw error;
  }
}

async function flush(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

function envOf({ env }: Pick<PackIntake, 'env'>, more: Record<string, string>): { env: NodeJS.ProcessEnv } {
  return { env: { ...env, GIT_TERMINAL_PROMPT: '0', ...more } };
}
