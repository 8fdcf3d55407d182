// Opens a repository for snapshots. More is allowed than for a sync: whatever a person has under way in it, their
// work can be kept, because nothing but objects and a side branch is written. Formats that are not understood stay out.

import { Failure, type Reason } from '../../model/failure.ts';
import { type IgnoreRules, openIgnoreRules } from '../changes/ignore.ts';
import { readIdentity } from '../config/identity.ts';
import { type Environment, type GitConfig, readGitConfig } from '../config/user-config.ts';
import { findSystemGitFeature } from '../probe/probe-features.ts';
import { findFormatObstacle } from '../probe/probe-format.ts';
import { outlineIndex } from '../probe/probe-index.ts';
import { readHead } from '../refs/refs.ts';
import { rebasedBranch } from '../refs/worked-on.ts';
import { openRepository } from '../repository.ts';
import type { Head, Identity, Repository } from '../types.ts';

export type SnapshotRepository = {
  repo: Repository;
  config: GitConfig;
  ignore: IgnoreRules;
  /** During a rebase the branch that is being rebased, at the commit that is checked out. */
  head: Head;
  identity: Identity | null;
  /** Whether execute bits and links on disk mean anything (core.fileMode, core.symlinks). */
  fileMode: boolean;
  symlinks: boolean;
  /** What only the system's git does right here, in words after the repository's name; null when there is nothing. */
  feature: string | null;
};

type OpenInput = { worktree: string; env: Environment; homeDir: string };

/** @throws Failure with the code that says why not: `folder-missing`, `index-corrupt`, `unsupported-ref-storage`, … */
export async function openForSnapshot(input: OpenInput): Promise<SnapshotRepository> {
  const { env, homeDir } = input;
  const repo = await openRepository(input.worktree);
  const config = await readGitConfig({ repo, env, homeDir });
  const obstacle = await findFormatObstacle(repo, config);
  if (obstacle) throw asFailure(obstacle);
  const index = await outlineIndex(repo);
  return {
    ...{ repo, config },
    ignore: openIgnoreRules({ repo, config, env, homeDir }),
    head: await workHead(repo),
    identity: readIdentity(config, env),
    fileMode: config.getBoolean('core.fileMode') ?? true,
    symlinks: config.getBoolean('core.symlinks') ?? true,
    feature: await findSystemGitFeature({ repo, config, env, homeDir, index }),
  };
}

/** A rebase detaches HEAD at every step; without this each step would get a snapshot branch of its own. */
async function workHead(repo: Repository): Promise<Head> {
  const head = await readHead(repo);
  if (head.kind === 'branch') return head;
  const branch = await rebasedBranch(repo);
  return branch === null ? head : { kind: 'branch', ref: `refs/heads/${branch}`, branch, oid: head.oid };
}

function asFailure({ code, detail, action }: Reason): Failure {
  return new Failure(code, detail, { action });
}
