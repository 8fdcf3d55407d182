// How far each remote of a project is: the primary, and mirrors with a backoff of their own.

import { matchesBranch } from './branch-match.ts';
import type { Reason } from './failure.ts';

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
  retryAt: number | null;
  /** The last instant at which everything was known to be there; null if never. */
  lastSafeAt: number | null;
};

/** The mirror that keeps the project from being safe; one that needs a person comes first. Null: none does. */
export function unsafeMirror(remotes: readonly RemoteState[]): RemoteState | null {
  const unsafe = remotes.filter((remote) => !remote.primary && remote.state !== 'safe');
  return unsafe.find((remote) => remote.state === 'blocked') ?? unsafe[0] ?? null;
}

/**
 * Whether a sync would bring a mirror something new: it is due, or a branch that it was told to have has moved since.
 * A mirror that waits for its next try or for a person asks for nothing. `branches`: local tips by name.
 */
export function mirrorsNeedSync(
  remotes: readonly RemoteState[],
  branches: Readonly<Record<string, string>>,
  now: number,
): boolean {
  return remotes.some((remote) => {
    if (remote.primary) return false;
    if (remote.state === 'retrying') return (remote.retryAt ?? 0) <= now;
    if (remote.state !== 'safe') return false;
    return Object.entries(branches).some(
      ([branch, tip]) => matchesBranch(remote.branches, branch) && remote.tips[branch] !== tip,
    );
  });
}

/** A mirror as the settings name it. `url` holds no credentials. */
export type MirrorSettings = Pick<RemoteState, 'name' | 'url' | 'branches'>;

/** Whether the settings name other mirrors than the last sync met, or one of these waits for the next sync. */
export function mirrorsAreNew(settings: readonly MirrorSettings[], remotes: readonly RemoteState[]): boolean {
  const mirrors = remotes.filter((remote) => !remote.primary);
  if (mirrors.length !== settings.length) return true;
  return settings.some((mirror) => (findMirror(mirror, mirrors)?.state ?? 'pending') === 'pending');
}

/** What is known of a mirror; null when its settings changed since. */
export function findMirror(settings: MirrorSettings, remotes: readonly RemoteState[]): RemoteState | null {
  const { name, url, branches } = settings;
  const found = remotes.find((remote) => !remote.primary && remote.name === name && remote.url === url);
  return found?.branches.join(' ') === branches.join(' ') ? found : null;
}
