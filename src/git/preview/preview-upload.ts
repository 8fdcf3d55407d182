// What a folder would bring to a remote if it were synced now: files of commits that the remote lacks, files that would
// be committed, and what the guard would keep back. Writes nothing, also not to a folder that is no repository yet.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Failure } from '../../model/failure.ts';
import type { UploadPreview } from '../../model/github.ts';
import type { HeldFile } from '../../model/project.ts';
import type { GithubConfig } from '../../model/project-config.ts';
import { openObjects } from '../objects/objects.ts';
import { displayPath } from '../paths.ts';
import { probeRepository } from '../probe/probe.ts';
import { listRefs } from '../refs/refs.ts';
import { walkAhead } from '../remote/commit-walk.ts';
import { newFiles } from '../remote/new-files.ts';
import { chooseRemote } from '../remote/remote-choice.ts';
import { judgeChanges } from '../snapshot/judge-changes.ts';
import { findWork, withEngine } from '../snapshot/protect.ts';
import { createBuiltinEngine } from '../sync/builtin-engine.ts';
import type { SyncPorts } from '../sync/sync-ports.ts';
import { FILE_MODE, type FileChange, type ObjectStore } from '../types.ts';
import { createGitDir } from './init-repository.ts';

type PreviewInput = {
  worktree: string;
  github: Pick<GithubConfig, 'remoteUrl' | 'guard' | 'engine'>;
  signal: AbortSignal;
};

/** Files named as examples. */
const MOST_SAMPLES = 20;
const MOST_HELD = 500;

/** @throws Failure as snapshots do; the signal's reason when it is aborted */
export async function previewUpload(input: PreviewInput, ports: SyncPorts): Promise<UploadPreview> {
  return withEngine(input, ports, async (opened, engine) => {
    const { wanted, held } = await findWork(input, ports, engine);
    const { head, repo, config } = opened;
    const chosen = chooseRemote(input.github, config, { keepSsh: true });
    const remote = chosen.kind === 'chosen' ? chosen.remote : null;
    const tracking = remote?.tracked ? await listRefs(repo, `refs/remotes/${remote.name}/`) : new Map();
    const known = [...tracking.values()] as string[];
    const committed =
      head.oid === null
        ? NO_COMMITS
        : await inCommits(head.oid, known, { ...input, objects: engine.objects }, ports);
    const branch = head.kind === 'branch' ? head.branch : null;
    return summary({ isRepository: true, branch, remoteUrl: remote?.url ?? null }, wanted, held, committed);
  });
}

/** Of a folder that is no repository yet: everything that git would not ignore. */
export async function previewFolder(input: PreviewInput, ports: SyncPorts): Promise<UploadPreview> {
  const scratch = await mkdtemp(join(tmpdir(), 'gitferry-preview-'));
  try {
    const { worktree, github, signal } = input;
    const { env, homeDir, clock } = ports;
    const repo = await createGitDir(worktree, join(scratch, 'git'), { env, homeDir });
    const probe = await probeRepository({ repo, worktree, env, homeDir, now: clock.now() });
    if (probe.kind === 'blocked') {
      const { code, detail, action } = probe.reason;
      throw new Failure(code, detail, { action });
    }
    const objects = openObjects(repo, { fsync: false });
    try {
      const engine = createBuiltinEngine(probe, objects, ports);
      const { changes } = await engine.findChanges('all', signal);
      const { guard } = ports;
      const { wanted, held } = await judgeChanges({ engine, changes, settings: github.guard, guard, signal });
      const about = { isRepository: false, branch: probe.head.branch, remoteUrl: github.remoteUrl ?? null };
      return summary(about, wanted, held, NO_COMMITS);
    } finally {
      await objects.close();
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

type Committed = { commits: number; files: number; bytes: number; held: HeldFile[]; sample: string[] };
const NO_COMMITS: Committed = { commits: 0, files: 0, bytes: 0, held: [], sample: [] };

/** As a push would send them: every content once, oldest first. */
async function inCommits(
  tip: string,
  known: readonly string[],
  { objects, github, signal }: PreviewInput & { objects: ObjectStore },
  { guard }: Pick<SyncPorts, 'guard'>,
): Promise<Committed> {
  const { ahead } = await walkAhead({ objects, tip, known, limit: Number.POSITIVE_INFINITY });
  const sum: Committed = { commits: ahead.length, files: 0, bytes: 0, held: [], sample: [] };
  for await (const files of newFiles({ objects, tip, known, skip: new Set(), signal })) {
    const stored = files.filter(({ mode }) => mode !== FILE_MODE.submodule);
    for (const { path, oid } of stored) {
      sum.files += 1;
      sum.bytes += (await objects.open(oid)).sizeBytes;
      if (sum.sample.length < MOST_SAMPLES) sum.sample.push(displayPath(path));
    }
    const { held } = await guard({
      files: stored.map(({ path, oid, mode }) => ({
        ...{ path: displayPath(path), kind: 'added' as const, sizeBytes: 0, oid },
        isSymlink: mode === FILE_MODE.symlink,
      })),
      trackedFiles: files.length,
      settings: github.guard,
      committed: true,
      read: async (_path, oid) => (await objects.open(oid)).chunks,
      signal,
    });
    const commit = files[0]?.commit;
    if (commit !== undefined) sum.held.push(...held.map(({ sizeBytes, ...file }) => ({ ...file, commit })));
  }
  return sum;
}

/** A person decides about files: one that is held in several commits, or there and in the work tree, is named once. */
function onceAPath(held: readonly HeldFile[]): HeldFile[] {
  const byPath = new Map<string, HeldFile>();
  for (const file of held) if (!byPath.has(file.path)) byPath.set(file.path, file);
  return [...byPath.values()];
}

function summary(
  about: Pick<UploadPreview, 'isRepository' | 'branch' | 'remoteUrl'>,
  wanted: readonly FileChange[],
  held: readonly HeldFile[],
  committed: Committed,
): UploadPreview {
  const present = wanted.filter((change) => change.kind !== 'deleted');
  const bytes = present.reduce((sum, change) => sum + change.sizeBytes, 0);
  const all = onceAPath([...committed.held, ...held]);
  const names = [...committed.sample, ...present.map(({ path }) => displayPath(path))];
  return {
    ...about,
    files: present.length + committed.files,
    bytes: bytes + committed.bytes,
    uncommittedFiles: wanted.length,
    unpushedCommits: committed.commits,
    sample: [...new Set(names)].slice(0, MOST_SAMPLES),
    heldCount: all.length,
    held: all.slice(0, MOST_HELD),
  };
}
