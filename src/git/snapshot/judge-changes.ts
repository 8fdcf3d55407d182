// Asks the guard which changed files stay on the machine, and shows it exactly the contents that would be stored.

import { Failure } from '../../model/failure.ts';
import type { HeldFile } from '../../model/project.ts';
import type { GithubConfig } from '../../model/project-config.ts';
import { displayPath, type RepoPath } from '../paths.ts';
import type { ChangeGuard, GuardVerdict } from '../sync/sync-ports.ts';
import { FILE_MODE, type FileChange } from '../types.ts';
import type { SnapshotEngine } from './snapshot-engine.ts';

type JudgeInput = {
  engine: Pick<SnapshotEngine, 'countTracked' | 'readContent'>;
  changes: readonly FileChange[];
  settings: GithubConfig['guard'];
  guard: ChangeGuard;
  signal: AbortSignal;
};

/** `busy` files changed while they were looked at: neither wanted nor held. */
export type Judged = {
  wanted: FileChange[];
  held: HeldFile[];
  heldPaths: Set<RepoPath>;
  busy: FileChange[];
};

/**
 * Parts the changes into those that may be kept on a remote and those that are held. Many deletions at once hold
 * nothing here: what they delete stays in the snapshot before. A file that keeps changing holds up no other.
 * @throws Failure `file-unreadable`, `index-corrupt`
 */
export async function judgeChanges(input: JudgeInput): Promise<Judged> {
  const busy: FileChange[] = [];
  for (let still = input.changes; ; ) {
    try {
      return { ...(await judge({ ...input, changes: still })), busy };
    } catch (error) {
      if (!(error instanceof Failure) || error.code !== 'file-changing') throw error;
      const left = still.filter((change) => displayPath(change.path) !== error.data.path);
      if (left.length === still.length) throw error;
      busy.push(...still.filter((change) => !left.includes(change)));
      still = left;
    }
  }
}

async function judge(input: JudgeInput): Promise<Omit<Judged, 'busy'>> {
  const { changes } = input;
  if (changes.length === 0) return { wanted: [], held: [], heldPaths: new Set() };
  const { held } = await ask(input);
  const names = new Set(held.map((file) => file.path));
  const isHeld = ({ path }: FileChange) => names.has(displayPath(path));
  return {
    wanted: changes.filter((change) => !isHeld(change)),
    held,
    heldPaths: new Set(changes.filter(isHeld).map((change) => change.path)),
  };
}

async function ask({ engine, changes, settings, guard, signal }: JudgeInput): Promise<GuardVerdict> {
  const named = new Map(changes.map((change) => [displayPath(change.path), change]));
  return guard({
    files: changes.map(guarded),
    trackedFiles: await engine.countTracked(signal),
    ...{ settings, signal },
    async read(path) {
      const change = named.get(path);
      if (change === undefined) throw new Error(`The guard asked for ${path}, which it was not given.`);
      return engine.readContent(change, signal);
    },
  });
}

function guarded(change: FileChange) {
  const path = displayPath(change.path);
  if (change.kind === 'deleted') return { path, kind: change.kind, sizeBytes: 0, oid: '', isSymlink: false };
  const { kind, sizeBytes, oid, mode } = change;
  return { path, kind, sizeBytes, oid, isSymlink: mode === FILE_MODE.symlink };
}
