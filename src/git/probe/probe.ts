// Decides, before anything is touched, whether the built-in engine may work in a repository, and reads what
// every sync needs to know of it. The order of the checks is that of their weight: refuse, pause, system git.

import { Failure, type Reason } from '../../model/failure.ts';
import { readIdentity } from '../config/identity.ts';
import { type Environment, type GitConfig, readGitConfig } from '../config/user-config.ts';
import { readHead } from '../refs/refs.ts';
import { openRepository } from '../repository.ts';
import type { Head, Identity, Repository } from '../types.ts';
import { findGeneralFeatures, findSystemGitFeature, outcomeOf } from './probe-features.ts';
import { findFormatObstacle } from './probe-format.ts';
import { outlineIndex } from './probe-index.ts';
import { findOperation } from './probe-operations.ts';

export type ProbeInput = {
  worktree: string;
  /** As it was opened a moment ago; left out, the work tree is opened here. */
  repo?: Repository;
  env: Environment;
  homeDir: string;
  /** Epoch milliseconds, for the age of locks. */
  now: number;
};

/** What a sync needs to know of a repository in which some engine may work. */
export type ProbedRepository = {
  repo: Repository;
  config: GitConfig;
  head: Head & { kind: 'branch' };
  /** Null when git's configuration names nobody. */
  identity: Identity | null;
  /** Whether execute bits on disk mean anything. */
  fileMode: boolean;
  ignoreCase: boolean;
  precomposeUnicode: boolean;
  /** False only where the configuration switches flushing off. */
  fsync: boolean;
};

/** `repo` of a blocked one is null when there is none. */
export type ProbeResult =
  | (ProbedRepository & { kind: 'ready' })
  /** Only the system's git may work here; `feature` says why, in words after the repository's name. */
  | (ProbedRepository & { kind: 'needs-git'; feature: string })
  | { kind: 'blocked'; reason: Reason; repo: Repository | null };

/**
 * Looks at the repository anew; costs some milliseconds. Faults that a person has to correct are answers.
 * @throws Failure with a code that is retried, for example `file-unreadable`
 */
export async function probeRepository(input: ProbeInput): Promise<ProbeResult> {
  let repo: Repository | null = null;
  try {
    repo = input.repo ?? (await openRepository(input.worktree));
    return await look(repo, input);
  } catch (error) {
    if (error instanceof Failure && !error.retryable) return { kind: 'blocked', reason: error.reason, repo };
    throw error;
  }
}

async function look(repo: Repository, input: ProbeInput): Promise<ProbeResult> {
  const { env, homeDir, now } = input;
  const config = await readGitConfig({ repo, env, homeDir });
  // All is read at once and judged in the order of its weight: every sync waits for this.
  const [format, headRead, indexRead, general] = await Promise.allSettled([
    findFormatObstacle(repo, config),
    readHead(repo),
    outlineIndex(repo),
    findGeneralFeatures({ repo, config, env, homeDir }),
  ]);
  const obstacle = outcomeOf(format);
  if (obstacle) return { kind: 'blocked', reason: obstacle, repo };
  const [head, index] = [outcomeOf(headRead), outcomeOf(indexRead)];
  const operation = await findOperation({ repo, head, index, now });
  if (operation) return { kind: 'blocked', reason: operation, repo };
  const feature = await findSystemGitFeature({ repo, config, env, homeDir, index }, outcomeOf(general));
  if (head.kind === 'detached') throw new Error('A detached HEAD is an operation under way.');
  const probed: ProbedRepository = {
    repo,
    config,
    head,
    identity: readIdentity(config, env),
    fileMode: config.getBoolean('core.fileMode') ?? true,
    ignoreCase: config.getBoolean('core.ignoreCase') ?? false,
    precomposeUnicode: config.getBoolean('core.precomposeUnicode') ?? false,
    fsync: wantsFsync(config),
  };
  return feature === null ? { kind: 'ready', ...probed } : { kind: 'needs-git', feature, ...probed };
}

const FLUSHES_OBJECTS = new Set(['loose-object', 'objects', 'committed', 'added', 'all']);

/** Git does not flush loose objects unless asked to; work that was said to be safe should outlive a power cut. */
function wantsFsync(config: GitConfig): boolean {
  const legacy = config.getBoolean('core.fsyncObjectFiles') ?? true;
  const parts =
    config
      .get('core.fsync')
      ?.toLowerCase()
      .split(/[,\s]+/) ?? [];
  return parts.reduce((wanted, part) => {
    if (part === 'none') return false;
    if (FLUSHES_OBJECTS.has(part)) return true;
    return part.startsWith('-') && FLUSHES_OBJECTS.has(part.slice(1)) ? false : wanted;
  }, legacy);
}
