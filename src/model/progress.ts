// How far a running sync has come, for people who watch it. Lives in memory only: the next one begins anew.

export const SYNC_PHASES = [
  'looking',
  'comparing',
  'checking',
  'committing',
  'pushing',
  'fetching',
  'integrating',
  'snapshot',
] as const;
export type SyncPhase = (typeof SYNC_PHASES)[number];

export type SyncProgress = {
  phase: SyncPhase;
  /** Objects (files, folders, commits) sent so far; null where nobody counts them. */
  objects: number | null;
  /** Of how many; null: not known. */
  objectsTotal: number | null;
  /** Bytes sent or received so far in this phase. */
  bytes: number;
};

export type ReportProgress = (progress: SyncProgress) => void;

/** A phase that has just begun. */
export function phaseBegun(phase: SyncPhase): SyncProgress {
  return { phase, objects: null, objectsTotal: null, bytes: 0 };
}
