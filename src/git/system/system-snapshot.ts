// Snapshots by the system's git: for repositories where contents pass filters, LFS or line-end rules, or where only git
// reads the index. Hooks are not run: unfinished work is what they would refuse, and it stays on a branch of its own.

import type { BigIntStats } from 'node:fs';
import { readExactContent } from '../changes/exact-content.ts';
import { readFileContent } from '../changes/file-content.ts';
import type { RepoPath } from '../paths.ts';
import type { SnapshotEngine } from '../snapshot/snapshot-engine.ts';
import type { SnapshotRepository } from '../snapshot/snapshot-repository.ts';
import type { SyncPorts } from '../sync/sync-ports.ts';
import { FILE_MODE, type FileChange, type ObjectStore } from '../types.ts';
import { withPromised } from './promised-objects.ts';
import { gitRunner, type RunGit } from './run-git.ts';
import { findBesideIndex } from './snapshot-index.ts';
import { readWhileStill } from './still-content.ts';
import { storeBlobs } from './store-blobs.ts';
import { hashFiles } from './stored-content.ts';
import { isSameStat, statOf } from './system-changes.ts';
import { writeFilesAside } from './write-files.ts';
import { writeSnapshotCommit } from './write-snapshot-commit.ts';

type Input = { opened: SnapshotRepository; objects: ObjectStore; reason: string; signal: AbortSignal };

export function createSystemSnapshots(input: Input, ports: Pick<SyncPorts, 'env' | 'clock'>): SnapshotEngine {
  const { opened, reason } = input;
  const { repo, config, head, fileMode } = opened;
  const { worktree } = repo;
  const { env, clock } = ports;
  const gitFor = (signal: AbortSignal) => gitRunner({ repo, env, clock, signal });
  const objects = withPromised(input.objects, gitFor(input.signal));
  return {
    ...{ name: 'git', reason, objects },
    findChanges: (signal) => findBesideIndex({ repo, config, head, fileMode }, gitFor(signal)),
    async countTracked(signal) {
      const { out } = await gitFor(signal)(['ls-files', '--cached', '-z']);
      return out.reduce((count, byte) => (byte === 0 ? count + 1 : count), 0);
    },
    async readContent(change) {
      return change.kind === 'deleted' ? new Uint8Array() : readWhileStill(worktree, change);
    },
    storeBlobs: (changes, signal) => storeBlobs({ worktree, objects, git: gitFor(signal) }, changes),
    writeCommit: (content, signal) =>
      writeSnapshotCommit({ repo, config, objects, git: gitFor(signal) }, content),
    async openStored(changes, signal) {
      // For an answer nobody keeps: git clears such objects away.
      const gone = new Set(await storeBlobs({ worktree, objects, git: gitFor(signal) }, changes));
      return (change) => readStored(change, { worktree, objects, gone });
    },
    lookAtPlaces: (paths, signal) => lookAtPlaces(worktree, paths, gitFor(signal)),
    openFiles: (files, signal) => writeFilesAside({ repo, objects, git: gitFor(signal) }, files),
  };
}

async function readStored(
  change: FileChange,
  { worktree, objects, gone }: { worktree: string; objects: ObjectStore; gone: ReadonlySet<FileChange> },
): Promise<Buffer> {
  if (change.kind === 'deleted') return Buffer.alloc(0);
  const { path, oid, mode } = change;
  // The same words as for a file that changed while the built-in engine looked at it.
  if (gone.has(change) || mode === FILE_MODE.symlink) return readExactContent({ worktree, path, oid });
  return (await objects.read(oid)).content;
}

/** All at once, since each filter costs a process; what is touched afterwards counts as unknown. */
async function lookAtPlaces(worktree: string, paths: readonly RepoPath[], git: RunGit) {
  const before = new Map<RepoPath, BigIntStats>();
  for (const path of paths) {
    const stats = await statOf(worktree, path);
    if (stats?.isFile()) before.set(path, stats);
  }
  const files = [...before.keys()];
  const oids = await hashFiles(git, files, { write: false });
  const filtered = new Map(files.map((path, at) => [path, oids[at]]));
  const { signal } = new AbortController();
  return async (path: RepoPath, found: BigIntStats, oid: string) => {
    const seen = before.get(path);
    if (seen && isSameStat(seen, found) && filtered.get(path) === oid) return true;
    // Links pass no filter; and bytes that are the blob's own are kept in it, whatever the rules say by now.
    const content = await readFileContent(worktree, path, signal);
    return content !== null && content.oid === oid && isSameStat(content.stats, found);
  };
}
