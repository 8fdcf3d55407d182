// Makes lock files that can be told from everybody else's, also after a kill: each is a hard link of a twin in the git
// folder, so a lock with a twin is ours and nobody else's. Knows nothing of what is locked.

import { type FileHandle, link, mkdir, open, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Random } from '../../host/clock.ts';
import { errorCode } from '../io-failure.ts';
import type { Repository } from '../types.ts';

export function twinsFolder({ gitDir }: Pick<Repository, 'gitDir'>): string {
  return join(gitDir, 'gitferry-locks');
}

/** Makes the twin of a lock file; `label` begins its name. Answers null, with nothing left, when the lock is held. */
export async function createLock(
  path: string,
  { folder, label, random }: { folder: string; label: string; random: Random },
): Promise<{ handle: FileHandle; twin: string } | null> {
  const { handle, twin } = await createTwin(join(folder, `${label}.${Math.floor(random() * 2 ** 32)}`));
  try {
    await link(twin, path);
    return { handle, twin };
  } catch (error) {
    await handle.close();
    await rm(twin, { force: true });
    if (errorCode(error) === 'EEXIST') return null;
    throw error;
  }
}

/** A name that a killed process used is taken; the next one is not. */
async function createTwin(name: string): Promise<{ handle: FileHandle; twin: string }> {
  for (let n = 0; ; n++) {
    const twin = `${name}.${n}`;
    try {
      return { handle: await open(twin, 'wx', 0o666), twin };
    } catch (error) {
      if (errorCode(error) === 'ENOENT') await mkdir(dirname(twin), { recursive: true });
      else if (errorCode(error) !== 'EEXIST') throw error;
    }
  }
}
