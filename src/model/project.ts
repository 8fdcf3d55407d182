// A project as the service knows it, and the pure rule that names its state.

import type { ConflictChoice, ConflictFile } from './conflict.ts';
import { type Reason, reasonOf } from './failure.ts';
import type { ProjectId } from './ids.ts';
import type { JobView } from './job.ts';
import type { GithubConfig } from './project-config.ts';
import { type RemoteState, unsafeRemote } from './remote-state.ts';

/** Where a project's settings live: its own project.json, or the database when it has none. */
export type ConfigHome = 'file' | 'database';

/** A file kept back by the guard. `rule` names the pattern or limit; `line` is 1-based where known. */
export type HeldFile = {
  path: string;
  reason: 'secret' | 'too-large' | 'denied-name';
  rule: string;
  line?: number;
  /** The exact content that was held, as git names it; left out in what older versions stored. */
  oid?: string;
  sizeBytes?: number;
  /** Committed already, by the person: a commit here that has it. Left out: it is in the work tree only. */
  commit?: string;
  /** Since when the path is held, epoch milliseconds; left out in what older versions stored. */
  since?: number;
};

/**
 * Deletions that wait for a person's word. `digest` names the exact set of paths, in this very folder (`root`);
 * `sample` has the first of them. Older versions stored neither `root` nor `sample`.
 */
export type RefusedDeletions = {
  deleted: number;
  tracked: number;
  digest: string;
  root?: string;
  sample?: string[];
};

/** What a person let pass once. Each entry is good for one content or one set of deletions, and used up by it. */
export type Releases = {
  files: { path: string; oid: string }[];
  /** `digest` of the confirmed deletions. */
  deletions: string | null;
};

export const NO_RELEASES: Releases = { files: [], deletions: null };

export const ENGINES = ['builtin', 'git', 'mcp'] as const;
/** `reason` is null for the built-in engine. */
type EngineFact = { name: (typeof ENGINES)[number]; reason: string | null };

/** What the last look at the repository found. Instants are epoch milliseconds. */
export type ProjectFacts = {
  /** Checked-out branch, null when HEAD is detached or unborn is unknown. */
  branch: string | null;
  /** Changed files not committed yet, held ones not counted. */
  pendingFiles: number;
  /** Commits on matching branches that the remote lacks. */
  unpushedCommits: number;
  /** Commits that only the remote has; counted as 1 when their number is not known here. */
  behindCommits: number;
  heldFiles: HeldFile[];
  refusedDeletions: RefusedDeletions | null;
  /** What keeps this side and the remote's apart; empty when nothing does. */
  conflictFiles: ConflictFile[];
  /** Tips of the remote's branches as last seen or pushed, by branch name. */
  remoteTips: Record<string, string>;
  /** The primary first, then the mirrors; empty before the first push. */
  remotes: RemoteState[];
  /** Which git works here and why it is not the built-in one; null before the first sync came so far. */
  engine: EngineFact | null;
  /** Why syncing cannot go on, until a later look finds otherwise. */
  blocked: Reason | null;
  /** The last instant at which everything was known to be on every remote; null if never. */
  lastSafeAt: number | null;
};

export const NO_FACTS: ProjectFacts = {
  branch: null,
  pendingFiles: 0,
  unpushedCommits: 0,
  behindCommits: 0,
  heldFiles: [],
  refusedDeletions: null,
  conflictFiles: [],
  remoteTips: {},
  remotes: [],
  engine: null,
  blocked: null,
  lastSafeAt: null,
};

/** One enrolled project. `path` is absolute; `pausedUntil` is epoch milliseconds or null. */
export type Project = {
  projectId: ProjectId;
  projectName: string;
  machineId: string;
  path: string;
  configHome: ConfigHome;
  github: GithubConfig;
  pausedUntil: number | null;
  releases: Releases;
  /** What a person chose for exactly `facts.conflictFiles`, until they are resolved or others. */
  conflictChoice: ConflictChoice | null;
  facts: ProjectFacts;
};

export const PROJECT_STATES = [
  'safe',
  'pending',
  'syncing',
  'retrying',
  'offline',
  'rate-limited',
  'conflict',
  'blocked',
  'missing',
  'paused',
  'disabled',
] as const;
export type ProjectState = (typeof PROJECT_STATES)[number];

