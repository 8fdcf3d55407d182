// Pushing when somebody else pushed too: fetch, bring both sides together, push again. Never forced; what cannot be
// brought together goes to a side branch, so that the work is on the remote until a person has chosen.

import type { ConflictFile } from '../../model/conflict.ts';
import { Failure } from '../../model/failure.ts';
import { phaseBegun } from '../../model/progress.ts';
import { syncedTips } from '../../model/remote-state.ts';
import { finishMove } from '../integrate/finish-move.ts';
import { type IntegrateAnswer, integrateBranch } from '../integrate/integrate.ts';
import { resolveConflict } from '../integrate/resolve-conflict.ts';
import type { WorkTreeTools } from '../integrate/work-tree-tools.ts';
import { signature } from '../objects/commit-object.ts';
import { readHead, readRef } from '../refs/refs.ts';
import { isAncestor } from '../remote/history.ts';
import type { ChosenRemote } from '../remote/remote-choice.ts';
import type { Identity } from '../types.ts';
import { noteMove } from './follow-move.ts';
import { openOtherTools, openSameTools, openTools } from './integration-tools.ts';
import { pushAside } from './push-aside.ts';
import {
  type BranchTip,
  countUnpushed,
  matchingBranches,
  type PushTarget,
  pushBranches,
} from './push-branches.ts';
import { refusedPushes } from './refused-pushes.ts';
import type { SyncPorts } from './sync-ports.ts';
import type { SyncWork } from './sync-work.ts';

/** The remote may move again while we bring both sides together; after so many times the job is tried again later. */
const MOST_ROUNDS = 3;
/** Whether a mirror has work that would be written anew is not searched for further back. */
const MOST_WALKED = 10_000;
/** Files named in the text; the API has them all. */
const MOST_NAMED = 3;

/** Failures by which a remote says that it has what we lack. */
export const MOVED_ON: ReadonlySet<string> = new Set([
  'remote-ahead',
  'remote-diverged',
  'push-rejected-non-fast-forward',
]);

/** To be called under the repository's lock before anything is committed: a move that a kill cut off comes first. */
export async function finishEarlierMove(
  work: SyncWork,
  remote: ChosenRemote,
  ports: SyncPorts,
): Promise<void> {
  const { probe, objects, signal } = work;
  const who = whoLine(authorOf(work) ?? { name: 'gitferry', email: 'gitferry' }, ports);
  const { clock, random, faultPoint } = ports;
  const fsync = ports.fsync() && probe.fsync;
  const done = await finishMove({
    ...{ repo: probe.repo, objects, config: probe.config, who, clock, random, fsync, signal, faultPoint },
    openTools: (by) => openSameTools(by, work, remote, ports),
  });
  if (done !== 'finished') return;
  const head = await readHead(probe.repo);
  if (head.kind === 'branch') work.probe = { ...probe, head };
}

/** Fills in `work` as `pushBranches` does. @throws Failure as `pushBranches`, and `content-conflict` */
export async function pushTogether(work: SyncWork, remote: ChosenRemote, ports: SyncPorts): Promise<void> {
  for (let round = 1; ; round++) {
    try {
      await pushPrimary(work, remote, ports);
      work.facts.conflictFiles = [];
      return;
    } catch (error) {
      if (!(error instanceof Failure) || !MOVED_ON.has(error.code)) throw error;
      if (round > MOST_ROUNDS) throw error;
      const branches = takeFailed(work);
      const moved: boolean[] = [];
      for (const branch of branches) moved.push(await bringTogether(work, remote, branch, ports));
      if (!moved.includes(true)) throw error;
    }
  }
}

async function pushPrimary(work: SyncWork, remote: ChosenRemote, ports: SyncPorts): Promise<void> {
  const target: PushTarget = {
    ...{ name: remote.name, remote, engine: work.engine },
    tips: () => work.facts.remoteTips,
    keep(tips) {
      work.facts.remoteTips = tips;
    },
    // Before a project was ever known to be safe, only the remote's own word counts.
    ask: work.askRemote || work.facts.lastSafeAt === null,
    refused: refusedPushes(work, remote, ports),
    noteMove: (url) => noteMove(work.facts, remote, url),
  };
  const branches = await matchingBranches(work);
  try {
    await pushBranches(work, target, branches, ports);
  } catch (error) {
    if (error instanceof Failure && (error.code === 'remote-ahead' || error.code === 'remote-diverged')) {
      work.facts.behindCommits = Math.max(1, work.facts.behindCommits);
    }
    throw error;
  } finally {
    await noteUnpushed(work, branches);
  }
}

/** How far the primary is behind, as far as is known. */
export async function noteUnpushed(
  { facts, objects }: Pick<SyncWork, 'facts' | 'objects'>,
  branches: readonly BranchTip[],
): Promise<void> {
  facts.unpushedCommits = await countUnpushed(objects, branches, syncedTips(facts));
  if (facts.unpushedCommits === 0) facts.behindCommits = 0;
}

