// From the model to the wire: instants as ISO 8601, ids as text, no credential anywhere.

import { redact } from '../host/log.ts';
import type { FeedEvent } from '../model/event.ts';
import type { Reason } from '../model/failure.ts';
import type { ProjectId } from '../model/ids.ts';
import type { JobView } from '../model/job.ts';
import type { SyncProgress } from '../model/progress.ts';
import type { Run } from '../model/run.ts';
import type { FeedMessage } from './schemas/feed.ts';
import type { WireActiveJob, WireJob } from './schemas/job.ts';
import type { WireRun } from './schemas/run.ts';

/** The last instant with a year of four digits; a stored one beyond it must not break an answer. */
const LAST_INSTANT = 253_402_300_799_999;

/** `at` is epoch milliseconds. */
export function isoOf(at: number): string {
  return new Date(Math.min(at, LAST_INSTANT)).toISOString();
}

export function isoOrNull(at: number | null): string | null {
  return at === null ? null : isoOf(at);
}

/**
 * A remote's address as it may be shown. Over http nothing but scheme, host and path stays: user info and
 * query may be secrets. `ssh://git@host` and `git@host:path` keep the user name, never a password.
 */
export function withoutCredentials(url: string): string {
  if (!URL.canParse(url)) return redact(url);
  const parsed = new URL(url);
  const isHttp = parsed.protocol === 'http:' || parsed.protocol === 'https:';
  const { username, password, search, hash } = parsed;
  // Written anew only where needed, because that also changes harmless spellings.
  if (password === '' && (!isHttp || username + search + hash === '')) return url;
  parsed.password = '';
  if (isHttp) {
    parsed.username = '';
    parsed.search = '';
    parsed.hash = '';
  }
  return parsed.href;
}

export function wireReason(reason: Reason): { code: Reason['code']; detail: string; action: string } {
  return { code: reason.code, detail: redact(reason.detail), action: reason.action };
}

/** A job that runs, with how far it has come as `progressOf` knows it. */
export function wireActiveJob(
  job: JobView,
  { progress }: { progress(projectId: ProjectId): SyncProgress | null },
): WireActiveJob {
  return { ...wireJob(job), progress: progress(job.projectId) };
}

export function wireJob(job: JobView): WireJob {
  return {
    jobId: String(job.jobId),
    projectId: job.projectId,
    state: job.state,
    priority: job.priority,
    attempt: job.attempt,
    runAt: isoOrNull(job.runAt),
    startedAt: isoOrNull(job.startedAt),
    waitingFor: job.waitingFor,
    lastError: job.lastError && wireReason(job.lastError),
  };
}

export function wireRun(run: Run): WireRun {
  return {
    runId: run.runId,
    projectId: run.projectId,
    projectName: run.projectName,
    status: run.status,
    trigger: run.trigger,
    startedAt: isoOf(run.startedAt),
    finishedAt: isoOrNull(run.finishedAt),
    durationMs: durationOf(run),
    attempt: run.attempt,
    commit: run.commit,
    branch: run.branch,
    filesChanged: run.filesChanged,
    bytesPushed: run.bytesPushed,
    remotes: run.remotes.map(({ name, branch, status, from, to }) => ({ name, branch, status, from, to })),
    error: run.error && { ...wireReason(run.error), retryable: run.error.retryable },
  };
}

/** Whole milliseconds; a clock set back while it ran must not give a negative one. */
export function durationOf(run: Pick<Run, 'startedAt' | 'finishedAt'>): number | null {
  return run.finishedAt === null ? null : Math.max(0, Math.round(run.finishedAt - run.startedAt));
}

export function wireEvent(event: FeedEvent): FeedMessage {
  return {
    id: event.id,
    at: isoOf(event.at),
    type: event.type,
    projectId: event.projectId,
    jobId: event.jobId === null ? null : String(event.jobId),
    data: wireData(event.data) as Record<string, unknown>,
  };
}

/**
 * For the open shapes, event data and settings: every text loses credentials, and every number whose key
 * says that it is an instant (`runAt`, `pausedUntil`) becomes ISO text.
 */
export function wireData(value: unknown, key = ''): unknown {
  if (typeof value === 'string') return redact(value).replace(SECRET_QUERY, '$1[redacted]');
  if (typeof value === 'number') return INSTANT_KEY.test(key) ? isoOf(value) : value;
  if (Array.isArray(value)) return value.map((inner) => wireData(inner, key));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, wireData(inner, name)]));
}

const SECRET_QUERY = /([?&](?:auth_?token|access_token|token|jwt|password|secret)=)[^&\s"]+/gi;
const INSTANT_KEY = /[a-z](?:At|Until)$/;
