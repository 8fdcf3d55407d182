// What is held of a project, and the two words of a person that let it pass: release and confirm.

import { createRoute, z } from '@hono/zod-openapi';
import { reasonOf } from '../model/failure.ts';
import { isReleasable, whatToDo } from '../model/held-file.ts';
import type { ProjectId } from '../model/ids.ts';
import type { HeldFile, RefusedDeletions } from '../model/project.ts';
import type { Service } from '../model/service.ts';
import { readCursor, writeCursor } from '../store/page-cursor.ts';
import type { ApiApp } from './api-app.ts';
import { json, jsonBody, ProjectParamsSchema, problems } from './schemas/common.ts';
import {
  ConfirmDeletionsBodySchema,
  HeldAnswerSchema,
  HeldQuerySchema,
  ReleaseBodySchema,
} from './schemas/held.ts';
import { TriggerOneAnswerSchema } from './schemas/job.ts';
import { wireJob } from './wire.ts';
import { wireHeldFile } from './wire-project.ts';

const PROJECT = '/api/sync/projects/{projectId}';
const queued = json(TriggerOneAnswerSchema, 'The job.');

const listRoute = createRoute({
  method: 'get',
  path: `${PROJECT}/held`,
  summary: 'Files that stay on the machine, deletions that wait for a word, and why',
  request: { params: ProjectParamsSchema, query: HeldQuerySchema },
  responses: { 200: json(HeldAnswerSchema, 'One page of the files, by path.'), ...problems(400, 404) },
});

const releaseRoute = createRoute({
  method: 'post',
  path: `${PROJECT}/held/release`,
  summary: 'Let held files pass, once or always, all or none; the sync is queued at once',
  request: { params: ProjectParamsSchema, body: jsonBody(ReleaseBodySchema, true) },
  responses: { 202: queued, ...problems(400, 404, 408, 409, 413, 422) },
});

const confirmRoute = createRoute({
  method: 'post',
  path: `${PROJECT}/deletions/confirm`,
  summary: 'Confirm exactly the deletions that were shown; the sync is queued at once',
  request: { params: ProjectParamsSchema, body: jsonBody(ConfirmDeletionsBodySchema, true) },
  responses: { 202: queued, ...problems(400, 404, 408, 409, 413, 422) },
});

type HeldDeps = { service: Pick<Service, 'heldBack' | 'releaseHeld' | 'confirmDeletions'> };

export function addHeldRoutes(app: ApiApp, { service }: HeldDeps): void {
  app.openapi(listRoute, async (c) => {
    const { files, deletions } = await service.heldBack(idOf(c.req.valid('param')));
    const { limit, cursor = null } = c.req.valid('query');
    const { page, nextCursor } = pageOf(files, limit, cursor);
    const held = page.map((file) => ({
      ...wireHeldFile(file),
      releasable: isReleasable(file),
      action: whatToDo(file),
    }));
    return c.json(
      { success: true as const, held, deletions: deletions && wireDeletions(deletions), nextCursor },
      200,
    );
  });
  app.openapi(releaseRoute, async (c) => {
    const job = await service.releaseHeld(idOf(c.req.valid('param')), c.req.valid('json'));
    return c.json({ success: true as const, job: wireJob(job) }, 202);
  });
  app.openapi(confirmRoute, async (c) => {
    const job = await service.confirmDeletions(idOf(c.req.valid('param')), c.req.valid('json').token);
    return c.json({ success: true as const, job: wireJob(job) }, 202);
  });
}

function wireDeletions({ deleted, tracked, sample = [], digest }: RefusedDeletions) {
  return { deleted, tracked, sample, token: digest, action: reasonOf('mass-deletion', '').action };
}

/** By path; one path may be held in the work tree and in several commits. */
function pageOf(files: readonly HeldFile[], limit: number, cursor: string | null) {
  const after = readCursor(cursor, z.tuple([z.string()]))?.[0] ?? '';
  const left = files
    .map((file) => ({ file, key: `${file.path}\0${file.commit ?? ''}\0${file.oid ?? ''}` }))
    .filter(({ key }) => key > after)
    .sort((a, b) => (a.key < b.key ? -1 : 1));
  const page = left.slice(0, limit);
  const last = page.at(-1);
  return {
    page: page.map(({ file }) => file),
    nextCursor: left.length > limit && last ? writeCursor([last.key]) : null,
  };
}

function idOf({ projectId }: { projectId: string }): ProjectId {
  return projectId as ProjectId;
}
