// The pack of a first or very large upload: made by git where it is installed, because deltas then save most of the
// bytes, else by walking the whole history ourselves. Reads the repository only.

import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { redact } from '../../host/log.ts';
import { Failure } from '../../model/failure.ts';
import { errorCode } from '../io-failure.ts';
import type { ObjectStore, Repository } from '../types.ts';
import { newObjects } from './history.ts';
import { writePack } from './pack-write.ts';

type BulkPackInput = {
  objects: ObjectStore;
  repo: Repository;
  tip: string;
  /** Commits that the remote has; all must be here. */
  bases: readonly string[];
  /** The remote takes deltas by offset, which are smaller. */
  offsetDeltas: boolean;
  signal: AbortSignal;
  /** The environment for git; left out: that of this process. */
  env?: Readonly<Record<string, string | undefined>>;
  /** The git program; default `git`. */
  gitProgram?: string;
};

type PackObjects = ChildProcessByStdio<Writable, Readable, Readable>;

/** Streams the pack. @throws Failure `object-missing`, `aborted` */
export async function* bulkPack(input: BulkPackInput): AsyncGenerator<Uint8Array> {
  const child = await startPackObjects(input);
  if (child) {
    yield* readPackObjects(child, input);
    return;
  }
  const { objects, tip, bases } = input;
  const found = await newObjects(objects, tip, bases, Number.POSITIVE_INFINITY);
  if (found === 'too-many') throw new Error('a walk without a limit ended at its limit');
  yield* writePack(objects, found.oids);
}

/** Null when git is not installed. */
async function startPackObjects(input: BulkPackInput): Promise<PackObjects | null> {
  const args = ['--no-optional-locks', '--git-dir', input.repo.gitDir, 'pack-objects'];
  const options = ['--revs', '--stdout', '-q', ...(input.offsetDeltas ? ['--delta-base-offset'] : [])];
  const child = spawn(input.gitProgram ?? 'git', [...args, ...options], {
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(input.env ? { env: { ...input.env, GIT_TERMINAL_PROMPT: '0', GIT_OPTIONAL_LOCKS: '0' } } : {}),
  });
  return new Promise((resolve, reject) => {
    child.once('spawn', () => resolve(child));
    child.once('error', (error) => {
      if (errorCode(error) === 'ENOENT') resolve(null);
      else reject(error);
    });
  });
}

async function* readPackObjects(child: PackObjects, input: BulkPackInput): AsyncGenerator<Uint8Array> {
  const end = () => void child.kill();
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => {
    if (errors.length < 4_096) errors += chunk.toString('utf8');
  });
  // git may end before it has read everything; its exit code tells.
  child.stdin.on('error', () => child.stdin.destroy());
  child.stdin.end([input.tip, ...input.bases.map((oid) => `^${oid}`), ''].join('\n'));
  input.signal.addEventListener('abort', end, { once: true });
  if (input.signal.aborted) end();
  try {
    for await (const chunk of child.stdout) yield chunk as Buffer;
    const code = await closed;
    if (input.signal.aborted) throw new Failure('aborted', 'Making the pack was given up.');
    if (code !== 0) {
      const text = redact(errors).replace(/\s+/g, ' ').trim();
      throw new Failure(
        'object-missing',
        `git could not pack ${input.tip}: ${text || `it ended with ${code}`}`,
      );
    }
  } finally {
    input.signal.removeEventListener('abort', end);
    if (child.exitCode === null) end();
    await closed;
  }
}
