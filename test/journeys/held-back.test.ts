// What is saved while a project's sync is held back is committed on this machine, save by save, and pushed later.

import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  beginJourney,
  expectTwins,
  type Journey,
  type JourneyProject,
  projectFile,
  untilRemoteHas,
} from '../support/journey.ts';
import type { RunningService } from '../support/service.ts';

let journey: Journey;
beforeEach(async () => {
  journey = await beginJourney();
});
afterEach(async () => {
  await journey.end();
});

async function saveAndCommit(service: RunningService, { repo }: JourneyProject, text: string) {
  await repo.write('notes.md', text);
  await service.until(`a commit of "${text.trim()}"`, async () => {
    const committed = await repo.git('show', 'HEAD:notes.md').catch(() => null);
    return committed === text;
  });
}

const versionsOf = async ({ repo }: JourneyProject) =>
  (await repo.git('log', '--format=%H', '--', 'notes.md')).trim().split('\n').length;

test('while a project waits for a person every save has its commit here; the sync that is asked for pushes them all', async () => {
  const project = await journey.addProject('private');
  const service = await journey.start({ folders: [project.path] });
  await service.untilState('private', 'safe');
  journey.server.inject(
    /./,
    { kind: 'status', status: 403, body: 'Permission denied.' },
    Number.POSITIVE_INFINITY,
  );
  await saveAndCommit(service, project, 'one\n');
  const parked = await service.untilState('private', 'blocked');
  expect(parked).toMatchObject({ stateReason: { code: 'push-forbidden' }, job: { state: 'parked' } });

  await saveAndCommit(service, project, 'two\n');
  await saveAndCommit(service, project, 'three\n');
  const shown = await service.until('three commits that wait', async () => {
    const now = await service.project('private');
    return now.unpushedCommits === 3 && now;
  });
  expect(shown).toMatchObject({
    ...{ state: 'blocked', pendingFiles: 0, job: { state: 'parked' } },
    stateReason: { code: 'push-forbidden' },
  });

  journey.server.clearFaults();
  await service.api('POST', '/api/sync/trigger/private', {});
  await service.untilState('private', 'safe');
  await expectTwins(project);
  expect(await versionsOf(project)).toBe(3);
});

test('while a host is away every project there commits its saves here, and all of them are pushed when it is back', async () => {
  const projects = [await journey.addProject('blog'), await journey.addProject('site')];
  const service = await journey.start({ folders: projects.map(({ path }) => path) });
  for (const { id } of projects) await service.untilState(id, 'safe');
  journey.server.inject(/./, { kind: 'html' }, Number.POSITIVE_INFINITY);
  await service.api('POST', '/api/sync/trigger/blog', { immediate: true });
  await service.untilState('blog', 'offline');

  for (const text of ['one\n', 'two\n']) {
    for (const project of projects) await saveAndCommit(service, project, text);
  }
  for (const { id } of projects) {
    await service.until('two commits that wait', async () => {
      const { state, pendingFiles, unpushedCommits } = await service.project(id);
      return state === 'offline' && pendingFiles === 0 && unpushedCommits === 2;
    });
  }

  journey.server.clearFaults();
  for (const project of projects) {
    await service.untilState(project.id, 'safe');
    await expectTwins(project);
    expect(await versionsOf(project)).toBe(2);
  }
});

test('in snapshot mode each save has its snapshot here while the host is away', async () => {
  const project = await journey.addProject('draft');
  const { repo } = project;
  const schedule = { quietMs: 100, minIntervalMs: 0 };
  await repo.write('project.json', projectFile(schedule, { mode: 'snapshot' }));
  const service = await journey.start({ folders: [project.path] });
  await service.untilState('draft', 'safe');
  journey.server.inject(/./, { kind: 'html' }, Number.POSITIVE_INFINITY);
  await service.api('POST', '/api/sync/trigger/draft', { immediate: true });
  const atSnapshot = () => repo.git('show', 'auto/main:notes.md').catch(() => null);
  for (const text of ['one\n', 'two\n']) {
    await repo.write('notes.md', text);
    await service.until(`a snapshot of "${text.trim()}"`, async () => (await atSnapshot()) === text);
  }
  await service.until('both to wait', async () => {
    const { state, pendingFiles, unpushedCommits } = await service.project('draft');
    return state === 'offline' && pendingFiles === 0 && unpushedCommits >= 2;
  });
  journey.server.clearFaults();
  await untilRemoteHas(journey, project, 'notes.md', 'two\n', { branch: 'auto/main' });
  await service.untilState('draft', 'safe');
});

test('what was due when its host set a limit is committed here, without another change', async () => {
  const projects = [await journey.addProject('blog'), await journey.addProject('site')];
  const folders = projects.map(({ path }) => path);
  const service = await journey.start({ folders, env: { SYNC_MAX_CONCURRENT: '1' } });
  for (const { id } of projects) await service.untilState(id, 'safe');
  const limited = {
    kind: 'status',
    status: 429,
    headers: { 'retry-after': '600' },
    body: 'slow down',
  } as const;
  journey.server.inject(/./, limited, Number.POSITIVE_INFINITY);
  for (const { repo } of projects) await repo.write('notes.md', 'one\n');
  for (const { id, repo } of projects) {
    await service.until(`a commit in ${id}`, async () => {
      const committed = await repo.git('show', 'HEAD:notes.md').catch(() => null);
      return committed === 'one\n' && (await service.project(id)).state === 'rate-limited';
    });
  }
  const { body } = await service.api('GET', '/api/sync/history');
  const limits = body.history.filter(
    ({ error }: { error: { code: string } | null }) => error?.code === 'rate-limited',
  );
  expect(limits).toHaveLength(1);
});
