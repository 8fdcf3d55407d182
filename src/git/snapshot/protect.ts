// Keeps the work of a project in a snapshot, whatever state git is in: while a merge waits for a person, in the middle
// of a rebase, on no branch at all. The caller holds the repository lock.

import { Failure, type Reason } from '../../model/failure.ts';
import type { HeldFile, Releases } from '../../model/project.ts';
import type { GithubConfig } from '../../model/project-config.ts';
import type { FoundChanges } from '../changes/changes.ts';
import { openObjects } from '../objects/objects.ts';
import { lookUp } from '../objects/trees.ts';
import { displayPath, type RepoPath, toRepoPath } from '../paths.ts';
import { listRefs } from '../refs/refs.ts';
import { walkAhead } from '../remote/commit-walk.ts';
import type { SyncPorts } from '../sync/sync-ports.ts';
import type { ObjectStore } from '../types.ts';
import { chooseSnapshotEngine } from './choose-snapshot-engine.ts';
import { judgeChanges } from './judge-changes.ts';
import type { SnapshotEngine } from './snapshot-engine.ts';
import { branchOf, newestGeneration, shortName } from './snapshot-refs.ts';
import { openForSnapshot, type SnapshotRepository } from './snapshot-repository.ts';
import { type TakeAnswer, type TakeInput, type TakenSnapshot, takeSnapshot } from './take-snapshot.ts';

export type SnapshotPorts = Pick<SyncPorts, 'guard' | 'clock' | 'random' | 'env' | 'homeDir' | 'fsync'>;

export type ProtectInput = {
  worktree: string;
  github: Pick<GithubConfig, 'guard' | 'commit' | 'engine'>;
  machineId: string;
  remoteTips?: Readonly<Record<string, string>>;
  /** Also when nothing is at risk: for projects whose snapshots are all that a remote gets. Default false. */
  always?: boolean;
  signal: AbortSignal;
  faultPoint?: NonNullable<TakeInput['faultPoint']>;
};

/** `held` and `unreadable` (display paths; busy files too) are what the snapshot lacks; `engine` says who looked. */
type Looked = {
  held: HeldFile[];
  unreadable: Unreadable;
  engine: { name: SnapshotEngine['name']; reason: string | null };
  /** Null for a detached HEAD. */
  branch: string | null;
  /** The snapshot branch that has all of now; null: nothing would be lost without one. */
  keptOn: string | null;
};
export type Protection =
  | ({ kind: 'taken'; snapshot: TakenSnapshot } & Looked)
  | ({ kind: 'unchanged' } & Looked)
  | { kind: 'refused'; reason: Reason };

type Unreadable = FoundChanges['unreadable'];

/** Commits far from every branch are rare: after this many it is taken for granted that none has them. */
const MOST_WALKED = 1_000;

/**
 * Takes a snapshot unless nothing would be lost without it. What only a person can mend is an answer.
 * @throws Failure with a code that is retried, for example `file-changing`, `ref-moved`, `disk-full`
 */
export async function protect(input: ProtectInput, ports: SnapshotPorts): Promise<Protection> {
  try {
    return await withEngine(input, ports, async (opened, engine) => {
      const work = await findWorkSince(opened, input, ports, engine);
      const { held, unreadable } = work;
      const branch = opened.head.kind === 'branch' ? opened.head.branch : null;
      const looked = { held, unreadable, branch, engine: { name: engine.name, reason: engine.reason } };
      if (!input.always && work.wanted.length === 0 && (await isKept(opened, input, engine.objects))) {
        return { kind: 'unchanged', keptOn: null, ...looked };
      }
      const { snapshot, ref, busy } = await take(input, ports, { opened, engine, changes: work.wanted });
      unreadable.push(...busy.map(busyFile));
      const all = { keptOn: shortName(ref), ...looked };
      return snapshot === null ? { kind: 'unchanged', ...all } : { kind: 'taken', snapshot, ...all };
    });
  } catch (error) {
    if (error instanceof Failure && !error.retryable) return { kind: 'refused', reason: error.reason };
    throw error;
  }
}

/** What the work tree holds at this instant. `heldPaths` are not in `tree`; nor is what could not be read. */
export type Present = {
  opened: SnapshotRepository;
  engine: SnapshotEngine;
  id: string;
  tree: string;
  heldPaths: ReadonlySet<RepoPath>;
};

/**
 * Takes a snapshot of now, whether or not anything changed, and hands it on with the open repository.
 * @throws Failure also for what only a person can mend
 */
export async function withPresent<T>(
  input: ProtectInput,
  ports: SnapshotPorts,
  use: (present: Present) => Promise<T>,
): Promise<T> {
  return withEngine(input, ports, async (opened, engine) => {
    const { wanted, heldPaths } = await findWorkSince(opened, input, ports, engine);
    const { snapshot } = await take(input, ports, { opened, engine, changes: wanted });
    const branch = branchOf(opened.head);
    const last = snapshot ?? (await newestGeneration(opened.repo, engine.objects, branch))?.tip;
    if (!last) throw new Failure('ref-moved', 'The snapshot branch went away while a snapshot was taken.');
    const id = 'oid' in last ? last.oid : last.id;
    return use({ opened, engine, id, tree: last.tree, heldPaths });
  });
}

