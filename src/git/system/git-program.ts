// Whether a git that is new enough can be run, asked once for each PATH.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Environment } from '../config/user-config.ts';
import { errorCode } from '../io-failure.ts';

const run = promisify(execFile);

/** `git hook run` came with it. */
const OLDEST = [2, 36] as const;
const found = new Map<string, string>();

/** Null when it can be used, else why not, in words. What is missing is looked for anew each time. */
export async function whyNoGit(env: Environment): Promise<string | null> {
  const key = env.PATH ?? '';
  const version = found.get(key) ?? (await askVersion(env));
  if (version === null) return 'git is not installed';
  found.set(key, version);
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isOld = major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1]);
  return isOld ? `git ${version} is older than ${OLDEST.join('.')}` : null;
}

async function askVersion(env: Environment): Promise<string | null> {
  try {
    const { stdout } = await run('git', ['--version'], { env: { ...env } as NodeJS.ProcessEnv });
    return /\d+\.\d+[\d.]*/.exec(stdout)?.[0] ?? null;
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'EACCES') return null;
    throw error;
  }
}
