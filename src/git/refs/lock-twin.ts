// Makes the files that become locks. Each lives under a name of its own in the git folder, its twin: so a lock with a
// twin is ours and nobody else's, also after a kill. Knows nothing of what is locked.

import { join } from 'node:path';
import type { Random } from '../../host/clock.ts';
import { type OpenFile, openFile } from '../../host/open-file.ts';
import { mkdir } from '../../host/small-files.ts';
import { errorCode, writeFailure } from '../io-failure.ts';
import type { Repository } from '../types.ts';

export function twinsFolder({ gitDir }: Pick<Repository, 'gitDir'>): string {
  return join(gitDir, 'gitferry-locks');
}

/**
 * Makes an empty twin, open for writing; `label` begins its name. `createdNs` is by the file system's clock.
 * @throws Failure `disk-full`, `write-refused`
 */
export async function createTwin(
  { folder, label }: { folder: string; label: string },
  random: Random,
): Promise<{ handle: OpenFile; twin: string; createdNs: bigint }> {
  const stem = join(folder, `${label}.${Math.floor(random() * 2 ** 32)}`);
  for (let n = 0; ; n++) {
    const twin = `${stem}.${n}`;
    try {
      const handle = await openFile(twin, 'wx', 0o666);
      return { handle, twin, createdNs: await beginOf(handle) };
    } catch (error) {
      if (errorCode(error) === 'ENOENT') await mkdir(folder, { recursive: true });
      // A killed process used this name; the next one is free.
      else if (errorCode(error) !== 'EEXIST') throw writeFailure(error, twin);
    }
  }
}

async function beginOf(handle: OpenFile): Promise<bigint> {
  try {
    return (await handle.stat()).mtimeNs;
  } catch (error) {
    await handle.close();
    throw error;
  }
}
