// Brings files back from a snapshot. A snapshot of now is taken first, and only what it holds is ever replaced or
// removed: ignored files, held files and what changes meanwhile stay as they are. HEAD and the index are left alone.

import { Failure } from '../../model/failure.ts';
import { errorCode } from '../io-failure.ts';
import { lookUp, type TreeFile } from '../objects/trees.ts';
import { diskPath, displayPath, type RepoPath } from '../paths.ts';
import { inText } from '../probe/probe-attributes.ts';
import { chooseSnapshotEngine } from './choose-snapshot-engine.ts';
import { findSnapshot } from './list-snapshots.ts';
import {
  type Present,
  type ProtectInput,
  type SnapshotPorts,
  withPresent,
  withRepository,
} from './protect.ts';
import { planRestore, type RestorePlan, type RestoreStep } from './restore-plan.ts';
import type { HoldsBlob, SnapshotEngine, WrittenFiles } from './snapshot-engine.ts';
import {
  type Found,
  hasMode,
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

type Restore = { present: Present; input: RestoreInput; ports: SnapshotPorts; holds: HoldsBlob };
type Writing = Restore & { files: WrittenFiles };

/**
 * The caller holds the repository lock. Idempotent: what is there already is not touched. When it is cut short, the
 * snapshot of now has everything that was there, and the failure's `data.before` names it.
 * @throws Failure `snapshot-not-found`, `invalid-request`, those of `takeSnapshot`, `disk-full`, `write-refused`
 */
export async function restoreSnapshot(input: RestoreInput, ports: SnapshotPorts): Promise<Restored> {
  // Before anything is written: a wrong id leaves no trace.
  await withRepository(input, ports, (_opened, objects) => findSnapshot(objects, input.snapshot));
  return withPresent(input, ports, async (present) => {
    const { id, tree, engine } = present;
    const { objects } = engine;
    await input.faultPoint?.('before-taken');
    const target = (await findSnapshot(objects, input.snapshot)).tree;
    const plan = await planRestore(objects, { now: tree, target }, input.paths);
    const paths = [...plan.deletions, ...plan.writes].map(({ path }) => path);
    const holds = await engine.lookAtPlaces(paths, input.signal);
    const result: Restored = { before: id, restored: [], skipped: [] };
    try {
      await carryOut(plan, { present, input, ports, holds }, result);
    } catch (error) {
      throw cutShort(error, result, input.signal);
    }
    result.restored.sort();
    return result;
  });
}

/**
 * Rules come first: a file that is ignored from then on was in no snapshot for that reason, and stays; others are
 * written by the attributes of their own time. One whose way is not free yet comes again with the others.
 */
async function carryOut(plan: RestorePlan, work: Restore, result: Restored): Promise<void> {
  const all = [...plan.deletions, ...plan.writes];
  const done = new Set<RestoreStep>();
  const run = async (step: RestoreStep, files: WrittenFiles) => {
    work.input.signal.throwIfAborted();
    const obstacle = await restoreOne(step, { ...work, files });
    if (obstacle === null) result.restored.push(displayPath(step.path));
    if (obstacle === null || obstacle === THERE_ALREADY) done.add(step);
    return obstacle;
  };
  const rules = all.filter(({ path }) => /(?:^|\/)\.git(?:ignore|attributes)$/.test(path));
  await withFiles(rules, work, work.present.engine, async (files) => {
    for (const step of rules) await run(step, files);
  });
  const rest = all.filter((step) => !done.has(step));
  await withFiles(rest, work, await engineFor(plan, work), async (files) => {
    for (const step of rest) {
      const reason = (await isIgnoredThere(step, work.present)) ? 'it is ignored' : await run(step, files);
      if (reason !== null && reason !== THERE_ALREADY) {
        result.skipped.push({ path: displayPath(step.path), reason });
      }
    }
  });
}

async function withFiles(
  steps: readonly RestoreStep[],
  { input }: Restore,
  engine: SnapshotEngine,
  use: (files: WrittenFiles) => Promise<void>,
): Promise<void> {
  const wanted = steps.flatMap(({ path, target }) => (target === null ? [] : [{ path, target }]));
  if (steps.length === 0) return;
  const files = await engine.openFiles(wanted, input.signal);
  try {
    await use(files);
  } finally {
    await files.close();
  }
}

/** Attributes that come back with the snapshot may ask for what the built-in engine does not do. */
async function engineFor(
  { writes }: RestorePlan,
  { present, input, ports }: Restore,
): Promise<SnapshotEngine> {
  const { engine, opened } = present;
  if (engine.name === 'git') return engine;
  for (const { path, target } of writes) {
    if (target === null || !/(?:^|\/)\.gitattributes$/.test(path)) continue;
    const text = (await engine.objects.read(target.oid)).content.toString('utf8');
    const feature = inText(text, displayPath(path), opened.config);
    if (feature === null) continue;
    const { github, signal } = input;
    const choice = {
      opened,
      objects: engine.objects,
      signal,
      feature,
      wish: github.engine ?? 'auto',
    } as const;
    return chooseSnapshotEngine(choice, ports);
  }
  return engine;
}

/** Asked of a file to remove, with the snapshot's own rules in force. */
async function isIgnoredThere({ path, target }: RestoreStep, present: Present): Promise<boolean> {
  if (target !== null) return false;
  const { ignore, head } = present.opened;
  if (!(await ignore.isIgnored(path, false))) return false;
  if (head.oid === null) return true;
  const { objects } = present.engine;
  const { tree } = await objects.readCommit(head.oid);
  return (await lookUp(objects, tree, path)) === null;
}

/** Null when it is done; else why not, in words. */
async function restoreOne(step: RestoreStep, work: Writing): Promise<string | null> {
  const { present } = work;
  const { repo } = present.opened;
  const { path, now, target } = step;
  if (present.heldPaths.has(path)) return 'it is held back, so no snapshot has what is there now';
  const onTheWay = await obstacleOnTheWay(repo, path);
  if (onTheWay !== null) return onTheWay;
  const found = await lookAt(repo, path);
  try {
    if (found?.isDirectory()) return await replaceFolder(step, work);
    if (found === null && target === null) return THERE_ALREADY;
    if (await stands(path, found, target, work)) return THERE_ALREADY;
    if (found !== null && !(await stands(path, found, now, work))) {
      return 'what is there now is in no snapshot (ignored, or changed a moment ago)';
    }
  } catch (error) {
    if (error instanceof Failure && (error.code === 'file-changing' || error.code === 'file-unreadable')) {
      return error.message;
    }
    throw error;
  }
  return target === null ? remove(path, found, work) : write(step, found, work);
}

/** Whether exactly this file stands there. */
async function stands(path: RepoPath, found: Found, file: TreeFile | null, work: Writing): Promise<boolean> {
  if (found === null || file === null) return false;
  return hasMode(found, file.mode, work.present.opened) && work.holds(path, found, file.oid);
}

async function remove(path: RepoPath, found: Found, { present, input }: Writing): Promise<string | null> {
  const { repo } = present.opened;
  if (!isUntouched(found, await lookAt(repo, path))) return 'it changed a moment ago';
  await takeAway(repo, path);
  await input.faultPoint?.('file-removed');
  return null;
}

async function write(
  { path, target }: RestoreStep,
  found: Found,
  { present, input, ports, files }: Writing,
): Promise<string | null> {
  if (target === null) throw new Error('A file to write has a content.');
  const { repo, fileMode, symlinks } = present.opened;
  const source = await files.sourceOf(path);
  if (source.kind === 'refused') return source.reason;
  const isPut = await putFile(
    repo,
    {
      ...{ path, mode: target.mode, source, fsync: ports.fsync(), random: ports.random },
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
async function replaceFolder(step: RestoreStep, work: Writing): Promise<string | null> {
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
