// Makes a repository of a folder, as `git init` does: aside first, then put in its place whole.

import fs from 'node:fs';
import { lstat, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { init } from 'isomorphic-git';
import { Failure } from '../../model/failure.ts';
import { type Environment, readGitConfig } from '../config/user-config.ts';
import { isAbsent, writeFailure } from '../io-failure.ts';
import type { Repository } from '../types.ts';

const FALLBACK_BRANCH = 'main';
const BRANCH = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,100}$/;

/** Its first branch is the one that the person's git would choose, else `main`. @throws Failure `write-refused`, `disk-full`, `folder-missing` */
export async function initRepository(
  folder: string,
  machine: { env: Environment; homeDir: string },
): Promise<void> {
  await refuseMissing(folder);
  const aside = join(folder, '.git.gitferry-new');
  try {
    await rm(aside, { recursive: true, force: true });
    await createGitDir(folder, aside, machine);
    await rename(aside, join(folder, '.git'));
  } catch (error) {
    await rm(aside, { recursive: true, force: true });
    if (error instanceof Failure) throw error;
    throw writeFailure(error, join(folder, '.git'));
  }
}

/** An empty repository for the work tree `folder`, anywhere. */
export async function createGitDir(
  folder: string,
  gitDir: string,
  { env, homeDir }: { env: Environment; homeDir: string },
): Promise<Repository> {
  const repo = { worktree: folder, gitDir, commonDir: gitDir };
  const config = await readGitConfig({ repo, env, homeDir });
  const wished = config.get('init.defaultBranch') ?? FALLBACK_BRANCH;
  const defaultBranch = BRANCH.test(wished) ? wished : FALLBACK_BRANCH;
  await init({ fs, dir: folder, gitdir: gitDir, defaultBranch });
  return repo;
}

async function refuseMissing(folder: string): Promise<void> {
  try {
    if ((await lstat(folder)).isDirectory()) return;
  } catch (error) {
    if (!isAbsent(error)) throw error;
  }
  throw new Failure('folder-missing', `There is no folder ${folder}.`);
}
