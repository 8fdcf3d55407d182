// What a folder would upload, what the host says of a project's repository, and a pull request for work that waits
// beside its branch.

import { createRoute } from '@hono/zod-openapi';
import type { ProjectId } from '../model/ids.ts';
import type { GithubConfigPatch } from '../model/project-config.ts';
import type { Service } from '../model/service.ts';
import type { AccessOptions } from './access.ts';
import type { ApiApp } from './api-app.ts';
import { isFromThisMachine } from './peer.ts';
import { json, jsonBody, ProjectParamsSchema, problems } from './schemas/common.ts';
import { PreviewBodySchema } from './schemas/project.ts';
import {
  PreviewAnswerSchema,
  PullRequestAnswerSchema,
  PullRequestBodySchema,
  RepositoryAnswerSchema,
} from './schemas/repository.ts';
import { wireRepository, wireUpload } from './wire-repository.ts';

const PROJECT = '/api/sync/projects/{projectId}';

const previewRoute = createRoute({
  method: 'post',
  path: '/api/sync/projects/preview',
  summary: 'What adding a folder would upload: files, bytes, and what would be held; changes nothing',
  request: { body: jsonBody(PreviewBodySchema, true) },
  responses: { 200: json(PreviewAnswerSchema, 'The upload.'), ...problems(400, 408, 413, 422) },
});

const repositoryRoute = createRoute({
  method: 'get',
  path: `${PROJECT}/repository`,
  summary: 'What the host says of the repository: renamed, archived, gone, read-only, default branch, rules',
  request: { params: ProjectParamsSchema },
  responses: { 200: json(RepositoryAnswerSchema, 'Its state there.'), ...problems(404, 409) },
});

const pullRequestRoute = createRoute({
  method: 'post',
  path: `${PROJECT}/pull-request`,
  summary: 'Open a pull request for work that waits on a side branch; an open one is answered as it is',
  request: { params: ProjectParamsSchema, body: jsonBody(PullRequestBodySchema) },
  responses: {
    200: json(PullRequestAnswerSchema, 'The pull request.'),
    ...problems(400, 404, 408, 409, 413, 502),
  },
});

type RepositoryDeps = {
  service: Pick<Service, 'previewProject' | 'repository' | 'openPullRequest'>;
  access: () => Pick<AccessOptions, 'boundHost'>;
};

export function addRepositoryRoutes(app: ApiApp, { service, access }: RepositoryDeps): void {
  app.openapi(previewRoute, async (c) => {
    const { path, github } = c.req.valid('json');
    // Checked by the strict form of the patch's own schema.
    const patch = github === undefined ? {} : { github: github as GithubConfigPatch };
    const onlyUnderRoots = !isFromThisMachine(c, access().boundHost);
    const upload = await service.previewProject({ path, onlyUnderRoots, ...patch });
    return c.json({ success: true as const, upload: wireUpload(upload) }, 200);
  });
  app.openapi(repositoryRoute, async (c) => {
    const repository = await service.repository(c.req.valid('param').projectId as ProjectId);
    return c.json({ success: true as const, repository: wireRepository(repository) }, 200);
  });
  app.openapi(pullRequestRoute, async (c) => {
    const projectId = c.req.valid('param').projectId as ProjectId;
    const { branch, title, body, draft } = c.req.valid('json');
    const pullRequest = await service.openPullRequest(projectId, {
      ...(branch !== undefined && { branch }),
      ...(title !== undefined && { title }),
      ...(body !== undefined && { body }),
      ...(draft !== undefined && { draft }),
    });
    return c.json({ success: true as const, pullRequest }, 200);
  });
}
