// Brings files back from a snapshot. A snapshot of now is taken first, and only what it holds is ever replaced or
// removed: ignored files, held files and what changes meanwhile stay as they are. HEAD and the index are left alone.

import { Failure } from '../../model/failure.ts';
import { errorCode } from '../io-failure.ts';
import { lookUp } from '../objects/trees.ts';
import { diskPath, displayPath, type RepoPath } from '../paths.ts';
import { findSnapshot } from './list-snapshots.ts';
import {
  type Present,
  type ProtectInput,
  type SnapshotPorts,
  withPresent,
  withRepository,
} from './protect.ts';
import { planRestore, type RestorePlan, type RestoreStep } from './restore-plan.ts';
import {
  type Found,
  holds,
  isUntouched,
  lookAt,
  obstacleOnTheWay,
  putFile,
  removeIfEmpty,
  takeAway,
} from './work-place.ts';

export type RestoreInput = Omit<ProtectInput, 'always'> & {
  /** The id of a snapshot. */
  snapshot: string;
  /** Files or folders of the snapshot or of the work tree; a path that the snapshot lacks is removed. */
  paths: readonly RepoPath[] | 'all';
};

/** Display paths. `before` is the snapshot of the moment before; `skipped` says why a file stayed as it is. */
export type Restored = {
  before: string;
  restored: string[];
  skipped: { path: string; reason: string }[];
};

const THERE_ALREADY = 'there already';

type Restore = { present: Present; input: RestoreInput; ports: SnapshotPorts };

/**
 * The caller holds the repository lock. Idempotent: what is there already is not touched. When it is cut short, the
 * snapshot of now has everything that was there, and the failure's `data.before` names it.
 * @throws Failure `snapshot-not-found`, `invalid-request`, those of `takeSnapshot`, `disk-full`, `write-refused`
 */
export async function restoreSnapshot(input: RestoreInput, ports: SnapshotPorts): Promise<Restored> {
  // Before anything is written: a wrong id leaves no trace.
  await withRepository(input, ports, (_opened, objects) => findSnapshot(objects, input.snapshot));
  return withPresent(input, ports, async (present) => {
    const { objects, id, tree } = present;
    await input.faultPoint?.('before-taken');
    const target = (await findSnapshot(objects, input.snapshot)).tree;
    const plan = await planRestore(objects, { now: tree, target }, input.paths);
    const result: Restored = { before: id, restored: [], skipped: [] };
    try {
      await carryOut(plan, { present, input, ports }, result);
    } catch (error) {
      throw cutShort(error, result, input.signal);
    }
    result.restored.sort();
    return result;
  });
}

/**
 * Ignore rules come first: a file that is ignored from then on was in no snapshot for that reason, and stays. One whose
 * way is not free yet comes again with the others.
 */
async function carryOut(plan: RestorePlan, work: Restore, result: Restored): Promise<void> {
  const all = [...plan.deletions, ...plan.writes];
  const done = new Set<RestoreStep>();
  const run = async (step: RestoreStep) => {
    work.input.signal.throwIfAborted();
    const obstacle = await restoreOne(step, work);
    if (obstacle === null) result.restored.push(displayPath(step.path));
    if (obstacle === null || obstacle === THERE_ALREADY) done.add(step);
    return obstacle;
  };
  for (const step of all) if (/(?:^|\/)\.gitignore$/.test(step.path)) await run(step);
  for (const step of all) {
    if (done.has(step)) continue;
    const reason = (await isIgnoredThere(step, work.present)) ? 'it is ignored' : await run(step);
    if (reason !== null && reason !== THERE_ALREADY) {
      result.skipped.push({ path: displayPath(step.path), reason });
    }
  }
}

/** Asked of a file to remove, with the snapshot's own rules in force. */
async function isIgnoredThere({ path, target }: RestoreStep, present: Present): Promise<boolean> {
  if (target !== null) return false;
  const { ignore, head } = present.opened;
  if (!(await ignore.isIgnored(path, false))) return false;
  if (head.oid === null) return true;
  const { tree } = await present.objects.readCommit(head.oid);
  return (await lookUp(present.objects, tree, path)) === null;
}

/** Null when it is done; else why not, in words. */
async function restoreOne(step: RestoreStep, work: Restore): Promise<string | null> {
  const { present, input } = work;
  const { repo, fileMode, symlinks } = present.opened;
  const { path, now, target } = step;
  const rules = { fileMode, symlinks };
  if (present.heldPaths.has(path)) return 'it is held back, so no snapshot has what is there now';
  const onTheWay = await obstacleOnTheWay(repo, path);
  if (onTheWay !== null) return onTheWay;
  const found = await lookAt(repo, path);
  try {
    if (found?.isDirectory()) return await replaceFolder(step, work);
    if (
      found !== null &&
      target !== null &&
      (await holds(repo, { path, found }, target, rules, input.signal))
    ) {
      return THERE_ALREADY;
    }
    if (found === null && target === null) return THERE_ALREADY;
    const isSaved =
      found === null || (now !== null && (await holds(repo, { path, found }, now, rules, input.signal)));
    if (!isSaved) return 'what is there now is in no snapshot (ignored, or changed a moment ago)';
  } catch (error) {
    if (error instanceof Failure && (error.code === 'file-changing' || error.code === 'file-unreadable')) {
      return error.message;
    }
    throw error;
  }
  return target === null ? remove(path, found, work) : write(step, found, work);
}

async function remove(path: RepoPath, found: Found, { present, input }: Restore): Promise<string | null> {
  const { repo } = present.opened;
  if (!isUntouched(found, await lookAt(repo, path))) return 'it changed a moment ago';
  await takeAway(repo, path);
  await input.faultPoint?.('file-removed');
  return null;
}

async function write(
  { path, target }: RestoreStep,
  found: Found,
  { present, input, ports }: Restore,
): Promise<string | null> {
  if (target === null) throw new Error('A file to write has a content.');
  const { repo, fileMode, symlinks } = present.opened;
  const { content } = await present.objects.read(target.oid);
  const isPut = await putFile(
    repo,
    {
      ...{ path, mode: target.mode, content, fsync: ports.fsync(), random: ports.random },
      mayTakePlace: async () => {
        await input.faultPoint?.('file-written');
        return (await obstacleOnTheWay(repo, path)) === null && isUntouched(found, await lookAt(repo, path));
      },
    },
    { fileMode, symlinks },
  );
  if (!isPut) return 'it changed a moment ago';
  await input.faultPoint?.('file-placed');
  return null;
}

/** A folder stands where a file shall be. What git would see of it has been removed before. */
async function replaceFolder(step: RestoreStep, work: Restore): Promise<string | null> {
  const { repo } = work.present.opened;
  if (step.target === null) return THERE_ALREADY;
  if (!(await removeIfEmpty(diskPath(repo.worktree, step.path)))) {
    return 'a folder with files that no snapshot has is in its place';
  }
  return write(step, null, work);
}

function cutShort(error: unknown, { before, restored }: Restored, signal: AbortSignal): unknown {
  const data = { before, restored };
  if (error instanceof Failure) {
    return new Failure(error.code, `${error.message} ${restored.length} files were restored before.`, {
      ...{ cause: error, action: error.action, data: { ...error.data, ...data } },
    });
  }
  if (signal.aborted)
    return new Failure('aborted', 'The restore was stopped half-way.', { cause: error, data });
  const code = errorCode(error);
  if (code === '') return error;
  return new Failure('write-refused', `The restore stopped: ${code}.`, { cause: error, data });
}
