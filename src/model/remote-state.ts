// How far each remote of a project is: the primary, and mirrors with a backoff of their own.

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
