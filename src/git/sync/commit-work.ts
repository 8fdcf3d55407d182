// The first half of a sync: find what changed, let the guard hold files back, commit the rest.

import { constants } from 'node:fs';
import { lstat, readFile, readlink } from 'node:fs/promises';
import { matchesBranch } from '../../model/branch-match.ts';
import { Failure, type Reason, reasonOf } from '../../model/failure.ts';
import { findChanges } from '../changes/changes.ts';
import { openIgnoreRules } from '../changes/ignore.ts';
import { commitChanges } from '../commit/commit.ts';
import { commitMessage } from '../commit/commit-message.ts';
import { readIndex } from '../index/index-file.ts';
import { readFailure } from '../io-failure.ts';
import { objectId } from '../objects/object-format.ts';
import { diskPath, displayPath, type RepoPath, toRepoPath } from '../paths.ts';
import { FILE_MODE, type FileChange, type Identity } from '../types.ts';
import type { GuardVerdict, SyncPorts } from './sync-ports.ts';
import type { SyncWork } from './sync-work.ts';

/** Fills in `work.facts`, `work.stats` and `work.standing`. @throws Failure */
export async function commitWork(work: SyncWork, ports: SyncPorts): Promise<void> {
  const { changes, unreadable } = await changesOf(work, ports);
  work.facts.pendingFiles = changes.length + unreadable.length;
  const problem = unreadable[0];
  if (problem)
    work.standing = reasonOf('file-unreadable', `${problem.path} cannot be read: ${problem.detail}`);
  if (work.github.mode === 'push') return;

  const verdict = await judge(work, changes, ports);
  work.facts.heldFiles = verdict.held;
  const held = new Set(verdict.held.map((file) => file.path));
  const wanted = changes.filter((change) => !held.has(displayPath(change.path)));
  work.facts.pendingFiles = wanted.length + unreadable.length;
  if (wanted.length === 0) return;
  const refusal = refuse(work, verdict);
  if (refusal) {
    work.standing = refusal;
    return;
  }
  await commit(work, wanted, ports);
  work.facts.pendingFiles = unreadable.length;
}

async function changesOf(work: SyncWork, ports: SyncPorts) {
  const { probe, objects, signal } = work;
  const { repo, config } = probe;
  const ignore = await openIgnoreRules({ repo, config, homeDir: ports.homeDir, env: ports.env });
  const { head, fileMode } = probe;
  return findChanges({ repo, objects, config, ignore, head, scope: scopeOf(work), fileMode, signal });
}

/**
 * Hints are enough when the last sync left nothing behind; files held then are looked at again, because the
 * person may have released them. A project that was blocked or never commits is compared as a whole.
 */
function scopeOf(work: SyncWork): ReadonlySet<RepoPath> | 'all' {
  const { facts, github, dirty } = work;
  const settled = facts.lastSafeAt !== null && facts.pendingFiles === 0 && github.mode === 'commit';
  if (dirty === 'all' || !settled) return 'all';
  return new Set([...dirty, ...facts.heldFiles.map((file) => toRepoPath(file.path))]);
}

async function judge(
  work: SyncWork,
  changes: readonly FileChange[],
  ports: SyncPorts,
): Promise<GuardVerdict> {
  if (changes.length === 0) return { held: [], massDeletion: null };
  const { repo } = work.probe;
  const index = await readIndex(repo);
  return ports.guard({
    files: changes.map(guarded),
    trackedFiles: index.count,
    settings: work.github.guard,
    read: (path, oid) => readExactly(repo.worktree, toRepoPath(path), oid),
    signal: work.signal,
  });
}

function guarded(change: FileChange) {
  const path = displayPath(change.path);
  if (change.kind === 'deleted') return { path, kind: change.kind, sizeBytes: 0, oid: '', isSymlink: false };
  const { kind, sizeBytes, oid, mode } = change;
  return { path, kind, sizeBytes, oid, isSymlink: mode === FILE_MODE.symlink };
}

/** What the guard sees must be what is committed: another content is a change in between. */
async function readExactly(worktree: string, path: RepoPath, oid: string): Promise<Uint8Array> {
  const name = displayPath(path);
  const content = await readPlace(diskPath(worktree, path)).catch((error: unknown) => {
    throw readFailure(error, name);
  });
  if (objectId('blob', content) === oid) return content;
  throw new Failure('file-changing', `${name} changed while it was looked at.`);
}

/** A link's target as text, never what lies behind it; a pipe's writer is not waited for. */
async function readPlace(place: string | Buffer): Promise<Uint8Array> {
  if ((await lstat(place)).isSymbolicLink()) return readlink(place, { encoding: 'buffer' });
  const flag = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
  return readFile(place, { flag });
}

function refuse(work: SyncWork, verdict: GuardVerdict): Reason | null {
  const { github, probe } = work;
  const { branch } = probe.head;
  if (!matchesBranch(github.syncBranches, branch)) {
    const patterns = github.syncBranches.join(', ');
    return reasonOf('branch-not-synced', `The branch ${branch} matches none of ${patterns}.`);
  }
  if (verdict.massDeletion) {
    const { deleted, tracked } = verdict.massDeletion;
    return reasonOf('mass-deletion', `${deleted} of ${tracked} files were deleted at once.`);
  }
  if (typeof github.commit?.message === 'object') {
    return reasonOf(
      'mode-unsupported',
      'github.commit.message.command is not offered by this version.',
      'Use a text.',
    );
  }
  if (authorOf(work) === null) {
    return reasonOf('identity-missing', `Git does not know who commits in ${probe.repo.worktree}.`);
  }
  return null;
}

function authorOf(work: SyncWork): Identity | null {
  return work.github.commit?.author ?? work.probe.identity;
}

async function commit(work: SyncWork, changes: readonly FileChange[], ports: SyncPorts): Promise<void> {
  const { probe, objects, signal } = work;
  const author = authorOf(work);
  if (author === null) throw new Failure('identity-missing', 'No identity to commit with.');
  const now = ports.clock.now();
  const made = await commitChanges({
    repo: probe.repo,
    objects,
    changes,
    message: commitMessage({
      changes,
      machineId: work.machineId,
      branch: probe.head.branch,
      now,
      config: work.github.commit,
    }),
    author,
    committer: probe.identity ?? author,
    at: { epochMs: now, offsetMinutes: -new Date(now).getTimezoneOffset() },
    clock: ports.clock,
    random: ports.random,
    fsync: ports.fsync() && probe.fsync,
    signal,
    ...(ports.faultPoint && { faultPoint: ports.faultPoint }),
  });
  if (made === null) return;
  work.stats.commit = made.oid;
  work.stats.filesChanged = made.files;
}
