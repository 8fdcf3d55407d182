// The first half of a sync: find what changed, let the guard hold files back, commit the rest.

import { matchesBranch } from '../../model/branch-match.ts';
import { Failure, type Reason, reasonOf } from '../../model/failure.ts';
import { phaseBegun } from '../../model/progress.ts';
import { timingsOf } from '../../model/project-config.ts';
import type { FoundChanges } from '../changes/changes.ts';
import { composeMessage, refuseMessage } from '../commit/compose-message.ts';
import { displayPath, type RepoPath, toRepoPath } from '../paths.ts';
import { FILE_MODE, type FileChange, type Identity } from '../types.ts';
import { deletionReason, refuseDeletions } from './refuse-deletions.ts';
import type { GuardVerdict, SyncPorts } from './sync-ports.ts';
import type { SyncWork } from './sync-work.ts';

/** A hook that formats files needs a second look; one that never agrees with its own work is the person's matter. */
const MOST_LOOKS = 3;

/** Called with what is about to be committed. */
type OnCommit = (changes: readonly FileChange[]) => void;

/** Fills in `work.facts`, `work.stats` and `work.standing`. @throws Failure */
export async function commitWork(work: SyncWork, ports: SyncPorts, onCommit: OnCommit): Promise<void> {
  for (let look = 1; ; look += 1) {
    try {
      return await commitOnce(work, ports, onCommit);
    } catch (error) {
      const wasEdited = error instanceof Failure && error.code === 'commit-hook-edited';
      if (!wasEdited || look === MOST_LOOKS) throw error;
    }
  }
}

async function commitOnce(work: SyncWork, ports: SyncPorts, onCommit: OnCommit): Promise<void> {
  work.onProgress?.(phaseBegun('comparing'));
  const { changes, unreadable } = await work.engine.findChanges(scopeOf(work), work.signal);
  work.facts.pendingFiles = changes.length + unreadable.length;
  standForUnreadable(work, unreadable);
  work.facts.refusedDeletions = null;
  // What is held in commits is found out anew when they are about to be pushed.
  const inCommits = work.facts.heldFiles.filter((file) => file.commit !== undefined);
  if (work.github.mode === 'push') {
    work.facts.heldFiles = inCommits;
    return;
  }
  work.onProgress?.(phaseBegun('checking'));
  const { verdict, still } = await judgeStill(work, changes, unreadable, ports);
  standForUnreadable(work, unreadable);
  work.facts.heldFiles = [...verdict.held, ...inCommits];
  const held = new Set(verdict.held.map((file) => file.path));
  const wanted = still.filter((change) => !held.has(displayPath(change.path)));
  work.facts.pendingFiles = wanted.length + unreadable.length;
  if (wanted.length === 0) return;
  if (verdict.massDeletion) await refuseDeletions(work, verdict.massDeletion, still);
  const refusal = refuse(work, ports);
  if (refusal) {
    work.standing = refusal;
    return;
  }
  await giveWay(work, ports);
  work.onProgress?.(phaseBegun('committing'));
  unreadable.push(...(await commit(work, wanted, ports, onCommit)).map(busyFile));
  standForUnreadable(work, unreadable);
  work.facts.pendingFiles = unreadable.length;
}

/** @throws Failure `git-at-work` while a person works with git there, and has not yet done so for too long */
async function giveWay({ probe, github, waitingSince, signal }: SyncWork, ports: SyncPorts): Promise<void> {
  const now = ports.clock.now();
  const { maxWaitMs } = timingsOf(github);
  if (now - (waitingSince ?? now) >= maxWaitMs) {
    await ports.giveWay?.pause(probe.repo, maxWaitMs, signal);
    return;
  }
  const retryAfterMs = (await ports.giveWay?.waitMs(probe.repo)) ?? 0;
  if (retryAfterMs === 0) return;
  const detail = `Somebody works with git in ${probe.repo.worktree}.`;
  throw new Failure('git-at-work', detail, { data: { retryAfterMs } });
}

type Unreadable = FoundChanges['unreadable'];

const busyFile = (path: string): Unreadable[number] => ({
  ...{ path, code: 'file-changing' },
  detail: 'it keeps changing while it is read',
});

