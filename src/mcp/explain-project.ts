// Puts together why a project is not safe: one answer where the API has several.

import type { Client } from '../client/index.ts';

type Project = Awaited<ReturnType<Client['project']>>['project'];
type Status = Awaited<ReturnType<Client['status']>>['status'];
type Reason = { code: string; detail: string; action: string };

/** Never the content of a held file: what looks like a secret stays where it is. */
export async function explainProject(
  { client, signal }: { client: Client; signal: AbortSignal },
  project: Project,
  status: Status,
) {
  const { projectId, projectName, state, stateReason, job } = project;
  const { held, deletions } = await client.held(projectId, { limit: 100 }, { signal });
  const reasons: Reason[] = [
    ...(stateReason === null ? [] : [stateReason]),
    ...(job?.lastError === null || job?.lastError === undefined ? [] : [job.lastError]),
    ...project.remotes.flatMap((remote) => (remote.stateReason === null ? [] : [remote.stateReason])),
    ...(status.serviceRunning ? [] : [NOT_RUNNING]),
  ];
  return {
    ...{ projectId, projectName, state, lastSafeAt: project.lastSafeAt },
    reasons: withoutTwins(reasons),
    heldFiles: held.map(({ path, reason, rule, releasable, action }) => ({
      path,
      reason,
      rule,
      releasable,
      action,
    })),
    deletionsThatWait: deletions && {
      deleted: deletions.deleted,
      sample: deletions.sample,
      action: deletions.action,
    },
    conflictFiles: project.conflictFiles,
    waitsFor: job?.waitingFor ?? null,
    gates: status.gates.filter(({ key }) => job?.waitingFor === `gate:${key}`),
    pausedUntil: project.pausedUntil,
  };
}

const NOT_RUNNING: Reason = {
  code: 'service-stopped',
  detail: 'Syncing is stopped.',
  action: 'Start it: POST /api/sync/start, or on the page.',
};

function withoutTwins(reasons: readonly Reason[]): Reason[] {
  return [...new Map(reasons.map((reason) => [`${reason.code}\n${reason.detail}`, reason])).values()];
}