/** States in which a person has to do something. */
export const NEEDS_ATTENTION: ReadonlySet<ProjectState> = new Set(['conflict', 'blocked', 'missing']);

/** Whoever pauses a project knows it, and gives no reason; what its host made wait, a person has to be told. */
export function needsAttention(state: ProjectState, reason: object | null): boolean {
  return NEEDS_ATTENTION.has(state) || (state === 'paused' && reason !== null);
}

const CONFLICT_CODES = new Set([
  'content-conflict',
  'unrelated-histories',
  'remote-ahead',
  'remote-diverged',
  'push-rejected-non-fast-forward',
]);

/** A paused gate that concerns the project. */
export type GateState = { pausedUntil: number; reason: string };

export type StateInput = {
  github: Pick<GithubConfig, 'enabled'>;
  pausedUntil: number | null;
  facts: ProjectFacts;
  job: JobView | null;
  gate: GateState | null;
  /** The end of the quiet hours that are now; null or left out: there are none. */
  quietUntil?: number | null;
  now: number;
};

/** `now` is epoch milliseconds; what is not known is not paused. */
export function isPaused(project: Pick<Project, 'pausedUntil'> | undefined, now: number): boolean {
  return (project?.pausedUntil ?? 0) > now;
}

/** Names the state of a project; the first rule that holds wins. */
export function projectState(input: StateInput): { state: ProjectState; reason: Reason | null } {
  const { facts, job, gate, now } = input;
  const blocked = facts.blocked ?? (job?.state === 'parked' ? job.lastError : null);
  if (!input.github.enabled) return { state: 'disabled', reason: null };
  if (isPaused(input, now)) return { state: 'paused', reason: null };
  if (job?.state === 'running') return { state: 'syncing', reason: null };
  if (blocked?.code === 'folder-missing') return { state: 'missing', reason: blocked };
  if (blocked && CONFLICT_CODES.has(blocked.code)) return { state: 'conflict', reason: blocked };
  if (blocked?.code === 'repository-archived') return { state: 'paused', reason: blocked };
  if (blocked) return { state: 'blocked', reason: blocked };
  const remote = unsafeRemote(facts.remotes);
  if (remote?.state === 'blocked') return { state: 'blocked', reason: remote.reason };
  const waiting = job !== null && job.state !== 'idle';
  if (waiting && gate && gate.pausedUntil > now) {
    if (gate.reason === SUSPENDED) return { state: 'blocked', reason: suspended(job.lastError) };
    const offline = gate.reason === 'offline';
    return { state: offline ? 'offline' : 'rate-limited', reason: job.lastError };
  }
  if (waiting && job.attempt > 0) return { state: 'retrying', reason: job.lastError };
  if (remote) return { state: unsafeState(remote), reason: remote.reason };
  if (waiting || facts.pendingFiles > 0 || facts.unpushedCommits > 0 || facts.lastSafeAt === null) {
    return { state: 'pending', reason: quietReason(input) };
  }
  return { state: 'safe', reason: null };
}

const SUSPENDED = 'account-suspended';

/** Other projects of the account may have met something else before, or nothing. */
function suspended(last: Reason | null): Reason {
  if (last?.code === SUSPENDED) return last;
  return reasonOf(
    SUSPENDED,
    'The host told another project of this account that it is suspended or disabled.',
  );
}

function quietReason({ quietUntil = null }: StateInput): Reason | null {
  if (quietUntil === null) return null;
  return reasonOf('quiet-hours', `Saved work waits for the end of the quiet hours, ${instant(quietUntil)}.`);
}

const instant = (ms: number) => new Date(ms).toISOString();

/** Only the primary makes the project as such `offline` or `rate-limited`: behind a mirror the work is elsewhere too. */
function unsafeState({ state, primary, reason }: RemoteState): ProjectState {
  if (state !== 'retrying') return 'pending';
  if (reason?.code === SUSPENDED) return 'blocked';
  const waits = reason?.code === 'offline' || reason?.code === 'rate-limited' ? reason.code : 'retrying';
  return primary ? waits : 'retrying';
}
