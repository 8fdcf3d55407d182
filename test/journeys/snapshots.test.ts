// Going back in time with the real service: what was ruined comes back, reaches the remote, and can be undone.

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { protect } from '../../src/git/snapshot/protect.ts';
import { systemClock } from '../../src/host/clock.ts';
import { portsWith } from '../git/snapshot/bench.ts';
import {
  beginJourney,
  expectTwins,
  type Journey,
  type JourneyProject,
  untilRemoteHas,
} from '../support/journey.ts';

let journey: Journey;
beforeEach(async () => {
  journey = await beginJourney();
});
afterEach(async () => {
  await journey.end();
});

async function snapshotOf(project: JourneyProject): Promise<string> {
  const answer = await protect(
    {
      ...{ worktree: project.path, github: {}, machineId: 'laptop', always: true },
      signal: new AbortController().signal,
    },
    portsWith(systemClock),
  );
  if (answer.kind !== 'taken') throw new Error(`No snapshot: ${JSON.stringify(answer)}`);
  return answer.snapshot.oid;
}

test('a ruined project is restored, the remote follows, and the restore itself can be undone', async () => {
  const project = await journey.addProject('book', { 'chapter.md': 'good\n', 'notes/a.md': 'a\n' });
  const good = await snapshotOf(project);
  const service = await journey.start({ folders: [project.path] });
  await service.untilState('book', 'safe');
  await journey.server.waitFor(
    async () => (await journey.server.refOf(project.remotePath, 'refs/heads/auto/main')) === good,
    40_000,
  );

  await project.repo.write('chapter.md', 'ruined\n');
  await rm(join(project.path, 'notes'), { recursive: true });
  await untilRemoteHas(journey, project, 'chapter.md', 'ruined\n');
  const { body: listed } = await service.api('GET', '/api/sync/projects/book/snapshots');
  expect(listed.snapshots).toMatchObject([{ id: good, branch: 'main', machine: 'laptop' }]);
  const url = `/api/sync/projects/book/snapshots/${good}?against=worktree`;
  const { body: compared } = await service.api('GET', url);
  expect(compared.files).toMatchObject([
    { path: 'chapter.md', kind: 'modified', diff: expect.stringContaining('-good\n+ruined\n') },
    { path: 'notes/a.md', kind: 'deleted' },
  ]);

  const { status, body } = await service.api('POST', '/api/sync/projects/book/restore', { snapshot: good });
  expect({ status, ...body }).toMatchObject({
    status: 200,
    restored: ['chapter.md', 'notes/a.md'],
    skipped: [],
  });
  await untilRemoteHas(journey, project, 'chapter.md', 'good\n');
  await untilRemoteHas(journey, project, 'notes/a.md', 'a\n');
  await journey.server.waitFor(
    async () => (await journey.server.refOf(project.remotePath, 'refs/heads/auto/main')) === body.before,
    40_000,
  );
  await service.untilState('book', 'safe');
  await expectTwins(project);

  const undo = { snapshot: body.before, paths: ['chapter.md'] };
  const undone = await service.api('POST', '/api/sync/projects/book/restore', undo);
  expect(undone.body.restored).toEqual(['chapter.md']);
  await untilRemoteHas(journey, project, 'chapter.md', 'ruined\n');
  await untilRemoteHas(journey, project, 'notes/a.md', 'a\n');
  await project.repo.git('merge-base', '--is-ancestor', good, 'auto/main');
});

test('a file can be brought back in the middle of a merge, which goes on afterwards', async () => {
  const project = await journey.addProject('paper', { 'text.md': 'base\n', 'data.csv': '1\n' });
  const { git, write } = project.repo;
  await git('switch', '-qc', 'other');
  await write('text.md', 'theirs\n');
  await git('commit', '-qam', 'theirs');
  await git('switch', '-q', 'main');
  await write('text.md', 'ours\n');
  await git('commit', '-qam', 'ours');
  const good = await snapshotOf(project);
  const service = await journey.start({ folders: [project.path] });
  await service.untilState('paper', 'safe');
  await expect(git('merge', 'other')).rejects.toThrow();
  await service.untilState('paper', 'blocked');
  await rm(join(project.path, 'data.csv'));
  const asked = { snapshot: good, paths: ['data.csv'] };
  const { status, body } = await service.api('POST', '/api/sync/projects/paper/restore', asked);
  expect({ status, restored: body.restored }).toEqual({ status: 200, restored: ['data.csv'] });
  expect(await git('show', `${body.before}:text.md`)).toContain('<<<<<<<');
  await write('text.md', 'both\n');
  await git('commit', '-qam', 'merged');
  await untilRemoteHas(journey, project, 'text.md', 'both\n');
  await service.untilState('paper', 'safe');
  await expectTwins(project);
});
