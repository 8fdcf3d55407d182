// How far each remote of a project is: the primary, and mirrors with a backoff of their own.

import type { Reason } from './failure.ts';
import type { GithubConfig } from './project-config.ts';

/**
 * - `pending`: lacks something, to be brought by the next sync; - `retrying`: a try failed, the next is at `retryAt`;
 * - `blocked`: a person has to act; tried again when a sync is asked for, after a restart or a change of the settings.
 */
export const REMOTE_STATES = ['safe', 'pending', 'retrying', 'blocked'] as const;

/** One remote as the last sync left it. Instants are epoch milliseconds. */
export type RemoteState = {
  name: string;
  primary: boolean;
  /** Holds no credentials. */
  url: string;
  /** Patterns of the branches that are to be there. */
  branches: string[];
  state: (typeof REMOTE_STATES)[number];
  /** Of a mirror: its tips as last seen or pushed, by branch. The primary's are in the project's facts. */
  tips: Record<string, string>;
  reason: Reason | null;
  /** Failed tries since the last success. */
  failures: number;
  /** Without mirrors the primary has none: its job's own time counts. */
  retryAt: number | null;
  /** The last instant at which everything was known to be there; null if never. */
  lastSafeAt: number | null;
  /** Of the primary: the address to which its host sends on; requests go there. Left out: it has not moved. */
  movedTo?: string | undefined;
  /** Of the primary: work that its branch there does not take, and the branch that has it. Left out: there is none. */
  asides?: BranchAside[] | undefined;
};

/** `why` in words. */
export type BranchAside = { branch: string; head: string; why: string };

/** The host gate of a lane that passes none: a mirrored project's sync looks at the gate of each remote by itself. */
export const NO_HOST_GATE = 'host:none';
/** As many of its jobs as wish run at once: they share no credential, or none that is known before they run. */
export const NO_CREDENTIAL_GATE = 'cred:none';

/** Whether each remote, the primary included, has a backoff of its own. Without mirrors the job has it. */
export function isMirrored(remotes: readonly RemoteState[]): boolean {
  return remotes.some((remote) => !remote.primary);
}

/** The remote that keeps a mirrored project from being safe; one that needs a person comes first. Null: none does. */
export function unsafeRemote(remotes: readonly RemoteState[]): RemoteState | null {
  if (!isMirrored(remotes)) return null;
  const unsafe = remotes.filter((remote) => remote.state !== 'safe');
  const first = unsafe.find((remote) => remote.state === 'blocked');
  return first ?? unsafe.find((remote) => remote.state === 'retrying') ?? unsafe[0] ?? null;
}

/**
 * Whether a mirror needs a sync although nothing changed here: it is new in the settings or gone from them, its time
 * has come, or it waits for a person who may have acted before the start (`firstLook`).
 */
export function mirrorsDue(
  github: Pick<GithubConfig, 'remotes'>,
  remotes: readonly RemoteState[],
  { now, firstLook }: { now: number; firstLook: boolean },
): boolean {
  const known = remotes.filter((remote) => !remote.primary);
  const wished = github.remotes ?? [];
  const isKnown = ({ name }: { name: string }) => known.some((remote) => remote.name === name);
  const isWished = ({ name }: { name: string }) => wished.some((remote) => remote.name === name);
  if (!known.every(isWished) || !wished.every(isKnown)) return true;
  if (known.length === 0) return false;
  return remotes.some(({ state, retryAt }) => {
    if (state === 'retrying') return retryAt === null || retryAt <= now;
    return state === 'pending' || (state === 'blocked' && firstLook);
  });
}

/**
 * The tips that count when a branch here is compared with the primary: of a branch whose work waits beside it there,
 * the tip of the branch that has the work.
 */
export function syncedTips(facts: {
  remoteTips: Readonly<Record<string, string>>;
  remotes: readonly RemoteState[];
}): Readonly<Record<string, string>> {
  const asides = facts.remotes.find(({ primary }) => primary)?.asides ?? [];
  const tips: Record<string, string> = { ...facts.remoteTips };
  for (const { branch, head } of asides) {
    const tip = facts.remoteTips[head];
    if (tip !== undefined) tips[branch] = tip;
  }
  return tips;
}
