// The projects: list, look at one, add, change, forget, pause, and find folders that are not projects yet.

import { createRoute } from '@hono/zod-openapi';
import type { Clock } from '../host/clock.ts';
import { Failure } from '../model/failure.ts';
import type { ProjectId } from '../model/ids.ts';
import type { GithubConfigPatch } from '../model/project-config.ts';
import type { Service } from '../model/service.ts';
import type { Database } from '../store/database.ts';
import { findProjectView, listProjectViews } from '../store/project-views.ts';
import type { AccessOptions } from './access.ts';
import type { ApiApp } from './api-app.ts';
import { pauseEnd } from './pause-all.ts';
import { isFromThisMachine } from './peer.ts';
import { EmptyBodySchema, json, jsonBody, ProjectParamsSchema, problems } from './schemas/common.ts';
import {
  AddProjectBodySchema,
  DiscoverAnswerSchema,
  DiscoverQuerySchema,
  PatchProjectBodySchema,
  PauseBodySchema,
  ProjectAnswerSchema,
  ProjectsAnswerSchema,
  ProjectsQuerySchema,
  RemoveProjectAnswerSchema,
} from './schemas/project.ts';
import { withoutCredentials } from './wire.ts';
import { wireProject } from './wire-project.ts';
import { wantedRepository, wireUpload } from './wire-repository.ts';

const PROJECTS = '/api/sync/projects';
const PROJECT = '/api/sync/projects/{projectId}';
const oneProject = json(ProjectAnswerSchema, 'The project.');

const listRoute = createRoute({
  method: 'get',
  path: PROJECTS,
  summary: 'Every project: whether it is safe, and if not, why',
  request: { query: ProjectsQuerySchema },
  responses: { 200: json(ProjectsAnswerSchema, 'One page.'), ...problems(400) },
});

const readRoute = createRoute({
  method: 'get',
  path: PROJECT,
  summary: 'One project',
  request: { params: ProjectParamsSchema },
  responses: { 200: oneProject, ...problems(404) },
});

const addRoute = createRoute({
  method: 'post',
  path: PROJECTS,
  summary: 'Add a git folder as a project; `create` makes its private repository on the host',
  request: { body: jsonBody(AddProjectBodySchema, true) },
  responses: { 201: oneProject, ...problems(400, 408, 409, 413, 422, 502) },
});

const changeRoute = createRoute({
  method: 'patch',
  path: PROJECT,
  summary: "Change a project's settings, key by key; null takes a key away",
  request: { params: ProjectParamsSchema, body: jsonBody(PatchProjectBodySchema) },
  responses: { 200: oneProject, ...problems(400, 404, 408, 409, 413, 422) },
});

const removeRoute = createRoute({
  method: 'delete',
  path: PROJECT,
  summary: 'Forget a project; its files stay as they are',
  request: { params: ProjectParamsSchema },
  responses: { 200: json(RemoveProjectAnswerSchema, 'It is forgotten.'), ...problems(400, 404, 408, 413) },
});

const pauseRoute = createRoute({
  method: 'post',
  path: '/api/sync/projects/{projectId}/pause',
  summary: 'Stop syncing a project for a while or until resumed',
  request: { params: ProjectParamsSchema, body: jsonBody(PauseBodySchema) },
  responses: { 200: oneProject, ...problems(400, 404, 408, 413) },
});

const resumeRoute = createRoute({
  method: 'post',
  path: '/api/sync/projects/{projectId}/resume',
  summary: 'Go on syncing a paused project',
  request: { params: ProjectParamsSchema, body: jsonBody(EmptyBodySchema) },
  responses: { 200: oneProject, ...problems(400, 404, 408, 413) },
});

const discoverRoute = createRoute({
  method: 'get',
  path: '/api/sync/discover',
  summary: 'Git folders under the roots that are not projects yet',
  request: { query: DiscoverQuerySchema },
  responses: { 200: json(DiscoverAnswerSchema, 'The folders.'), ...problems(400) },
});

