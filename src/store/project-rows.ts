// A project as its row: columns out, validated, and settings in. Knows no statement.

import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { CONFLICT_CHOICES } from '../model/conflict.ts';
import { Failure, type Reason } from '../model/failure.ts';
import { FAILURES, type FailureCode } from '../model/failure-codes.ts';
import type { ProjectId } from '../model/ids.ts';
import { ENGINES, type HeldFile, type Project, type RefusedDeletions } from '../model/project.ts';
import { type GithubConfig, GithubConfigSchema, timingsOf } from '../model/project-config.ts';
import { REMOTE_STATES } from '../model/remote-state.ts';
import type { Row, SqlArgs } from './database.ts';

/** The columns that `projectOf` reads, from `projects p`. */
export const PROJECT_COLUMNS = `p.project_id, p.project_name, p.machine_id, p.path, p.config, p.config_home,
  p.paused_until, p.branch, p.pending_files, p.unpushed_commits, p.behind_commits, p.held_files, p.remote_tips,
  p.blocked, p.last_safe_at, p.engine, p.remote_states, p.refused_deletions, p.released_files, p.confirmed_deletions,
  p.conflict_files, p.conflict_choice`;

const json = z.string().transform((text, context) => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    context.addIssue({ code: 'custom', message: 'is not JSON' });
    return z.NEVER;
  }
});
const HeldFileSchema = z.object({
  path: z.string(),
  reason: z.enum(['secret', 'too-large', 'denied-name']),
  rule: z.string(),
  line: z.int().optional(),
  oid: z.string().optional(),
  sizeBytes: z.int().optional(),
  commit: z.string().optional(),
  since: z.int().optional(),
});
const EngineSchema = z.object({ name: z.enum(ENGINES), reason: z.string().nullable() });
const ReasonSchema = z.object({
  code: z.custom<FailureCode>((code) => typeof code === 'string' && code in FAILURES, 'is not a known code'),
  detail: z.string(),
  action: z.string(),
});
const RemoteStateSchema = z.object({
  name: z.string(),
  primary: z.boolean(),
  url: z.string(),
  branches: z.array(z.string()),
  state: z.enum(REMOTE_STATES),
  tips: z.record(z.string(), z.string()),
  reason: ReasonSchema.nullable(),
  failures: z.int(),
  retryAt: z.int().nullable(),
  lastSafeAt: z.int().nullable(),
  movedTo: z.string().optional(),
  asides: z.array(z.object({ branch: z.string(), head: z.string(), why: z.string() })).optional(),
});
const Side = z.enum(['modified', 'deleted', 'added']);
const ConflictFileSchema = z.object({ path: z.string(), ours: Side, theirs: Side });
const RefusedDeletionsSchema = z.object({
  deleted: z.int(),
  tracked: z.int(),
  digest: z.string(),
  root: z.string().optional(),
  sample: z.array(z.string()).optional(),
});
const ReleasedFileSchema = z.object({ path: z.string(), oid: z.string() });
const ProjectRowSchema = z.object({
  project_id: z.string(),
  project_name: z.string(),
  machine_id: z.string(),
  path: z.string(),
  config: json.pipe(GithubConfigSchema),
  config_home: z.enum(['file', 'database']),
  paused_until: z.int().nullable(),
  branch: z.string().nullable(),
  pending_files: z.int(),
  unpushed_commits: z.int(),
  behind_commits: z.int(),
  held_files: json.pipe(z.array(HeldFileSchema)),
  remote_tips: json.pipe(z.record(z.string(), z.string())),
  blocked: json.pipe(ReasonSchema).nullable(),
  last_safe_at: z.int().nullable(),
  engine: json.pipe(EngineSchema).nullable(),
  remote_states: json.pipe(z.array(RemoteStateSchema)),
  refused_deletions: json.pipe(RefusedDeletionsSchema).nullable(),
  released_files: json.pipe(z.array(ReleasedFileSchema)),
  confirmed_deletions: z.string().nullable(),
  conflict_files: json.pipe(z.array(ConflictFileSchema)),
  conflict_choice: z.enum(CONFLICT_CHOICES).nullable(),
});

/** @throws Failure `database-corrupt` naming the project and the column */
export function projectOf(row: Row): Project {
  const parsed = ProjectRowSchema.safeParse(row);
  if (!parsed.success) throw brokenRow(row, parsed.error);
  const { data } = parsed;
  return {
    projectId: data.project_id as ProjectId,
    projectName: data.project_name,
    machineId: data.machine_id,
    path: data.path,
    configHome: data.config_home,
    github: data.config,
    pausedUntil: data.paused_until,
    releases: { files: data.released_files, deletions: data.confirmed_deletions },
    conflictChoice: data.conflict_choice,
    facts: {
      branch: data.branch,
      pendingFiles: data.pending_files,
      unpushedCommits: data.unpushed_commits,
      behindCommits: data.behind_commits,
      heldFiles: data.held_files as HeldFile[],
      refusedDeletions: data.refused_deletions as RefusedDeletions | null,
      conflictFiles: data.conflict_files,
      remoteTips: data.remote_tips,
      remotes: data.remote_states,
      blocked: data.blocked as Reason | null,
      lastSafeAt: data.last_safe_at,
      engine: data.engine,
    },
  };
}

function brokenRow(row: Row, error: z.ZodError): Failure {
  const faults = error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
  const text = `The stored row of project "${String(row.project_id)}" is not valid: ${faults.slice(0, 500)}`;
  return new Failure('database-corrupt', text, {
    cause: error,
    action: 'Remove the project and add its folder again (its files are not touched), or restore a backup.',
  });
}

/** What a caller decides about a project; everything else is found out or counted. */
export type ProjectSettings = {
  projectName: string;
  machineId: string;
  path: string;
  configHome: Project['configHome'];
  github: GithubConfig;
  /** The gates that its syncs pass, for example `host:github.com` and `credential:github.com:default`. */
  lane: { hostGate: string; credentialGate: string };
  /** Equal for work trees of one repository. */
  lockKey: string;
};

/** The settings as columns of `projects`, without the lane's number. */
export function settingsColumns(settings: ProjectSettings): SqlArgs {
  const timings = timingsOf(settings.github);
  return {
    project_name: settings.projectName,
    machine_id: settings.machineId,
    path: settings.path,
    lock_key: settings.lockKey,
    enabled: settings.github.enabled ? 1 : 0,
    quiet_ms: timings.quietMs,
    max_wait_ms: timings.maxWaitMs,
    min_interval_ms: timings.minIntervalMs,
    config: JSON.stringify(settings.github),
    config_home: settings.configHome,
  };
}

/** Whether a row, with its lane's `host_gate` and `credential_gate`, says the same; the order of keys does not count. */
export function sameSettings(row: Row, settings: ProjectSettings): boolean {
  const { config, ...columns } = settingsColumns(settings);
  return (
    Object.entries(columns).every(([name, value]) => row[name] === value) &&
    row.host_gate === settings.lane.hostGate &&
    row.credential_gate === settings.lane.credentialGate &&
    isDeepStrictEqual(JSON.parse(String(row.config)), JSON.parse(String(config)))
  );
}
