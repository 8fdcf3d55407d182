// A project as the wire shows it: only what is known here, without credentials; other programs' keys stay inside.

import { fingerprintOf } from '../model/held-file.ts';
import type { HeldFile } from '../model/project.ts';
import { type GithubConfig, GithubConfigSchema } from '../model/project-config.ts';
import type { RemoteState } from '../model/remote-state.ts';
import type { Run } from '../model/run.ts';
import type { ProjectView } from '../store/project-views.ts';
import type { WireHeldFile } from './schemas/held.ts';
import { knownOnly } from './schemas/known-only.ts';
import type { WireProject } from './schemas/project.ts';
import { durationOf, isoOf, isoOrNull, wireData, wireJob, wireReason, withoutCredentials } from './wire.ts';

export function wireProject(view: ProjectView): WireProject {
  const { facts, github, job } = view;
  return {
    projectId: view.projectId,
    projectName: view.projectName,
    path: view.path,
    machineId: view.machineId,
    configHome: view.configHome,
    state: view.state,
    stateReason: view.stateReason && withName(wireReason(view.stateReason), view.projectId),
    pausedUntil: isoOrNull(view.pausedUntil),
    github: wireGithub(github),
    mode: github.mode,
    engine: facts.engine,
    branch: facts.branch,
    hasPendingChanges: facts.pendingFiles > 0,
    pendingFiles: facts.pendingFiles,
    unpushedCommits: facts.unpushedCommits,
    behindCommits: facts.behindCommits,
    heldFiles: facts.heldFiles.map(wireHeldFile),
    remotes: facts.remotes.map((remote) => wireRemote(remote, view)),
    conflictFiles: facts.conflictFiles,
    webhook: view.webhook && { ...view.webhook, lastDeliveryAt: isoOrNull(view.webhook.lastDeliveryAt) },
    lastSafeAt: isoOrNull(facts.lastSafeAt),
    lastSync: view.lastRun && wireLastSync(view.lastRun),
    job: job === null || job.state === 'idle' ? null : wireJob(job),
  };
}

/** Commands that the action names can be run as they are read. */
function withName<T extends { action: string }>(reason: T, projectId: string): T {
  return { ...reason, action: reason.action.replaceAll('<project>', projectId) };
}

export function wireHeldFile(file: HeldFile): WireHeldFile {
  const { path, reason, rule, line, sizeBytes = null, commit = null, since = null } = file;
  return {
    ...{ path, reason, rule, ...(line !== undefined && { line }), sizeBytes, commit },
    fingerprint: fingerprintOf(file),
    since: isoOrNull(since),
  };
}

function wireGithub(github: GithubConfig): WireProject['github'] {
  const { authentication, remoteUrl, remotes = [] } = github;
  return {
    enabled: github.enabled,
    remoteUrl: remoteUrl === undefined ? null : withoutCredentials(remoteUrl),
    syncBranches: github.syncBranches,
    authentication: {
      type: authentication.type,
      configured: authentication.configured,
      credential: authentication.credential ?? null,
    },
    mode: github.mode,
    remotes: remotes.map(({ name, url, branches = [] }) => ({
      name,
      url: withoutCredentials(url),
      branches,
    })),
    settings: wireData(knownOnly(GithubConfigSchema, github)) as Record<string, unknown>,
  };
}

/** Without mirrors the job knows when the primary is tried again. */
function wireRemote(remote: RemoteState, { facts, job }: ProjectView): WireProject['remotes'][number] {
  const { name, primary, url, state, reason } = remote;
  const tips = primary ? facts.remoteTips : remote.tips;
  const retryAt = remote.retryAt ?? (primary && state === 'retrying' ? (job?.runAt ?? null) : null);
  return {
    ...{ name, url: withoutCredentials(url), isPrimary: primary, branches: remote.branches },
    ...{ state, stateReason: reason && wireReason(reason), tips },
    lastSafeAt: isoOrNull(remote.lastSafeAt),
    nextTryAt: isoOrNull(retryAt),
    movedTo: remote.movedTo === undefined ? null : withoutCredentials(remote.movedTo),
    asides: remote.asides ?? [],
  };
}

/** Null while the run is not finished. */
function wireLastSync(run: Run): WireProject['lastSync'] {
  const { runId, status, finishedAt, commit } = run;
  const durationMs = durationOf(run);
  if (status === null || finishedAt === null || durationMs === null) return null;
  return { runId, status, finishedAt: isoOf(finishedAt), durationMs, commit };
}
