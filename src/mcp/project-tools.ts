// Tools that look at projects and at the service, and that ask for syncs.

import { z } from 'zod';
import type { Client } from '../client/index.ts';
import { PROJECT_STATES } from '../model/project.ts';
import { RUN_STATUSES } from '../model/run.ts';
import { explainProject } from './explain-project.ts';
import { cursor, given, limit, projectId, type Tool, tool } from './tool.ts';

type Project = Awaited<ReturnType<Client['project']>>['project'];

const listProjects = tool({
  name: 'list_projects',
  title: 'List projects',
  description:
    'Every project folder with its state: whether all of it is safely on its remotes, and if not, why.',
  input: {
    state: z.enum(PROJECT_STATES).optional().describe('Only projects in this state.'),
    query: z.string().min(1).max(200).optional().describe('A part of the id, name or path.'),
    ...{ limit, cursor },
  },
  kind: 'reads',
  async run({ client, signal }, { query, ...filter }) {
    const { projects, nextCursor } = await client.projects(given({ ...filter, q: query }), { signal });
    return { projects: projects.map(summaryOf), nextCursor };
  },
});

const getProject = tool({
  name: 'get_project',
  title: 'Look at a project',
  description:
    'Everything known of one project: state, branch, remotes, settings, held files, last sync and job.',
  input: { projectId },
  kind: 'reads',
  run: async ({ client, signal }, input) => ({
    project: (await client.project(input.projectId, { signal })).project,
  }),
});

const serviceStatus = tool({
  name: 'service_status',
  title: 'Status of the service',
  description: 'Whether syncing runs, how many projects are safe, what waits, and which hosts pause.',
  input: {},
  kind: 'reads',
  run: async ({ client, signal }) => ({ status: (await client.status({ signal })).status }),
});

const whyBlocked = tool({
  name: 'why_blocked',
  title: 'Why is it not safe?',
  description:
    'Explains why a project is not safely on its remotes and what can be done: held files, deletions that wait, ' +
    'conflicts, failures, pauses. Without a project: every one that is not safe.',
  input: { projectId: projectId.optional() },
  kind: 'reads',
  async run({ client, signal }, input) {
    const projects = await projectsToExplain({ client, signal }, input.projectId);
    const { status } = await client.status({ signal });
    const explanations = [];
    for (const project of projects)
      explanations.push(await explainProject({ client, signal }, project, status));
    return { allSafe: projects.length === 0, explanations };
  },
});

const triggerSync = tool({
  name: 'trigger_sync',
  title: 'Sync now',
  description: 'Asks for a sync of one project now, or without a project of every one that changed.',
  input: {
    projectId: projectId.optional(),
    immediate: z
      .boolean()
      .optional()
      .describe('Skip the quiet period and a waiting retry; true when left out.'),
    priority: z.int().min(0).max(10).optional().describe('10 first.'),
  },
  kind: 'acts',
  async run({ client, signal }, { projectId: id, immediate = true, priority }) {
    const input = given({ immediate, priority });
    if (id !== undefined) return { job: (await client.triggerProject(id, input, { signal })).job };
    const { scanned, queued, skipped } = await client.trigger(input, { signal });
    return { scanned, queued, skipped };
  },
});

const syncHistory = tool({
  name: 'sync_history',
  title: 'History of syncs',
  description:
    'Attempts to sync, newest first, of all projects or one, with what each brought or why it failed.',
  input: {
    projectId: projectId.optional(),
    status: z.enum(RUN_STATUSES).optional(),
    since: z.string().optional().describe('An ISO 8601 date or instant.'),
    ...{ limit, cursor },
  },
  kind: 'reads',
  async run({ client, signal }, { projectId: id, ...rest }) {
    const query = { limit: 20, ...given(rest) };
    const { history, nextCursor } =
      id === undefined
        ? await client.history(query, { signal })
        : await client.projectHistory(id, query, { signal });
    return { history, nextCursor };
  },
});

const pauseProject = tool({
  name: 'pause_project',
  title: 'Pause a project',
  description: 'Stops syncing a project until it is resumed, or until an instant.',
  input: { projectId, until: z.iso.datetime({ offset: true }).optional() },
  kind: 'acts',
  async run({ client, signal }, { projectId: id, until }) {
    const input = until === undefined ? {} : { untilMs: Date.parse(until) };
    return { project: summaryOf((await client.pauseProject(id, input, { signal })).project) };
  },
});

const resumeProject = tool({
  name: 'resume_project',
  title: 'Resume a project',
  description: 'Goes on syncing a project that was paused.',
  input: { projectId },
  kind: 'acts',
  run: async ({ client, signal }, input) => ({
    project: summaryOf((await client.resumeProject(input.projectId, { signal })).project),
  }),
});

export const PROJECT_TOOLS: readonly Tool[] = [
  listProjects,
  getProject,
  serviceStatus,
  whyBlocked,
  triggerSync,
  syncHistory,
  pauseProject,
  resumeProject,
];

async function projectsToExplain(call: { client: Client; signal: AbortSignal }, id: string | undefined) {
  const { client, signal } = call;
  if (id !== undefined) return [(await client.project(id, { signal })).project];
  const { projects } = await client.projects({ limit: 500 }, { signal });
  return projects.filter(({ state }) => state !== 'safe' && state !== 'disabled').slice(0, MOST_EXPLAINED);
}

const MOST_EXPLAINED = 50;

/** What a list needs; the rest by get_project. */
function summaryOf(project: Project) {
  const { projectName, path, state, stateReason, branch, lastSafeAt } = project;
  const { hasPendingChanges, pendingFiles, unpushedCommits, behindCommits } = project;
  return {
    ...{ projectId: project.projectId, projectName, path, state, stateReason, branch, lastSafeAt },
    ...{ hasPendingChanges, pendingFiles, unpushedCommits, behindCommits },
    heldFiles: project.heldFiles.length,
  };
}
