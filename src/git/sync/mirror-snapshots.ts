// Mode `snapshot` with mirrors: what was pushed to the primary goes to each mirror too. The primary keeps the queue's
// own backoff there, because its snapshots are taken and pushed in one go.

import { matchesBranch } from '../../model/branch-match.ts';
import { Failure } from '../../model/failure.ts';
import type { ProjectFacts } from '../../model/project.ts';
import { unsafeRemote } from '../../model/remote-state.ts';
import { readIdentity } from '../config/identity.ts';
import { readGitConfig } from '../config/user-config.ts';
import { pushBranch } from '../remote/push.ts';
import { displayUrl, sameRemote } from '../remote/remote-url.ts';
import { openRepository } from '../repository.ts';
import { withRepository } from '../snapshot/protect.ts';
import { listGenerations, shortName } from '../snapshot/snapshot-refs.ts';
import type { SnapshotRepository } from '../snapshot/snapshot-repository.ts';
import { gitRunner } from '../system/run-git.ts';
import { pushBySystem } from '../system/system-push.ts';
import type { ObjectStore } from '../types.ts';
import type { Engine } from './engine.ts';
import { guardPushes } from './guard-push.ts';
import type { BranchTip } from './push-branches.ts';
import { type EngineFor, pushMirrors } from './push-mirrors.ts';
import { listRemotes, NO_PATIENCE } from './push-remotes.ts';
import { reachRemote } from './reach-remote.ts';
import { afterFailure, afterSuccess, keepState } from './remote-progress.ts';
import { takeRepositoryLock } from './repository-lock.ts';
import type { SyncPorts } from './sync-ports.ts';
import type { RemoteWork, SyncAnswer, SyncInput } from './sync-work.ts';

/** `answer` is what became of the primary; answered is what became of all. @throws never a `Failure` of a mirror */
export async function mirrorSnapshots(
  input: SyncInput,
  answer: SyncAnswer,
  ports: SyncPorts,
): Promise<SyncAnswer> {
  if (input.localOnly || input.signal.aborted) return answer;
  const facts = { ...answer.facts };
  const { stats } = answer;
  try {
    const lock = await takeRepositoryLock(await openRepository(input.worktree), ports);
    try {
      return await withRepository(input, ports, async (opened, objects) => {
        const { repo, config } = opened;
        const identity = readIdentity(config, ports.env);
        const probe = { repo, config, identity, head: { branch: null } };
        const work: RemoteWork = { ...input, objects, facts, stats, tries: [], probe };
        return mirrorAll(work, answer, { opened, objects, safeAt: input.facts.lastSafeAt }, ports);
      });
    } finally {
      await lock.release();
    }
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { ...answer, outcome: { kind: 'failed', failure: error } };
  }
}

/** The facts without what an earlier primary, at another address, was known to hold. @throws Failure */
export async function currentFacts(
  { worktree, github }: SyncInput,
  facts: ProjectFacts,
  ports: SyncPorts,
): Promise<ProjectFacts> {
  const known = facts.remotes.find((remote) => remote.primary);
  if (known === undefined) return facts;
  const config = await readGitConfig({ repo: await openRepository(worktree), ...ports });
  const reached = await reachRemote(github, config, ports);
  if (reached.kind === 'none' || sameRemote(known.url, reached.remote.url)) return facts;
  return { ...facts, remoteTips: {}, remotes: facts.remotes.filter((remote) => remote !== known) };
}

async function mirrorAll(
  work: RemoteWork,
  answer: SyncAnswer,
  { opened, objects, safeAt }: { opened: SnapshotRepository; objects: ObjectStore; safeAt: number | null },
  ports: SyncPorts,
): Promise<SyncAnswer> {
  const { facts, stats, github } = work;
  const reached = await reachRemote(github, opened.config, ports);
  if (reached.kind === 'none') return answer;
  const { outcome } = answer;
  const { primary } = listRemotes(work, reached.remote);
  if (outcome.kind === 'failed') keepState(facts, afterFailure(primary, outcome.failure));
  else keepState(facts, afterSuccess(primary, outcome.kind === 'done', facts.lastSafeAt));
  const branches = await snapshotBranches(work, opened, objects);
  const errand = {
    branches,
    engineFor: pushFor(work, opened, ports),
    patience: work.patience ?? NO_PATIENCE,
  };
  await pushMirrors(work, errand, ports);
  const lacking = unsafeRemote(facts.remotes);
  const { tries } = work;
  if (outcome.kind !== 'done' || lacking === null) return { outcome, facts, stats, tries };
  facts.lastSafeAt = safeAt;
  if (lacking.reason === null) return { outcome, facts, stats, tries };
  const status = lacking.state === 'blocked' ? 'blocked' : 'retrying';
  return { outcome: { kind: 'partial', status, reason: lacking.reason }, facts, stats, tries };
}

/** What a person lets leave the machine: the branch itself, or its snapshots. */
async function snapshotBranches(
  { github }: RemoteWork,
  { repo }: SnapshotRepository,
  objects: ObjectStore,
): Promise<BranchTip[]> {
  const all = await listGenerations(repo, objects);
  return all
    .filter(({ branch }) =>
      [branch, `auto/${branch}`].some((name) => matchesBranch(github.syncBranches, name)),
    )
    .map(({ ref, tip }) => [shortName(ref), tip.id]);
}

/** A person's pre-push hook is asked before every push: it may be what keeps things on this machine. */
function pushFor(work: RemoteWork, { repo, config }: SnapshotRepository, ports: SyncPorts): EngineFor {
  const { objects, signal, facts } = work;
  const { transport, clock, env } = ports;
  return async (overSsh) => {
    if (overSsh === null && facts.engine?.name !== 'git') {
      const push: Engine['push'] = ({ remote, ...rest }) =>
        pushBranch({ ...rest, transport, objects, repo, url: displayUrl(remote.url), clock, env });
      return guardPushes({ push }, work, ports);
    }
    const git = gitRunner({ repo, env, clock, signal });
    const push: Engine['push'] = (rest) =>
      pushBySystem({ ...rest, probe: { repo, config }, objects, git, ports });
    return guardPushes({ push }, work, ports);
  };
}