/** Takes the failed attempts out of the run's remotes: the next round tells how they ended. */
function takeFailed(work: SyncWork): string[] {
  const failed = work.stats.remotes.filter((each) => each.status === 'failed');
  work.stats.remotes = work.stats.remotes.filter((each) => each.status !== 'failed');
  return failed.map((each) => each.branch);
}

/** True when the branch has moved and may be pushed now. */
async function bringTogether(
  work: SyncWork,
  remote: ChosenRemote,
  branch: string,
  ports: SyncPorts,
): Promise<boolean> {
  const identity = authorOf(work);
  if (identity === null) throw new Failure('identity-missing', 'Git does not know who merges.');
  const { repo } = work.probe;
  const ours = await readRef(repo, `refs/heads/${branch}`);
  const who = whoLine(identity, ports);
  const { signal, onProgress } = work;
  onProgress?.(phaseBegun('fetching'));
  const fetched = await work.engine.fetch({
    ...{ remote, branches: [branch], who, signal },
    ...(onProgress && {
      onBytes: (bytes: number) => onProgress({ ...phaseBegun('fetching'), bytes }),
    }),
  });
  const theirs = fetched[branch] ?? null;
  if (theirs === null) return true;
  work.facts.remoteTips = { ...work.facts.remoteTips, [branch]: theirs };
  onProgress?.(phaseBegun('integrating'));
  const answer = await integrate(work, { branch, ours, theirs, identity }, remote, ports);
  switch (answer.kind) {
    case 'up-to-date':
    case 'advanced':
      await lookAtHead(work);
      return true;
    case 'held-back':
      throw new Failure(answer.reason.code, answer.reason.detail, { action: answer.reason.action });
    case 'conflict':
      work.facts.conflictFiles = answer.files;
      // The work must be on the remote although it cannot be on its own branch there yet.
      throw conflictFailure(
        answer.files,
        ours === null ? null : await pushAside(work, remote, { branch, tip: ours }),
      );
    default:
      return answer satisfies never;
  }
}

type Sides = { branch: string; ours: string | null; theirs: string; identity: Identity };

async function integrate(
  work: SyncWork,
  sides: Sides,
  remote: ChosenRemote,
  ports: SyncPorts,
): Promise<IntegrateAnswer> {
  const tools = await openTools(work, remote, ports);
  const answer = await integrateBy(tools, work, sides, ports);
  if (answer.kind !== 'held-back' || answer.reason.code !== 'needs-system-git') return answer;
  const other = await openOtherTools(work, remote, ports);
  return other === null ? answer : integrateBy(other, work, sides, ports);
}

async function integrateBy(
  tools: WorkTreeTools,
  work: SyncWork,
  sides: Sides,
  ports: SyncPorts,
): Promise<IntegrateAnswer> {
  const { probe, machineId, github, signal, conflictChoice, facts } = work;
  const { clock, random, env, homeDir, faultPoint } = ports;
  const input = {
    ...{
      ...sides,
      repo: probe.repo,
      objects: tools.objects,
      tools,
      head: probe.head,
      machineId,
      config: probe.config,
      env,
      homeDir,
    },
    ...{ clock, random, signal, fsync: ports.fsync() && probe.fsync },
    trailers: github.commit?.trailers ?? true,
    ...(faultPoint && { faultPoint }),
  };
  if (conflictChoice !== null)
    return resolveConflict({ ...input, choice: conflictChoice, seen: facts.conflictFiles });
  const policy = github.integrate ?? 'merge';
  const isShared = policy === 'rebase' && (await hasMirrored(work, sides));
  return integrateBranch({ ...input, policy: isShared ? 'merge' : policy });
}

/** What a mirror has is public: written anew by a rebase, it could never go there again without force. */
async function hasMirrored({ facts, objects }: SyncWork, { branch, theirs }: Sides): Promise<boolean> {
  for (const { tips } of facts.remotes) {
    const there = tips[branch];
    if (there !== undefined && (await isAncestor(objects, there, theirs, MOST_WALKED)) !== 'yes') return true;
  }
  return false;
}

async function lookAtHead(work: SyncWork): Promise<void> {
  const head = await readHead(work.probe.repo);
  if (head.kind === 'branch') work.probe = { ...work.probe, head };
}

function conflictFailure(files: readonly ConflictFile[], aside: string | null): Failure {
  const named = files
    .slice(0, MOST_NAMED)
    .map((file) => file.path)
    .join(', ');
  const more = files.length > MOST_NAMED ? ` and ${files.length - MOST_NAMED} more` : '';
  const where = aside === null ? '' : `; yours is on the remote as ${aside}`;
  return new Failure('content-conflict', `Both sides changed ${named}${more}${where}.`);
}

function authorOf(work: SyncWork): Identity | null {
  return work.github.commit?.author ?? work.probe.identity;
}

function whoLine(who: Identity, { clock }: Pick<SyncPorts, 'clock'>): string {
  const epochMs = clock.now();
  return signature(who, { epochMs, offsetMinutes: -new Date(epochMs).getTimezoneOffset() });
}
