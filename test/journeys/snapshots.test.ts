// Going back in time with the real service: what was ruined comes back, reaches the remote, and can be undone.

import { readFile, rm } from 'node:fs/promises';
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
  projectFile,
  untilRemoteHas,
} from '../support/journey.ts';

let journey: Journey;
beforeEach(async () => {
  journey = await beginJourney();
});
afterEach(async () => {
  await journey.end();
});

/** As a service would have taken it at that instant. */
async function snapshotOf(project: JourneyProject, at?: number): Promise<string> {
  const clock = at === undefined ? systemClock : { ...systemClock, now: () => at };
  const answer = await protect(
    {
      ...{ worktree: project.path, github: {}, machineId: 'laptop', always: true },
      signal: new AbortController().signal,
    },
    portsWith(clock),
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

const QUICK = { quietMs: 100, minIntervalMs: 0 };
const DAY_MS = 86_400_000;

test('mode snapshot: saves reach auto/<branch> alone, and the runs do not go in circles', async () => {
  const project = await journey.addProject('quiet');
  await project.repo.write('project.json', projectFile(QUICK, { mode: 'snapshot' }));
  await project.repo.git('commit', '-qam', 'settings');
  const service = await journey.start({ folders: [project.path] });
  await service.untilState('quiet', 'safe');
  await project.repo.write('a.txt', 'saved\n');
  await untilRemoteHas(journey, project, 'a.txt', 'saved\n', { branch: 'auto/main' });
  await service.untilState('quiet', 'safe');
  expect(await journey.server.refOf(project.remotePath, 'refs/heads/main')).toBeNull();
  expect(await project.repo.git('status', '--porcelain')).toBe('?? a.txt\n');
  // A second project's way through the same service is time enough for runs that nothing asked for.
  const other = await journey.addProject('other');
  await service.api('POST', '/api/sync/projects', { path: other.path });
  await service.untilState('other', 'safe');
  const { body } = await service.api('GET', '/api/sync/history/quiet?limit=500');
  // The start and one save, and at most one more look after each for the refs that the run itself moved.
  expect(body.history.length).toBeLessThanOrEqual(4);
});

test("retention by the project's own settings: thinned ones are not listed, the remote keeps all of them", async () => {
  const project = await journey.addProject('kept', { 'a.txt': '0\n' });
  const keep = { keepAllMs: DAY_MS, keepHourlyMs: DAY_MS, keepDailyMs: 10 * DAY_MS };
  await project.repo.write('project.json', projectFile(QUICK, { snapshot: keep }));
  await project.repo.git('commit', '-qam', 'settings');
  const taken: string[] = [];
  const today = Math.floor(Date.now() / DAY_MS) * DAY_MS;
  // Two of one month long ago, two of one day last week, one of now.
  const instants = [
    ...[today - 100 * DAY_MS, today - 100 * DAY_MS + 60_000],
    ...[today - 5 * DAY_MS, today - 5 * DAY_MS + 60_000, Date.now()],
  ];
  for (const [n, at] of instants.entries()) {
    await project.repo.write('a.txt', `${n}\n`);
    taken.push(await snapshotOf(project, at));
  }
  const [oldRef] = (await project.repo.git('for-each-ref', '--format=%(refname)', 'refs/heads/auto')).split(
    '\n',
  );
  expect(oldRef).toBe('refs/heads/auto/main');
  const oldTip = (await project.repo.git('rev-parse', 'auto/main')).trim();
  expect(oldTip).toBe(taken[1]);
  const service = await journey.start({
    folders: [project.path],
    env: { SYNC_SCAN_INTERVAL: '1000' },
  });
  const listed = async () =>
    (await service.api('GET', '/api/sync/projects/kept/snapshots')).body.snapshots.map(
      ({ id }: { id: string }) => id,
    );
  await service.untilState('kept', 'safe');
  expect(await listed()).toEqual([taken[4], taken[3]]);
  // The first scan may have come before the push: months are looked at again after hours, or after a start.
  await service.stop();
  const again = await journey.start({ env: { SYNC_SCAN_INTERVAL: '1000' } });
  await again.untilState('kept', 'safe');
  const here = async () => project.repo.git('for-each-ref', '--format=%(refname)', 'refs/heads/auto');
  await expect.poll(here, { timeout: 40_000 }).not.toContain('refs/heads/auto/main\n');
  expect(await journey.server.refOf(project.remotePath, 'refs/heads/auto/main')).toBe(oldTip);
  await again.untilState('kept', 'safe');
  await expectTwins(project);
});

test('a project with LFS and line-end rules goes back in time by git', async () => {
  const project = await journey.addProject('art');
  const { git, write } = project.repo;
  await git('lfs', 'install', '--local');
  await git('config', 'lfs.url', `file://${project.remotePath}`);
  await write('.gitattributes', '*.psd filter=lfs diff=lfs merge=lfs -text\n*.txt text eol=crlf\n');
  await write('project.json', projectFile(QUICK, { mode: 'snapshot' }));
  await git('add', '-A');
  await git('commit', '-qm', 'rules');
  await write('big.psd', 'layers\n');
  await write('note.txt', 'good\r\n');
  const service = await journey.start({ folders: [project.path] });
  await untilRemoteHas(journey, project, 'note.txt', 'good\n', { branch: 'auto/main' });
  const shown = await service.untilState('art', 'safe');
  expect(shown.engine.name).toBe('git');
  const { body: listed } = await service.api('GET', '/api/sync/projects/art/snapshots');
  const { id } = listed.snapshots[0];
  await write('big.psd', 'ruined\n');
  await write('note.txt', 'ruined\r\n');
  await untilRemoteHas(journey, project, 'note.txt', 'ruined\n', { branch: 'auto/main' });
  await service.untilState('art', 'safe');
  const url = `/api/sync/projects/art/snapshots/${id}?against=worktree`;
  expect((await service.api('GET', url)).body.files).toMatchObject([
    { path: 'big.psd', kind: 'modified', diff: expect.stringContaining('oid sha256') },
    { path: 'note.txt', kind: 'modified', diff: expect.stringContaining('-good\n+ruined\n') },
  ]);
  const { body } = await service.api('POST', '/api/sync/projects/art/restore', { snapshot: id });
  expect(body).toMatchObject({ restored: ['big.psd', 'note.txt'], skipped: [] });
  expect(await readFile(join(project.path, 'big.psd'), 'utf8')).toBe('layers\n');
  expect(await readFile(join(project.path, 'note.txt'), 'utf8')).toBe('good\r\n');
  await untilRemoteHas(journey, project, 'note.txt', 'good\n', { branch: 'auto/main' });
});
