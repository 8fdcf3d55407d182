// The runtime file: where a running service answers and the token of this run, for commands of the same user.
// It stands beside the database while the service runs. A killed service leaves it behind; pid and start time tell.

import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { processStart } from '../../host/process-start.ts';
import { unlessAbsent } from '../../host/unless-absent.ts';

const RuntimeSchema = z.object({
  pid: z.int().positive(),
  start: z.string(),
  url: z.url(),
  token: z.string(),
  version: z.string(),
  startedAt: z.string(),
});
export type Runtime = z.infer<typeof RuntimeSchema>;

export type FoundRuntime = { kind: 'running'; runtime: Runtime } | { kind: 'stale' } | { kind: 'none' };

const TOKEN_BYTES = 32;

export const newRunToken = (): string => randomBytes(TOKEN_BYTES).toString('base64url');

export const runtimeFileOf = (databasePath: string): string => `${databasePath}.runtime.json`;

/** Readable by this user alone from its first moment on; appears whole. Answers how to take it away. */
export async function writeRuntimeFile(path: string, runtime: Runtime): Promise<() => Promise<void>> {
  const aside = `${path}.${runtime.pid}`;
  const text = `${JSON.stringify(runtime, null, 2)}\n`;
  await mkdir(dirname(path), { recursive: true });
  await rm(aside, { force: true });
  await writeFile(aside, text, { mode: 0o600, flag: 'wx' });
  await rename(aside, path);
  return async () => {
    // A later service may have put its own there.
    if ((await textOf(path)) === text) await rm(path, { force: true });
  };
}

/** Who is named by a file of a process that is gone, or that has another's number, is not running. */
export async function readRuntimeFile(path: string): Promise<FoundRuntime> {
  const text = await textOf(path);
  if (text === null) return { kind: 'none' };
  const runtime = parse(text);
  if (runtime === null) return { kind: 'stale' };
  const start = await processStart(runtime.pid);
  return start !== null && start === runtime.start ? { kind: 'running', runtime } : { kind: 'stale' };
}

function parse(text: string): Runtime | null {
  try {
    const checked = RuntimeSchema.safeParse(JSON.parse(text));
    return checked.success ? checked.data : null;
  } catch {
    return null; // cut off by a power failure: its service is gone
  }
}

function textOf(path: string): Promise<string | null> {
  return unlessAbsent(readFile(path, 'utf8'));
}
