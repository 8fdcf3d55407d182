// A branch that another work tree of the repository has checked out must not move under it.

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../../model/failure.ts';
import { isAbsent } from '../io-failure.ts';
import type { Repository } from '../types.ts';

/** @throws Failure `branch-in-use` */
export async function refuseBranchInUse({ commonDir }: Repository, ref: string): Promise<void> {
  const names = await readdir(join(commonDir, 'worktrees')).catch(unlessAbsent<string[]>([]));
  const folders = [commonDir, ...names.map((name) => join(commonDir, 'worktrees', name))];
  for (const folder of folders) {
    const text = await readFile(join(folder, 'HEAD'), 'utf8').catch(unlessAbsent(''));
    if (text.trim() !== `ref: ${ref}`) continue;
    throw new Failure('branch-in-use', `${ref} is checked out in another work tree (${folder}).`);
  }
}

function unlessAbsent<T>(value: T): (error: unknown) => T {
  return (error) => {
    if (isAbsent(error)) return value;
    throw error;
  };
}
