// One attempt in the history, and what a sync reports of itself.

import type { Reason } from './failure.ts';
import type { ProjectId, RunId } from './ids.ts';
import type { Trigger } from './job.ts';

export const RUN_STATUSES = [
  'success',
  'failed',
  'retrying',
  'no-change',
  'blocked',
  'conflict',
  'crashed',
] as const;
export type RunStatus = (typeof RUN_STATUSES)[number];

/** What happened at one remote; `from`/`to` are object ids, null when the branch was or is absent. */
type RemoteResult = {
  name: string;
  branch: string;
  status: 'pushed' | 'up-to-date' | 'failed' | 'skipped';
  from: string | null;
  to: string | null;
};

/** Figures of one attempt. */
export type RunStats = {
  commit: string | null;
  branch: string | null;
  filesChanged: number;
  bytesPushed: number;
  remotes: RemoteResult[];
};

export const NO_STATS: RunStats = {
  commit: null,
  branch: null,
  filesChanged: 0,
  bytesPushed: 0,
  remotes: [],
};

/** Instants are epoch milliseconds; `status` is null while it runs. */
export type Run = RunStats & {
  runId: RunId;
  projectId: ProjectId;
  projectName: string;
  status: RunStatus | null;
  trigger: Trigger;
  startedAt: number;
  finishedAt: number | null;
  attempt: number;
  error: (Reason & { retryable: boolean }) | null;
};
