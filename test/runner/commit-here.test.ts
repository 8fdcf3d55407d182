// What is committed on the machine without the queue: what no sync may commit, this must not either.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../src/host/clock.ts';
import { silentLog } from '../../src/host/log.ts';
import type { Project } from '../../src/model/project.ts';
import { enrolProject, refreshProject } from '../../src/projects/enrol.ts';
import { createCommitHere } from '../../src/runner/commit-here.ts';
import { createProjectTable } from '../../src/runner/project-table.ts';
import type { Database } from '../../src/store/database.ts';
import { openDatabase } from '../../src/store/open.ts';
import { saveFacts } from '../../src/store/projects.ts';
import { createDirtyPaths } from '../../src/watch/dirty-paths.ts';
import { databaseDeps } from '../support/database.ts';
import { createGitRepo, type GitRepo } from '../support/git-repo.ts';
import { syncPorts } from '../support/sync-once.ts';

let repo: GitRepo;
let db: Database;
let databasePath: string;
beforeEach(async () => {
  repo = await createGitRepo();
  databasePath = join(repo.path, 'data', 'queue.db');
  await mkdir(join(repo.path, 'data'));
  await repo.write('.gitignore', '/data/queue.db*\n');
  await repo.git('add', '--all');
  await repo.git('commit', '--message', 'begin');
  await repo.git('remote', 'add', 'origin', 'https://host.invalid/ada/notes.git');
  db = await openDatabase({ path: databasePath }, databaseDeps);
});
afterEach(async () => {
  await db.close();
  await repo.remove();
});

async function begin() {
  const enrol = { db, machineId: 'laptop', env: {}, homeDir: '/nonexistent', databasePath };
  const project = await enrolProject({ path: repo.path }, enrol);
  const projects = createProjectTable();
  projects.put(project);
  const kept: Project[] = [];
  const commitHere = createCommitHere(
    {
      ...{ clock: systemClock, log: silentLog, machineId: 'laptop', projects, hints: createDirtyPaths() },
      ...{ sync: syncPorts(), isRunning: () => false },
    },
    {
      refresh: (one) => refreshProject(one, enrol),
      keep: async (before) => void kept.push(before),
    },
  );
  const commit = () => commitHere(project.projectId, new AbortController().signal);
  return { project, commit, kept };
}
const committed = () => repo.git('ls-tree', '-r', '--name-only', 'HEAD');

test('the database of gitferry is committed no more here than by a sync, from when the project ignores it no longer', async () => {
  const { commit } = await begin();
  await repo.write('notes.md', 'one\n');
  expect(await commit()).toBe('done');
  expect(await committed()).toBe('.gitignore\nnotes.md\n');
  await repo.write('.gitignore', '');
  await repo.write('notes.md', 'two\n');
  expect(await commit()).toBe('done');
  expect(await committed()).not.toContain('queue.db');
  expect(await repo.git('show', 'HEAD:notes.md')).toBe('one\n');
});

test('what is known of the project is read anew before, and what was learned is added to that', async () => {
  const { project, commit, kept } = await begin();
  await saveFacts(db, project.projectId, { ...project.facts, lastSafeAt: 5 });
  await repo.write('notes.md', 'one\n');
  await commit();
  expect(kept.map(({ facts }) => facts.lastSafeAt)).toEqual([5]);
});
