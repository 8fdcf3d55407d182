// The live feed's messages. Ids come from the database and only grow.

import type { JobId, ProjectId } from './ids.ts';

export const EVENT_TYPES = [
  'service.started',
  'service.stopped',
  'service.config',
  'project.added',
  'project.changed',
  'project.removed',
  'project.state',
  'change.detected',
  'scan.started',
  'scan.finished',
  'job.scheduled',
  'job.ready',
  'job.running',
  'job.idle',
  'job.parked',
  'run.finished',
  'machine.state',
  'gate.paused',
  'gate.resumed',
  'file.held',
  'file.released',
  'notice',
] as const;
export type EventType = (typeof EVENT_TYPES)[number];

/** `at` is epoch milliseconds. */
export type FeedEvent = {
  id: number;
  at: number;
  type: EventType;
  projectId: ProjectId | null;
  jobId: JobId | null;
  data: Record<string, unknown>;
};
