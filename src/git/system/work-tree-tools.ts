// What bringing a branch to another commit asks of the system's git: contents pass its filters on the way in and out,
// the index keeps its form (split, sparse, any version), merges are signed where commits are.

import { readFile } from 'node:fs/promises';
import { Failure } from '../../model/failure.ts';
import { readFileContent } from '../changes/file-content.ts';
import { IndexFile } from '../index/index-file.ts';
import type { NewFiles, PlaceContent, WantedFile, WorkTreeTools } from '../integrate/work-tree-tools.ts';
import { displayPath, type RepoPath } from '../paths.ts';
import type { ProbedRepository } from '../probe/probe.ts';
import type { ChosenRemote } from '../remote/remote-choice.ts';
import type { SyncPorts } from '../sync/sync-ports.ts';
import type { ObjectStore } from '../types.ts';
import { findHooks } from './commit-hooks.ts';
import { moveRefBySystem } from './move-ref.ts';
import { withPromised } from './promised-objects.ts';
import { publishMove } from './publish-move.ts';
import type { RunGit } from './run-git.ts';
import { copyIndex, openScratch, readIndexStat } from './scratch-index.ts';
import { findOutside } from './sparse-paths.ts';
import { hashFiles } from './stored-content.ts';
import { isSameStat } from './system-changes.ts';
import { namedInReflog, writeMergeBySystem } from './system-merge.ts';
import { openSystemRemote, reaching } from './system-remote.ts';
import { writeFilesTo } from './write-files.ts';

type ToolsInput = {
  probe: ProbedRepository;
  objects: ObjectStore;
  git: RunGit;
  /** For commands that may have to ask the remote for contents. */
  reaching: RunGit;
  boundTo: WorkTreeTools['boundTo'];
};

const MOST_TRIES = 5;

/** The caller holds the repository lock. @throws Failure `insecure-remote`, `write-refused`, `disk-full` */
export async function openSystemTools(
  input: Pick<ToolsInput, 'probe' | 'objects'> & { gitFor(signal: AbortSignal): RunGit; signal: AbortSignal },
  remote: ChosenRemote,
  ports: Pick<SyncPorts, 'credentialFor' | 'env'>,
): Promise<WorkTreeTools> {
  const opened = await openSystemRemote(remote, input.probe, ports);
  const { probe, objects, gitFor } = input;
  const boundTo = (signal: AbortSignal): WorkTreeTools => {
    const git = gitFor(signal);
    return systemTools({ probe, objects, git, reaching: reaching(git, opened), boundTo });
  };
  return boundTo(input.signal);
}

function systemTools(input: ToolsInput): WorkTreeTools {
  const { probe, git, reaching: reach } = input;
  const { repo, config } = probe;
  const objects = withPromised(input.objects, reach);
  let outside: ReadonlySet<string> = new Set();
  return {
    name: 'git',
    objects,
    mayRebase: !(config.getBoolean('commit.gpgSign') ?? false),
    refuse: async () => undefined,
    readIndex: () => readWholeIndex(input),
    async findOutside(differences, index) {
      outside = await findOutside({ repo, config, git: reach }, differences, index);
      return outside;
    },
    readContent: (path, signal) => readPlace(input, path, signal),
    openFiles: async (files, folder) => openNewFiles({ objects, git: reach }, files, folder),
    async publish(publication) {
      const isMoved = await publishMove(publication, {
        ...{ repo, git, readIndex: () => readWholeIndex(input), outside: () => outside },
      });
      const hooks = isMoved ? await findHooks(probe, git) : new Set();
      if (hooks.has('post-merge')) {
        await git(['hook', 'run', '--ignore-missing', 'post-merge', '--', '0'], { changes: true });
      }
      return isMoved;
    },
    moveRef: ({ ref, expected, next, reflog }) =>
      moveRefBySystem({
        ...{ repo, git, ref, expected, next, message: reflog?.message ?? '' },
        env: namedInReflog(reflog?.who),
      }),
    writeMerge: (merge, maker) => writeMergeBySystem({ probe, git }, merge, maker),
    boundTo: input.boundTo,
  };
}

/** Every entry, in a form that is read here. The time is the real index's, which decides what is racy. */
async function readWholeIndex({ probe, git }: ToolsInput): Promise<IndexFile> {
  const scratch = await openScratch(probe.repo);
  try {
    const copy = await copyIndex(probe.repo, `${scratch.folder}/whole`, git, { keepForm: false });
    if (copy.copied === null) await copy.run(['read-tree', '--empty']);
    const plain = ['-c', 'index.sparse=false', '-c', 'index.skipHash=false', 'update-index'];
    await copy.run([...plain, '--no-split-index', '--index-version', '2', '--force-write-index']);
    const now = await readIndexStat(probe.repo);
    if (now?.mtimeNs !== copy.copied?.mtimeNs) {
      throw new Failure('index-busy', `The index of ${probe.repo.worktree} changed while it was read.`);
    }
    return new IndexFile(await readFile(copy.path), copy.copied?.mtimeNs ?? 0n);
  } finally {
    await scratch.close();
  }
}

async function readPlace(
  { probe, git }: ToolsInput,
  path: RepoPath,
  signal: AbortSignal,
): Promise<PlaceContent | null> {
  for (let attempt = 1; attempt <= MOST_TRIES; attempt++) {
    const before = await readFileContent(probe.repo.worktree, path, signal);
    if (before === null || before.stats.isSymbolicLink()) return before;
    const [storedAs] = await hashFiles(git, [path], { write: false });
    const after = await readFileContent(probe.repo.worktree, path, signal);
    if (after !== null && isSameStat(before.stats, after.stats) && storedAs !== undefined) {
      return { ...after, storedAs };
    }
  }
  throw new Failure('file-changing', `${displayPath(path)} keeps changing while it is read.`);
}

function openNewFiles(
  store: { objects: ObjectStore; git: RunGit },
  files: readonly WantedFile[],
  folder: string,
): NewFiles {
  const sourceOf = writeFilesTo(folder, store, files);
  return {
    async pathOf(path) {
      const source = await sourceOf(path);
      if (source.kind === 'file') return source.path;
      const why = source.kind === 'refused' ? source.reason : 'it is a link';
      throw new Failure('filter-failed', `${displayPath(path)} cannot be written: ${why}`);
    },
  };
}
