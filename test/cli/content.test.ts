// The commands about what is in projects (snapshots, conflicts) and those that go on until Ctrl-C, on a real service.

import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createGitRepo } from '../support/git-repo.ts';
import {
  beginJourney,
  type Journey,
  type JourneyProject,
  projectFile,
  remoteFile,
  untilRemoteHas,
} from '../support/journey.ts';
import type { RunningService } from '../support/service.ts';
import { jsonOf, type RunOptions, runCli, runUntilStopped } from './run-cli.ts';

let journey: Journey;
let service: RunningService;
let draft: JourneyProject;
let shared: JourneyProject;
let database: string;

beforeAll(async () => {
  journey = await beginJourney();
  draft = await journey.addProject('draft', { 'part/chapter.md': 'first\n', 'notes.md': 'n\n' });
  const settings = projectFile({ quietMs: 100, minIntervalMs: 0 }, { mode: 'snapshot' });
  await draft.repo.write('project.json', settings);
  await draft.repo.git('commit', '--quiet', '--all', '--message', 'take snapshots');
  shared = await journey.addProject('shared', { 'a.md': 'a\n' });
  database = join(journey.dataDir, 'queue.db');
  service = await journey.start({ folders: [draft.path, shared.path] });
  await service.untilState('shared', 'safe');
});
afterAll(() => journey.end());

const args = (words: string) => [...words.split(' '), '--db', database];
const run = (words: string, options: RunOptions = {}) =>
  runCli(args(words), { homeDir: journey.folder, ...options });

/** The id of the newest snapshot that changed this file. */
async function snapshotOf(file: string): Promise<string> {
  let found = '';
  await service.until(`a snapshot of ${file}`, async () => {
    for (const { id } of jsonOf(await run('snapshots draft --json')).snapshots) {
      const { files } = jsonOf(await run(`snapshots draft ${id} --json`));
      if (!files.some(({ path }: { path: string }) => path === file)) continue;
      found = id;
      return true;
    }
    return false;
  });
  return found;
}

test('snapshots are listed and compared, and a file is brought back as one has it', async () => {
  await draft.repo.write('part/chapter.md', 'second\n');
  const second = await snapshotOf('part/chapter.md');
  await draft.repo.write('part/chapter.md', 'spoiled\n');
  const { out } = await run('snapshots draft');
  expect(out).toMatch(/^SNAPSHOT +WHEN +BRANCH +FILES +MACHINE\n/);
  expect(out).toContain(second);
  const compared = await run(`snapshots draft ${second} --now`);
  expect(compared.out).toMatch(/modified part\/chapter\.md\n[\s\S]*^-second\n\+spoiled$/m);

  expect(await run(`restore draft ${second}`)).toMatchObject({ code: 2, out: '' });
  // Where the person stands, paths are meant from there.
  const restored = await run(`restore draft ${second} chapter.md`, { cwd: join(draft.path, 'part') });
  expect(restored).toMatchObject({ code: 0, err: '' });
  expect(restored.out).toMatch(/^restored part\/chapter\.md\n1 file restored\. Before: snapshot \S+\.\n$/);
  expect(await readFile(join(draft.path, 'part/chapter.md'), 'utf8')).toBe('second\n');

  // What was there before is a snapshot too.
  const [, before = ''] = /Before: snapshot (\S+)\./.exec(restored.out) ?? [];
  const undone = jsonOf(await run(`restore draft ${before} --all --json`));
  expect(undone.restored).toContain('part/chapter.md');
  expect(await readFile(join(draft.path, 'part/chapter.md'), 'utf8')).toBe('spoiled\n');
});

test('a snapshot or a file that is not there is refused by its name', async () => {
  const unknown = await run('snapshots draft nothing');
  expect(unknown).toMatchObject({ code: 1, out: '' });
  expect(unknown.err).toContain('snapshot-not-found');
  const id = await snapshotOf('part/chapter.md');
  const ran = await run(`restore draft ${id} no/such/file.md`);
  expect(ran.code).not.toBe(0);
  expect(`${ran.out}${ran.err}`).toContain('no/such/file.md');
});

test('a conflict is shown with both sides, and ends by a choice', async () => {
  expect((await run('conflict shared')).out).toBe('shared has no conflict.\n');
  const other = await createGitRepo({ clone: shared.remotePath });
  await other.write('a.md', 'theirs\n');
  await other.git('commit', '--quiet', '--all', '--message', 'theirs');
  await other.git('push', '--quiet', 'origin', 'main');
  await other.remove();
  await shared.repo.write('a.md', 'ours\n');
  await service.untilState('shared', 'conflict');
  const shown = await run('conflict shared');
  expect(shown.code).toBe(4);
  expect(shown.out).toMatch(/FILE +MINE +THEIRS\na\.md +modified +modified\n/);
  expect(shown.out).toContain('End it: gitferry conflict shared mine|theirs|both');
  expect(jsonOf(await run('conflict shared --json')).conflictFiles).toMatchObject([{ path: 'a.md' }]);
  expect((await run('status')).out).toContain('(`gitferry conflict shared`');
  expect(await run('conflict shared nobody')).toMatchObject({ code: 2 });
  expect((await run('conflict shared both')).out).toMatch(/^shared: both\./);
  await service.untilState('shared', 'safe');
  expect(await remoteFile(shared, 'a.md')).toBe('theirs\n');
  expect((await run('conflict shared')).code).toBe(0);
});

test('status --watch shows each change until Ctrl-C', async () => {
  await service.untilState('shared', 'safe');
  const watching = { homeDir: journey.folder };
  const ran = await runUntilStopped(args('status --watch'), watching, async (printed) => {
    await printed(/safe\.\ngitferry /);
    await run('pause shared');
    await printed(/1 of 2 projects safe/);
    await run('resume shared');
    await printed(/1 of 2 projects safe[\s\S]*All 2 projects are safe\./);
  });
  expect(ran).toMatchObject({ code: 0, err: '' });
  // Not a terminal: nothing is wiped.
  expect(ran.out).not.toContain('\u001B');
});

test('log -f prints what happens from then on, until Ctrl-C; with --json one event a line', async () => {
  const following = { homeDir: journey.folder };
  const wanted = args('log shared -f -n 0 --types run.finished --json');
  await mkdir(join(shared.path, 'more'), { recursive: true });
  const ran = await runUntilStopped(wanted, following, async (printed) => {
    await service.untilState('shared', 'safe');
    await shared.repo.write('more/b.md', 'b\n');
    await printed(/"type":"run\.finished"/);
  });
  expect(ran).toMatchObject({ code: 0, err: '' });
  const events = ran.out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  for (const { type, projectId } of events) expect([type, projectId]).toEqual(['run.finished', 'shared']);
  await untilRemoteHas(journey, shared, 'more/b.md', 'b\n');
});
