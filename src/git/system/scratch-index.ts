// Indexes beside the real one, in which git prepares what becomes a commit: any version, split or sparse, because only
// git itself reads and writes them. Nothing here touches the person's index.

import { copyFile, mkdir, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../../model/failure.ts';
import { isAbsent, writeFailure } from '../io-failure.ts';
import type { RepoPath } from '../paths.ts';
import { FILE_MODE, type FileChange, type Repository } from '../types.ts';
import type { GitAnswer, RunGit } from './run-git.ts';

/** For scratch indexes: complete in one file, and nobody else's services. */
export const PLAIN = ['-c', 'core.splitIndex=false', '-c', 'core.fsmonitor=false'];
const ABSENT_OID = '0'.repeat(40);
/** More are looked at again by the next `git status`, which costs less than naming each. */
const MOST_REFRESHED = 500;
/** A file that was written just now might be written once more within the same tick of the disk's clock. */
const SETTLED_NS = 2_000_000_000n;

export type ScratchIndex = {
  readonly path: string;
  /** Of the real index when it was copied; null when there was none. */
  readonly copied: { readonly mtimeNs: bigint; readonly size: bigint; readonly ino: bigint } | null;
  /** Runs git on this index. @throws Failure `git-failed` */
  run(args: readonly string[], input?: string | Uint8Array): Promise<GitAnswer>;
};

const scratchFolder = ({ gitDir }: Repository) => join(gitDir, 'gitferry.scratch');

/** What a killed sync left. The repository is locked. */
export function clearScratch(repo: Repository): Promise<void> {
  return rm(scratchFolder(repo), { recursive: true, force: true });
}

/** Takes the place of what an earlier sync may have left. */
export async function openScratch(repo: Repository): Promise<{ folder: string; close(): Promise<void> }> {
  const folder = scratchFolder(repo);
  const close = () => clearScratch(repo);
  try {
    await close();
    await mkdir(folder);
  } catch (error) {
    throw writeFailure(error, folder);
  }
  return { folder, close };
}

/** `keepForm`: it is to take the real one's place, and stays split when that is. */
export async function copyIndex(
  repo: Repository,
  path: string,
  git: RunGit,
  { keepForm }: { keepForm: boolean },
): Promise<ScratchIndex> {
  const copied = await copyWithTime(`${repo.gitDir}/index`, path);
  return {
    path,
    copied,
    async run(args, input) {
      const all = [...(keepForm ? [] : PLAIN), ...args];
      const call = { env: { GIT_INDEX_FILE: path }, changes: true, ...(input !== undefined && { input }) };
      const answer = await git(all, call);
      if (answer.code === 0) return answer;
      throw new Failure('git-failed', `git ${args[0]} failed in ${repo.worktree}: ${answer.err.trim()}`);
    },
  };
}

export async function readIndexStat(repo: Repository): Promise<ScratchIndex['copied']> {
  try {
    const { mtimeNs, size, ino } = await stat(`${repo.gitDir}/index`, { bigint: true });
    return { mtimeNs, size, ino };
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  }
}

/** The time tells git which entries may have changed since: an earlier one is always safe, a later one never. */
async function copyWithTime(from: string, to: string): Promise<ScratchIndex['copied']> {
  try {
    const { mtimeNs, size, ino } = await stat(from, { bigint: true });
    await copyFile(from, to);
    const seconds = Number(mtimeNs / 1_000_000n) / 1000 - 0.001;
    await utimes(to, seconds, seconds);
    return { mtimeNs, size, ino };
  } catch (error) {
    if (isAbsent(error)) return null;
    throw writeFailure(error, to);
  }
}

/** Puts exactly these blobs at their paths, deletions first so that a folder may take a file's place. */
export async function putChanges(index: ScratchIndex, changes: readonly FileChange[]): Promise<void> {
  const gone = changes.filter((change) => change.kind === 'deleted');
  const there = changes.filter((change) => change.kind !== 'deleted');
  const lines = [
    ...gone.map(({ path }) => `0 ${ABSENT_OID}\t${path}\0`),
    ...there.map(({ mode, oid, path }) => `${mode.toString(8)} ${oid}\t${path}\0`),
  ];
  await index.run(['update-index', '-z', '--index-info'], Buffer.from(lines.join(''), 'latin1'));
}

/** Lets git note size and times of files, so that the next `git status` need not read them. */
export async function refreshChanges(
  index: ScratchIndex,
  changes: readonly FileChange[],
  nowMs: number,
): Promise<void> {
  const settled = BigInt(Math.floor(nowMs)) * 1_000_000n - SETTLED_NS;
  const paths: RepoPath[] = changes.flatMap((change) =>
    isFile(change) && change.stat.mtimeNs < settled ? [change.path] : [],
  );
  if (paths.length === 0 || paths.length > MOST_REFRESHED) return;
  const input = Buffer.from(paths.map((path) => `${path}\0`).join(''), 'latin1');
  const from = ['--pathspec-from-file=-', '--pathspec-file-nul'];
  await index.run(['--literal-pathspecs', 'add', '--refresh', '--sparse', ...from], input);
}

function isFile(change: FileChange): change is Exclude<FileChange, { kind: 'deleted' }> {
  return change.kind !== 'deleted' && change.mode !== FILE_MODE.submodule;
}