type ProjectsDeps = {
  db: Database;
  service: Service;
  clock: Pick<Clock, 'now'>;
  access: () => Pick<AccessOptions, 'boundHost'>;
};

export function addProjectRoutes(app: ApiApp, deps: ProjectsDeps): void {
  addReading(app, deps);
  addChanging(app, deps);
  addPausing(app, deps);
}

function addReading(app: ApiApp, { db, service }: ProjectsDeps): void {
  app.openapi(listRoute, async (c) => {
    const { limit, cursor = null, state, q } = c.req.valid('query');
    const filter = { ...(state && { state }), ...(q && { q }) };
    const { projects, nextCursor } = await listProjectViews(db, {
      limit,
      cursor,
      ...filter,
      unsure: (id) => service.unsure(id),
    });
    return c.json({ success: true as const, projects: projects.map(wireProject), nextCursor }, 200);
  });
  app.openapi(readRoute, async (c) =>
    c.json(await answerOne({ db, service }, idOf(c.req.valid('param'))), 200),
  );
  app.openapi(discoverRoute, async (c) => {
    const found = await service.discover();
    const isWanted = c.req.valid('query').preview === 'true';
    const previews = isWanted ? await service.previewFolders(found.map(({ path }) => path)) : NONE;
    const folders = found.map(({ path, name, remoteUrl }) => ({
      path,
      name,
      remoteUrl: remoteUrl === null ? null : withoutCredentials(remoteUrl),
      upload: wireUpload(previews.get(path) ?? null),
    }));
    return c.json({ success: true as const, folders }, 200);
  });
}

function addChanging(app: ApiApp, { db, service, access }: ProjectsDeps): void {
  app.openapi(addRoute, async (c) => {
    const { path, projectName, github, init, create } = c.req.valid('json');
    const onlyUnderRoots = !isFromThisMachine(c, access().boundHost);
    const project = await service.addProject({
      ...{ path, onlyUnderRoots, ...changes({ projectName, github }) },
      ...(init && { init }),
      ...(create && { create: wantedRepository(create) }),
    });
    c.set('subject', project.projectId);
    return c.json(await answerOne({ db, service }, project.projectId), 201);
  });
  app.openapi(changeRoute, async (c) => {
    const projectId = idOf(c.req.valid('param'));
    await service.updateProject(projectId, changes(c.req.valid('json')));
    return c.json(await answerOne({ db, service }, projectId), 200);
  });
  app.openapi(removeRoute, async (c) => {
    const projectId = idOf(c.req.valid('param'));
    await service.removeProject(projectId);
    return c.json({ success: true as const, projectId }, 200);
  });
}

function addPausing(app: ApiApp, { db, service, clock }: ProjectsDeps): void {
  app.openapi(pauseRoute, async (c) => {
    const projectId = idOf(c.req.valid('param'));
    await service.pauseProject(projectId, pauseEnd(c.req.valid('json').untilMs, clock));
    return c.json(await answerOne({ db, service }, projectId), 200);
  });
  app.openapi(resumeRoute, async (c) => {
    const projectId = idOf(c.req.valid('param'));
    await service.resumeProject(projectId);
    return c.json(await answerOne({ db, service }, projectId), 200);
  });
}

async function answerOne({ db, service }: Pick<ProjectsDeps, 'db' | 'service'>, projectId: ProjectId) {
  const view = await findProjectView(db, projectId, { unsure: (id) => service.unsure(id) });
  if (view === null) throw new Failure('project-not-found', `There is no project "${projectId}".`);
  return { success: true as const, project: wireProject(view) };
}

const NONE: ReadonlyMap<string, null> = new Map();

/** Only the keys that were sent. `github` was checked by the strict form of the patch's own schema. */
function changes(body: { projectName?: string | undefined; github?: unknown }): {
  projectName?: string;
  github?: GithubConfigPatch;
} {
  return {
    ...(body.projectName !== undefined && { projectName: body.projectName }),
    ...(body.github !== undefined && { github: body.github as GithubConfigPatch }),
  };
}

function idOf({ projectId }: { projectId: string }): ProjectId {
  return projectId as ProjectId;
}
