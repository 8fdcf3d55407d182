import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type ChangeScanner, createChangeScanner } from '../../src/git/changes/change-scanner.ts';
import { silentLog } from '../../src/host/log.ts';
import type { ProjectId } from '../../src/model/ids.ts';
import type { Project } from '../../src/model/project.ts';
import { enrolProject, refreshProject } from '../../src/projects/enrol.ts';
import { enqueue } from '../../src/queue/enqueue.ts';
import { createCertainty } from '../../src/runner/certainty.ts';
import { createKnownLooks, type KnownLooks } from '../../src/runner/known-looks.ts';
import { createProjectTable, type ProjectTable } from '../../src/runner/project-table.ts';
import { scanAll } from '../../src/runner/scan-all.ts';
import type { Database } from '../../src/store/database.ts';
import { openDatabase } from '../../src/store/open.ts';
import { listProjects, saveFacts } from '../../src/store/projects.ts';
import { databaseDeps, temporaryFolder } from '../support/database.ts';
import { createGitRepo, type GitRepo } from '../support/git-repo.ts';
import { createManualClock } from '../support/manual-clock.ts';
import { changeUnseen } from '../support/unseen-change.ts';

const clock = createManualClock(Date.now());
const machineId = 'here';
const certain = createCertainty();
let db: Database;
let folder: { path: string; remove(): Promise<void> };
let repo: GitRepo;
let project: Project;
let scanner: ChangeScanner;
let looks: KnownLooks;
let projects: ProjectTable;
let refreshed = 0;
let whole = 0;
let queued: ProjectId[] = [];
let whileLooking = async () => {};

beforeAll(async () => {
  folder = await temporaryFolder();
  db = await openDatabase({ path: join(folder.path, 'queue.db') }, databaseDeps);
  repo = await createGitRepo({ path: join(folder.path, 'work') });
  await repo.write('file', 'one\n');
  await writeSettings(['main']);
  await repo.git('add', '-A');
  await repo.git('commit', '-q', '-m', 'first');
  await repo.git('remote', 'add', 'origin', 'https://github.com/ada/work.git');
  const { projectId } = await enrolProject({ path: repo.path }, enrolPorts());
  const tip = (await repo.git('rev-parse', 'HEAD')).trim();
  await db.run(
    `UPDATE projects SET branch = 'main', last_safe_at = 1, remote_tips = json_object('main', :tip)`,
    { tip },
  );
  scanner = createChangeScanner({ ...env(), clock, idleMs: 3_600_000 });
  projects = createProjectTable();
  for (const one of await listProjects(db)) projects.put(one);
  project = projects.get(projectId) as Project;
  const counted: ChangeScanner = {
    ...scanner,
    async scan(...asked) {
      whole += 1;
      const found = await scanner.scan(...asked);
      await whileLooking();
      return found;
    },
  };
  looks = createKnownLooks({ scanner: counted, log: silentLog });
});

afterAll(async () => {
  await scanner.close();
  await db.close();
  await folder.remove();
});

/** Two scans apart find the same. */
beforeEach(async () => {
  await scan();
  await scan();
  [refreshed, whole, queued] = [0, 0, []];
});

const env = () => ({ env: { GIT_CONFIG_NOSYSTEM: '1', PATH: process.env.PATH }, homeDir: folder.path });
const enrolPorts = () => ({ ...env(), db, machineId });

function writeSettings(syncBranches: string[]): Promise<void> {
  const settings = { version: 2, github: { enabled: true, syncBranches, mode: 'push' } };
  return repo.write('project.json', JSON.stringify(settings));
}

async function scan() {
  await clock.advance(5_000);
  return scanAll(
    { trigger: 'scan', immediate: false },
    {
      ...{ db, clock, log: silentLog, machineId, projects, scanner, looks },
      bus: { publish: async () => undefined } as never,
      hints: { add: () => {} },
      findConsented: async () => {},
      refresh: (one, saved) => {
        refreshed += 1;
        return refreshProject(one, enrolPorts(), saved);
      },
      include: async () => {},
      exclude: async () => {},
      commitMeanwhile: () => {},
      isRunning: () => false,
      isCompared: (projectId) => certain.reasonOf(projectId) === null,
      compared: (projectId) => certain.compared(projectId),
      isNews: (projectId, work) => certain.isNews(projectId, work),
      queue: async (projectIds) => {
        queued.push(...projectIds);
        return [];
      },
      publishStates: async () => {},
      signal: new AbortController().signal,
    },
  );
}

test('scanAll() reads nothing anew of a project that two scans found as it is', async () => {
  expect(await scan()).toMatchObject({ scanned: 1, skipped: [{ reason: 'no-change' }] });
  expect([refreshed, whole, queued]).toEqual([0, 0, []]);
});

test('scanAll() finds a branch that somebody moved', async () => {
  await repo.git('commit', '-q', '--allow-empty', '-m', 'more');
  await scan();
  expect([refreshed, whole, queued]).toEqual([1, 1, [project.projectId]]);
  await repo.git('reset', '-q', '--soft', 'HEAD~1');
});

test('scanAll() takes settings from a project.json that was changed within its time and length', async () => {
  const path = join(repo.path, 'project.json');
  await changeUnseen(path, (await readFile(path, 'utf8')).replace('main', 'mine'));
  await scan();
  expect(projects.get(project.projectId)?.github.syncBranches).toEqual(['mine']);
  await writeSettings(['main']);
});

test('scanAll() asks the files again when the row is another, and looks at the work tree no closer', async () => {
  await db.run(`UPDATE projects SET project_name = 'other'`);
  await scan();
  expect([refreshed, whole]).toEqual([1, 0]);
  expect((await listProjects(db))[0]?.projectName).toBe('other');
  await scan();
  await scan();
  expect([refreshed, whole]).toEqual([1, 0]);
});

test('scanAll() asks project.json again where the database alone names other branches to sync', async () => {
  await db.run(`UPDATE projects SET config = json_set(config, '$.syncBranches', json('["topic"]'))`);
  await scan();
  expect(projects.get(project.projectId)?.github.syncBranches).toEqual(['main']);
  expect(refreshed).toBe(1);
});

test('scanAll() remembers nothing of a project that was let go', async () => {
  looks.forget(project.projectId);
  await scan();
  expect([refreshed, whole]).toEqual([1, 1]);
});

test('scanAll() leaves what else became known of a parked project while it was looked at', async () => {
  const { projectId, facts } = project;
  const asked = { trigger: 'scan', delayMs: 0, force: false, priority: 5, askRemote: false } as const;
  await enqueue(db, { ...asked, projectIds: [projectId] });
  await db.run(`UPDATE jobs SET state = 'parked', run_at = NULL, rank = NULL`);
  await repo.write('file', 'two\n');
  whileLooking = () => saveFacts(db, projectId, { ...facts, unpushedCommits: 3 });
  expect(await scan()).toMatchObject({ skipped: [{ reason: 'parked' }] });
  expect((await listProjects(db))[0]?.facts).toMatchObject({ pendingFiles: 1, unpushedCommits: 3 });
  expect(projects.get(projectId)?.facts.unpushedCommits).toBe(3);
});
