// The thread's side of change-scanner.ts: compares one work tree at a time with its HEAD, by blocking calls.
// Keeps nothing of a repository once it has answered.

import { createHash } from 'node:crypto';
import { systemClock } from '../../host/clock.ts';
import { threadSide } from '../../host/worker-threads.ts';
import { Failure } from '../../model/failure.ts';
import { PROTECTED_CODES } from '../../model/failure-codes.ts';
import { forgetIndexes } from '../index/index-file.ts';
import { openObjects } from '../objects/objects.ts';
import { type ProbedRepository, probeRepository } from '../probe/probe.ts';
import { listRefs } from '../refs/refs.ts';
import { openForSnapshot } from '../snapshot/snapshot-repository.ts';
import { whyNoGit } from '../system/git-program.ts';
import { gitRunner } from '../system/run-git.ts';
import { findSystemChanges } from '../system/system-changes.ts';
import type { Head, ObjectStore } from '../types.ts';
import { type FoundChanges, findChanges } from './changes.ts';
import { openIgnoreRules } from './ignore.ts';
import type { ScanAnswer, ScanOrder, ScanResult, ScanSetup } from './scan-messages.ts';
import { findSubmoduleChanges, joinChanges } from './submodules.ts';
import { blockingFiles } from './worktree-files.ts';

const HEADS = 'refs/heads/';
// Only some trees of changed folders are ever read.
const MOST_TREE_ENTRIES = 2_000;

const side = threadSide();
const setup = side.data as ScanSetup;
let current: { id: number; abort: AbortController } | null = null;

side.onMessage((message) => {
  const order = message as ScanOrder;
  if (order.kind === 'abort') {
    if (current?.id === order.id) current.abort.abort();
    return;
  }
  const abort = new AbortController();
  current = { id: order.id, abort };
  void answerTo(order, abort.signal).then((answer) => {
    current = null;
    side.post(answer);
  });
});

async function answerTo(
  order: Extract<ScanOrder, { kind: 'scan' }>,
  signal: AbortSignal,
): Promise<ScanAnswer> {
  const { id } = order;
  try {
    return { id, result: await scan(order.worktree, order.now, signal) };
  } catch (error) {
    if (error instanceof Failure) {
      return { id, failure: { code: error.code, detail: error.message, action: error.action } };
    }
    return { id, bug: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  } finally {
    forgetIndexes();
  }
}

async function scan(worktree: string, now: number, signal: AbortSignal): Promise<ScanResult> {
  const probe = await probeRepository({ worktree, now, ...setup });
  if (probe.kind === 'blocked') {
    const { reason } = probe;
    const work = PROTECTED_CODES.has(reason.code) ? await lookAtWork(worktree, signal) : null;
    return { kind: 'blocked', reason, work };
  }
  const { repo, head } = probe;
  const objects = openObjects(repo, { fsync: false, treeCacheEntries: MOST_TREE_ENTRIES });
  try {
    const found =
      probe.kind === 'needs-git' ? await askGit(probe, signal) : await compare(probe, objects, signal);
    const refs = await listRefs(repo, HEADS);
    const pushed = await listRefs(repo, 'refs/remotes/');
    return {
      kind: 'changes',
      head,
      changes: found.changes.length,
      unreadable: found.unreadable.length,
      branches: Object.fromEntries([...refs].map(([ref, oid]) => [ref.slice(HEADS.length), oid])),
      work: markOf(head, found, pushed),
    };
  } catch (error) {
    // The same answer as a sync would give: a person has to act, and no retry helps.
    if (error instanceof Failure && !error.retryable)
      return { kind: 'blocked', reason: error.reason, work: null };
    throw error;
  } finally {
    await objects.close();
  }
}

/** While a merge or the like is under way: what a snapshot would keep. Null when it cannot be told. */
async function lookAtWork(worktree: string, signal: AbortSignal): Promise<string | null> {
  try {
    const opened = await openForSnapshot({ worktree, ...setup });
    const { repo, config, ignore, head, fileMode } = opened;
    const objects = openObjects(repo, { fsync: false, treeCacheEntries: MOST_TREE_ENTRIES });
    try {
      const look = { repo, objects, config, ignore, head, fileMode, files: blockingFiles(), signal };
      return markOf(head, await findChanges({ ...look, scope: 'all' }));
    } finally {
      await objects.close();
    }
  } catch (error) {
    // Why it blocks is known already; whether there is news is then for the watcher alone.
    if (error instanceof Failure && !error.retryable) return null;
    throw error;
  }
}

/** `pushed`: what is known of the remotes' branches, where a person's own push is news. */
function markOf(
  head: Head,
  { changes, unreadable }: FoundChanges,
  pushed: ReadonlyMap<string, string> = new Map(),
): string {
  const lines = changes.map((change) => {
    const content = change.kind === 'deleted' ? [] : [change.mode, change.oid];
    return [change.kind, change.path, ...content];
  });
  const branch = head.kind === 'branch' ? head.branch : null;
  const all = JSON.stringify([head.oid, branch, lines, unreadable.map(({ path }) => path), [...pushed]]);
  return createHash('sha256').update(all).digest('hex');
}

async function compare(
  probe: ProbedRepository,
  objects: ObjectStore,
  signal: AbortSignal,
): Promise<FoundChanges> {
  const { repo, config, head, fileMode } = probe;
  const ignore = openIgnoreRules({ repo, config, ...setup });
  const files = blockingFiles();
  const input = { repo, objects, config, ignore, head, fileMode, files, signal };
  const found = await findChanges({ ...input, scope: 'all' });
  return joinChanges(found, await findSubmoduleChanges({ repo, objects, head }));
}

/** @throws Failure `needs-system-git` where there is no git to ask */
async function askGit(
  probe: ProbedRepository & { feature: string },
  signal: AbortSignal,
): Promise<FoundChanges> {
  const missing = await whyNoGit(setup.env);
  if (missing !== null) {
    throw new Failure('needs-system-git', `In ${probe.repo.worktree} ${probe.feature}. But ${missing}.`);
  }
  const git = gitRunner({ repo: probe.repo, env: setup.env, clock: systemClock, signal });
  return findSystemChanges(probe, git, { withSubmodules: true });
}
