// Notes beside the repository lock which git program is at work for us, because the end of the service does not end
// it: whoever takes the lock next ends what is still running. Knows nothing of what the program does.

import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { endGroup, type KnownProcess } from '../../host/child-group.ts';
import type { Clock } from '../../host/clock.ts';
import { processStart } from '../../host/process-start.ts';
import { lstat, readFile } from '../../host/small-files.ts';
import { isAbsent, writeFailure } from '../io-failure.ts';
import type { Repository } from '../types.ts';

const recordOf = (repo: Repository) => join(repo.gitDir, 'gitferry.child');

/** Call when the child has started; `forgetChild` when it has ended. @throws Failure `disk-full`, `write-refused` */
export async function noteChild(repo: Repository, pid: number): Promise<void> {
  const start = await processStart(pid);
  if (start === null) return; // it has ended already
  const path = recordOf(repo);
  try {
    await writeFile(`${path}.new`, JSON.stringify({ pid, start } satisfies KnownProcess));
    await rename(`${path}.new`, path);
  } catch (error) {
    throw writeFailure(error, path);
  }
}

export async function forgetChild(repo: Repository): Promise<void> {
  await rm(recordOf(repo), { force: true });
}

/** Whether a sync was killed while a program was at work for it: cheap, for every sync asks. */
export async function hasLeftChild(repo: Repository): Promise<boolean> {
  try {
    await lstat(recordOf(repo));
    return true;
  } catch (error) {
    if (isAbsent(error)) return false;
    throw error;
  }
}

/** For the holder of the repository lock. Answers whether something was still running, and ends it first. */
export async function endLeftChild(repo: Repository, clock: Clock): Promise<boolean> {
  const path = recordOf(repo);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (isAbsent(error)) return false;
    throw error;
  }
  const child = parse(text);
  const wasRunning =
    child !== null && (await endGroup(child, { clock, folders: [repo.worktree, repo.gitDir] }));
  await rm(path, { force: true });
  return wasRunning;
}

function parse(text: string): KnownProcess | null {
  try {
    const { pid, start } = JSON.parse(text) as Partial<KnownProcess>;
    return typeof pid === 'number' && pid > 1 && typeof start === 'string' ? { pid, start } : null;
  } catch {
    return null; // cut off by a power failure, which ended the child too
  }
}
