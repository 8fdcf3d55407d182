// Keeps the object store tidy: each commit leaves about six small files, and thousands of them make git slow.
// Git itself does it where it is installed, by the person's own rules; else loose objects are moved into a pack.

import { readdir } from '../../host/small-files.ts';
import { Failure } from '../../model/failure.ts';
import type { GitConfig } from '../config/user-config.ts';
import { isAbsent } from '../io-failure.ts';
import type { RunGit } from '../system/run-git.ts';
import type { Repository } from '../types.ts';
import { consolidateObjects } from './consolidate.ts';

const DEFAULT_MOST_LOOSE = 6_700;
const DEFAULT_MOST_PACKS = 50;
/** That loose objects are spread over. */
const FOLDERS = 256;
const LONGEST_MS = 5 * 60_000;
const UNITS: Readonly<Record<string, number>> = { k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

type TidyInput = {
  repo: Repository;
  config: GitConfig;
  git: RunGit;
  /** Flush a new pack to the disk before files are taken away. */
  fsync: boolean;
  signal: AbortSignal;
  /** Git is ended when it takes longer, and goes on another time; default five minutes. */
  timeoutMs?: number;
};

/** `failed`: git would not, for the reason in `detail`. */
export type TidyOutcome =
  | { readonly kind: 'nothing-to-do' | 'git' | 'took-too-long' }
  | { readonly kind: 'consolidated'; readonly objects: number }
  | { readonly kind: 'failed'; readonly detail: string };

/**
 * Tidies up when there are more loose objects than `gc.auto` says (default 6700; 0 is never) or more packs than
 * `gc.autoPackLimit`. Costs two listings of folders when there are not. The caller holds the repository lock.
 * @throws Failure `aborted`, `disk-full`, `write-refused`, `object-corrupt`
 */
export async function tidyObjects(input: TidyInput): Promise<TidyOutcome> {
  const { repo, config, git, fsync, signal, timeoutMs = LONGEST_MS } = input;
  const objectsDir = `${repo.commonDir}/objects`;
  const mostLoose = numberOf(config, 'gc.auto', DEFAULT_MOST_LOOSE);
  if (mostLoose <= 0) return { kind: 'nothing-to-do' };
  const tooManyLoose = (await countSample(objectsDir)) > Math.ceil(mostLoose / FOLDERS);
  const mostPacks = numberOf(config, 'gc.autoPackLimit', DEFAULT_MOST_PACKS);
  const tooManyPacks = mostPacks > 0 && (await countPacks(objectsDir)) > mostPacks;
  if (!tooManyLoose && !tooManyPacks) return { kind: 'nothing-to-do' };
  try {
    // Not in the background: what runs on behind our back would be in the next sync's way.
    const args = ['-c', 'gc.autoDetach=false', 'gc', '--auto', '--quiet'];
    const { code, err } = await git(args, { changes: true, timeoutMs });
    return code === 0 ? { kind: 'git' } : { kind: 'failed', detail: err.replace(/\s+/g, ' ').trim() };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    if (error.code === 'job-timeout') return { kind: 'took-too-long' };
    if (error.code !== 'git-missing') throw error;
  }
  if (!tooManyLoose) return { kind: 'nothing-to-do' };
  return { kind: 'consolidated', objects: await consolidateObjects({ objectsDir, fsync }, signal) };
}

/** As git does, and in git's own folder: ids are evenly spread, so one of them tells. */
async function countSample(objectsDir: string): Promise<number> {
  const names = await namesIn(`${objectsDir}/17`);
  return names.filter((name) => /^[0-9a-f]{38}$/.test(name)).length;
}

/** Packs with a `.keep` beside them are not git's to touch. */
async function countPacks(objectsDir: string): Promise<number> {
  const names = new Set(await namesIn(`${objectsDir}/pack`));
  const packs = [...names].filter((name) => name.endsWith('.pack'));
  return packs.filter((name) => !names.has(name.replace(/pack$/, 'keep'))).length;
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}

/** @throws Failure `git-config-invalid` */
function numberOf(config: GitConfig, key: string, otherwise: number): number {
  const text = config.get(key);
  if (text === undefined) return otherwise;
  const match = /^([+-]?\d+)([kmg]?)$/i.exec(text.trim());
  if (match) return Number(match[1]) * (UNITS[match[2]?.toLowerCase() ?? ''] ?? 1);
  throw new Failure('git-config-invalid', `${key} is "${text}" in the git configuration, not a number.`);
}