/** Files that nobody may read need a person; busy ones are looked at again with their next change. */
function standForUnreadable(work: SyncWork, unreadable: Unreadable): void {
  const problem = unreadable.find(({ code }) => code === 'file-unreadable') ?? unreadable[0];
  if (!problem) return;
  const { path, code, detail } = problem;
  const text = code === 'submodule-unpushed' ? detail : `${path} cannot be read: ${detail}`;
  work.standing = reasonOf(code, text);
}

/** A file that changes under the guard's eyes holds up no other: it is put to those that cannot be read. */
async function judgeStill(
  work: SyncWork,
  changes: readonly FileChange[],
  unreadable: Unreadable,
  ports: SyncPorts,
): Promise<{ verdict: GuardVerdict; still: readonly FileChange[] }> {
  let still = changes;
  for (;;) {
    try {
      return { verdict: await judge(work, still, ports), still };
    } catch (error) {
      if (!(error instanceof Failure) || error.code !== 'file-changing') throw error;
      const left = still.filter((change) => displayPath(change.path) !== error.data.path);
      if (left.length === still.length) throw error;
      unreadable.push(busyFile(String(error.data.path)));
      still = left;
    }
  }
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
  const { engine, signal } = work;
  const byPath = new Map(changes.map((change) => [displayPath(change.path), change]));
  return ports.guard({
    // Of a submodule nothing is stored but the name of a commit.
    files: changes.filter((change) => !isSubmodule(change)).map(guarded),
    // Only how many of them are deleted is judged by it.
    trackedFiles: changes.some(isDeletion) ? await engine.countTracked(signal) : changes.length,
    settings: work.github.guard,
    released: work.releases.files,
    async read(path) {
      const change = byPath.get(path);
      if (change === undefined) throw new Error(`The guard asked for ${path}, which it was not given.`);
      return engine.readContent(change, signal);
    },
    signal,
  });
}

function isDeletion({ kind }: FileChange): boolean {
  return kind === 'deleted';
}

function isSubmodule(change: FileChange): boolean {
  return change.kind !== 'deleted' && change.mode === FILE_MODE.submodule;
}

function guarded(change: FileChange) {
  const path = displayPath(change.path);
  if (change.kind === 'deleted') return { path, kind: change.kind, sizeBytes: 0, oid: '', isSymlink: false };
  const { kind, sizeBytes, oid, mode } = change;
  return { path, kind, sizeBytes, oid, isSymlink: mode === FILE_MODE.symlink };
}

function refuse(work: SyncWork, ports: SyncPorts): Reason | null {
  const { github, probe, facts } = work;
  const { branch } = probe.head;
  if (!matchesBranch(github.syncBranches, branch)) {
    const patterns = github.syncBranches.join(', ');
    return reasonOf('branch-not-synced', `The branch ${branch} matches none of ${patterns}.`);
  }
  if (facts.refusedDeletions) return deletionReason(probe.repo.worktree, facts.refusedDeletions);
  const refusedMessage = refuseMessage(github.commit, ports.allowMessageCommands());
  if (refusedMessage) return refusedMessage;
  if (authorOf(work) === null) {
    return reasonOf('identity-missing', `Git does not know who commits in ${probe.repo.worktree}.`);
  }
  return null;
}

function authorOf(work: SyncWork): Identity | null {
  return work.github.commit?.author ?? work.probe.identity;
}

/** Answers the files that were left out, because they changed in the last moment. */
async function commit(
  work: SyncWork,
  changes: readonly FileChange[],
  ports: SyncPorts,
  onCommit: OnCommit,
): Promise<readonly string[]> {
  const { probe, engine, signal } = work;
  const author = authorOf(work);
  if (author === null) throw new Failure('identity-missing', 'No identity to commit with.');
  const now = ports.clock.now();
  const message = await composeMessage({
    changes,
    worktree: work.worktree,
    ...{ env: ports.env, clock: ports.clock, log: ports.log, signal },
    machineId: work.machineId,
    branch: probe.head.branch,
    now,
    config: work.github.commit,
  });
  onCommit(changes);
  const made = await engine.commit({
    ...{ changes, message },
    author,
    committer: probe.identity ?? author,
    at: { epochMs: now, offsetMinutes: -new Date(now).getTimezoneOffset() },
    signal,
  });
  if (made === null) return [];
  await ports.giveWay?.noteOwn(probe.repo);
  work.stats.commit = made.oid;
  work.stats.filesChanged = made.files;
  return made.busy ?? [];
}
