// How the work tree differs from HEAD whatever is staged or under way, by the system's git: a scratch index is set to
// HEAD, so that neither conflicts nor what a person has staged matter. Their own index is only read.

import type { FoundChanges } from '../changes/changes.ts';
import { type RepoPath, repoPathOf } from '../paths.ts';
import type { ProbedRepository } from '../probe/probe.ts';
import { FILE_MODE, type Head } from '../types.ts';
import type { RunGit } from './run-git.ts';
import { copyIndex, openScratch, PLAIN, type ScratchIndex } from './scratch-index.ts';
import { splitAtNul } from './status-lines.ts';
import { findSystemChanges, statOf } from './system-changes.ts';

const EMPTY_TREE = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';
const NO_FILE = '000000';
const SUBMODULE = FILE_MODE.submodule.toString(8);

type LookedAt = Pick<ProbedRepository, 'repo' | 'config' | 'fileMode'> & { head: Head };

/**
 * As `findSnapshotChanges`: a file that a person took out of the index and kept counts, unless it is ignored; one that
 * they put in counts, although it is. The caller holds the repository lock.
 * @throws Failure as `findSystemChanges`, `disk-full`, `write-refused`
 */
export async function findBesideIndex(looked: LookedAt, git: RunGit): Promise<FoundChanges> {
  const { repo, head } = looked;
  const scratch = await openScratch(repo);
  try {
    const index = await copyIndex(repo, `${scratch.folder}/look`, git, { keepForm: false });
    const staged = await readStaged(index, head.oid ?? EMPTY_TREE);
    const hidden = await ignoredOf(staged.takenOut, index.path, git);
    await index.run(head.oid === null ? ['read-tree', '--empty'] : ['read-tree', '--reset', head.oid]);
    const added = await onDisk(repo.worktree, staged.putIn);
    if (added.length > 0) {
      await index.run(['update-index', '-z', '--index-info'], Buffer.from(added.join(''), 'latin1'));
    }
    const onIndex: RunGit = (args, call = {}) =>
      git([...PLAIN, ...args], { ...call, env: { ...call.env, GIT_INDEX_FILE: index.path } });
    const { changes, unreadable } = await findSystemChanges(looked, onIndex);
    const isKept = ({ kind, path }: { kind: string; path: RepoPath }) =>
      kind === 'deleted' || !hidden.has(path);
    return { changes: changes.filter(isKept), unreadable };
  } finally {
    await scratch.close();
  }
}

/** What the index has beyond HEAD, conflicts included, by path; and the files it lacks. */
type Staged = { putIn: Map<RepoPath, { mode: string; oid: string }>; takenOut: RepoPath[] };

async function readStaged(index: ScratchIndex, head: string): Promise<Staged> {
  const staged: Staged = { putIn: new Map(), takenOut: [] };
  const raw = ['--cached', '--raw', '-z', '--no-renames', '--no-abbrev', '--ignore-submodules=all'];
  const fields = [...splitAtNul((await index.run(['diff-index', ...raw, head])).out)];
  const unmerged = new Set<RepoPath>();
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [before = '', after = '', , oid = '', status = ''] = textOf(fields[at]).slice(1).split(' ');
    const path = repoPathOf(fields[at + 1] as Buffer);
    if (before === SUBMODULE || after === SUBMODULE) continue;
    if (status === 'A') staged.putIn.set(path, { mode: after, oid });
    if (status === 'D') staged.takenOut.push(path);
    if (status === 'U' && before === NO_FILE) unmerged.add(path);
  }
  if (unmerged.size === 0) return staged;
  for (const line of splitAtNul((await index.run(['ls-files', '--unmerged', '-z'])).out)) {
    const tab = line.indexOf(0x09);
    const [mode = '', oid = ''] = textOf(line.subarray(0, tab)).split(' ');
    const path = repoPathOf(line.subarray(tab + 1));
    if (unmerged.has(path) && mode !== SUBMODULE) staged.putIn.set(path, { mode, oid });
  }
  return staged;
}

async function ignoredOf(paths: readonly RepoPath[], index: string, git: RunGit): Promise<Set<RepoPath>> {
  if (paths.length === 0) return new Set();
  const input = Buffer.from(paths.map((path) => `${path}\0`).join(''), 'latin1');
  const call = { input, env: { GIT_INDEX_FILE: index } };
  const { out } = await git([...PLAIN, 'check-ignore', '-z', '--stdin'], call);
  return new Set([...splitAtNul(out)].map(repoPathOf));
}

/** Lines for the index. What is not there as a file has nothing to be kept. */
async function onDisk(worktree: string, putIn: Staged['putIn']): Promise<string[]> {
  const lines: string[] = [];
  for (const [path, { mode, oid }] of putIn) {
    const stats = await statOf(worktree, path);
    if (stats?.isFile() || stats?.isSymbolicLink()) lines.push(`${mode} ${oid}\t${path}\0`);
  }
  return lines;
}

const textOf = (bytes: Buffer | undefined) => bytes?.toString('latin1') ?? '';
