// The engine of our own for snapshots: files are stored and restored byte for byte.

import { Failure } from '../../model/failure.ts';
import { openExactContent, readExactContent } from '../changes/exact-content.ts';
import { readFileContent } from '../changes/file-content.ts';
import { openWorkTree, storeChange } from '../commit/work-file.ts';
import { readIndex } from '../index/index-file.ts';
import { mapConcurrently } from '../map-concurrently.ts';
import type { RepoPath } from '../paths.ts';
import type { FileChange, ObjectStore } from '../types.ts';
import { findSnapshotChanges } from './snapshot-changes.ts';
import { snapshotContent } from './snapshot-commit.ts';
import type { SnapshotEngine } from './snapshot-engine.ts';
import type { SnapshotRepository } from './snapshot-repository.ts';
import { isUntouched } from './work-place.ts';

const FILES_AT_ONCE = 8;

export function createBuiltinSnapshots(opened: SnapshotRepository, objects: ObjectStore): SnapshotEngine {
  const { repo, config, ignore, head, fileMode } = opened;
  const { worktree } = repo;
  return {
    ...{ name: 'builtin', reason: null, objects },
    findChanges: (signal) => findSnapshotChanges({ repo, objects, config, ignore, head, fileMode, signal }),
    countTracked: async () => (await readIndex(repo)).count,
    async readContent(change) {
      if (change.kind === 'deleted') return new Uint8Array();
      return openExactContent({ worktree, path: change.path, oid: change.oid });
    },
    storeBlobs: (changes, signal) => storeStill(worktree, objects, changes, signal),
    writeCommit: (content) => objects.write('commit', snapshotContent(content)),
    openStored: async () => async (change) => {
      if (change.kind === 'deleted') return Buffer.alloc(0);
      return readExactContent({ worktree, path: change.path, oid: change.oid });
    },
    lookAtPlaces: async (_paths, signal) => async (path, found, oid) => {
      const content = await readFileContent(worktree, path, signal);
      return content !== null && content.oid === oid && isUntouched(found, content.stats);
    },
    async openFiles(files) {
      const oids = new Map(files.map(({ path, target }) => [path, target.oid]));
      const sourceOf = async (path: RepoPath) => {
        const oid = oids.get(path);
        if (oid === undefined) throw new Error('A file was asked for that was not named.');
        return { kind: 'content', content: (await objects.read(oid)).content } as const;
      };
      return { sourceOf, close: async () => {} };
    },
  };
}

/** One file that keeps changing holds up no other. */
async function storeStill(
  worktree: string,
  objects: ObjectStore,
  changes: readonly FileChange[],
  signal: AbortSignal,
): Promise<FileChange[]> {
  const workTree = openWorkTree(worktree);
  const busy = await mapConcurrently(changes, FILES_AT_ONCE, async (change) => {
    signal.throwIfAborted();
    try {
      await storeChange(workTree, objects, change);
      return null;
    } catch (error) {
      if (error instanceof Failure && error.code === 'file-changing') return change;
      throw error;
    }
  });
  return busy.filter((change) => change !== null);
}