/** With the engine for its work tree. @throws Failure as `withRepository`, `needs-system-git` */
export async function withEngine<T>(
  input: Pick<ProtectInput, 'worktree' | 'signal'> & { github: Pick<GithubConfig, 'engine'> },
  ports: Pick<SnapshotPorts, 'env' | 'homeDir' | 'fsync' | 'clock'>,
  use: (opened: SnapshotRepository, engine: SnapshotEngine) => Promise<T>,
): Promise<T> {
  return withRepository(input, ports, async (opened, objects) => {
    const choice = { opened, objects, wish: input.github.engine ?? 'auto', signal: input.signal } as const;
    const engine = await chooseSnapshotEngine(choice, ports);
    try {
      return await use(opened, engine);
    } catch (error) {
      // An attribute file that is new in the work tree shows only when the work tree is looked at, before anything else.
      const isLate = error instanceof Failure && error.code === 'needs-system-git';
      if (engine.name === 'git' || !isLate) throw error;
      return use(
        opened,
        await chooseSnapshotEngine({ ...choice, feature: 'new attributes convert contents' }, ports),
      );
    }
  });
}

/** Opens the repository for the time of `use`. @throws Failure as `openForSnapshot` */
export async function withRepository<T>(
  input: Pick<ProtectInput, 'worktree'>,
  ports: Pick<SnapshotPorts, 'env' | 'homeDir' | 'fsync' | 'clock'>,
  use: (opened: SnapshotRepository, objects: ObjectStore) => Promise<T>,
): Promise<T> {
  const { env, homeDir, clock } = ports;
  const opened = await openForSnapshot({ worktree: input.worktree, env, homeDir });
  const objects = openObjects(opened.repo, { fsync: ports.fsync(), clock });
  try {
    return await use(opened, objects);
  } finally {
    await objects.close();
  }
}

/** How the work tree differs from HEAD, parted by the guard. @throws Failure as `SnapshotEngine.findChanges` */
export async function findWork(
  { github, signal }: { github: Pick<GithubConfig, 'guard'>; signal: AbortSignal },
  { guard }: Pick<SnapshotPorts, 'guard'>,
  engine: SnapshotEngine,
) {
  const { changes, unreadable } = await engine.findChanges(signal);
  const judged = await judgeChanges({ engine, changes, settings: github.guard, guard, signal });
  return { ...judged, unreadable: [...unreadable, ...judged.busy.map(busyFile)] };
}

/** What a person let pass into the snapshot before is not held again in the next one, as long as it is the same. */
async function findWorkSince(
  { repo, head }: SnapshotRepository,
  input: ProtectInput,
  ports: Pick<SnapshotPorts, 'guard'>,
  engine: SnapshotEngine,
) {
  const work = await findWork(input, ports, engine);
  if (work.held.length === 0) return work;
  const last = await newestGeneration(repo, engine.objects, branchOf(head));
  const passed: Releases['files'] = [];
  for (const { path, oid } of work.held) {
    if (oid === undefined || last === null) continue;
    const before = await lookUp(engine.objects, last.tip.tree, toRepoPath(path));
    if (before?.oid === oid) passed.push({ path, oid });
  }
  if (passed.length === 0) return work;
  const guard: SnapshotPorts['guard'] = ({ released = [], ...asked }) =>
    ports.guard({ ...asked, released: [...released, ...passed] });
  return findWork(input, { guard }, engine);
}

function busyFile({ path }: { path: RepoPath }): Unreadable[number] {
  return { path: displayPath(path), code: 'file-changing', detail: 'it keeps changing while it is read' };
}

async function take(
  input: ProtectInput,
  ports: SnapshotPorts,
  work: { opened: SnapshotRepository; engine: SnapshotEngine; changes: TakeInput['changes'] },
): Promise<TakeAnswer> {
  const { repo, head, identity } = work.opened;
  const who = input.github.commit?.author ?? identity;
  if (who === null) throw new Failure('identity-missing', `Git does not know who works in ${repo.worktree}.`);
  const now = ports.clock.now();
  const { engine, changes } = work;
  const { machineId, remoteTips, signal, faultPoint } = input;
  return takeSnapshot({
    ...{ repo, engine, head, changes, machineId, signal },
    identity: who,
    at: { epochMs: now, offsetMinutes: -new Date(now).getTimezoneOffset() },
    ...{ clock: ports.clock, random: ports.random, fsync: ports.fsync() },
    ...(remoteTips && { remoteTips }),
    ...(faultPoint && { faultPoint }),
  });
}

/**
 * With a clean work tree only commits can be lost: those that the remote lacks. A branch here may lead to them, and yet
 * not be pushed while the project is blocked. Without a word on the remote, those that no ref leads to.
 */
async function isKept(
  { repo, head }: SnapshotRepository,
  { remoteTips }: Pick<ProtectInput, 'remoteTips'>,
  objects: ObjectStore,
): Promise<boolean> {
  if (head.oid === null) return true;
  if ((await newestGeneration(repo, objects, branchOf(head))) !== null) return false;
  const refs = await listRefs(repo, remoteTips === undefined ? 'refs/' : 'refs/remotes/');
  const known = [...new Set([...refs.values(), ...Object.values(remoteTips ?? {})])];
  if (known.includes(head.oid)) return true;
  const walk = await walkAhead({ objects, tip: head.oid, known, limit: MOST_WALKED });
  return walk.complete && walk.ahead.length === 0;
}
