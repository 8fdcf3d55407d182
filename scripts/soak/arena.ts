// Where a soak takes place: a folder with real git work trees, a real git server with a remote for each, and the
// database that all processes share.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock, systemRandom } from '../../src/host/clock.ts';
import { silentLog } from '../../src/host/log.ts';
import { enrolProject } from '../../src/projects/enrol.ts';
import type { Database } from '../../src/store/database.ts';
import { type DatabaseLocation, openDatabase } from '../../src/store/open.ts';
import { createGitRepo, gitEnv } from '../../test/support/git-repo.ts';
import { startGitServer } from '../../test/support/git-server.ts';
import { type Sqld, startSqld } from '../../test/support/sqld.ts';

export type SoakProject = { id: string; path: string; remotePath: string };

export type Arena = {
  folder: string;
  machineId: string;
  location: DatabaseLocation;
  db: Database;
  /** A server of our own, which may be killed too; null otherwise. */
  sqld: Sqld | null;
  projects: SoakProject[];
  remove(): Promise<void>;
};

const MACHINE = 'soak';

/** `local`: a file; `sqld`: a server of our own; otherwise the URL of an empty database on a server. */
export async function openArena(where: string, projectCount: number): Promise<Arena> {
  const folder = await mkdtemp(join(tmpdir(), 'gitferry-soak-'));
  const server = await startGitServer();
  const sqld = where === 'sqld' ? await startSqld() : null;
  const location: DatabaseLocation =
    where === 'local' ? { path: join(folder, 'queue.db') } : { url: sqld?.url ?? where };
  const db = await openDatabase(location, { clock: systemClock, random: systemRandom, log: silentLog });
  const projects: SoakProject[] = [];
  for (let index = 0; index < projectCount; index++) {
    const id = `project-${index}`;
    const remote = await server.createRepo(id);
    const path = join(folder, id);
    await createProject(path, remote.url);
    const enrol = { db, machineId: MACHINE, env: gitEnv(), homeDir: folder };
    const { projectId } = await enrolProject({ path }, enrol);
    projects.push({ id: projectId, path, remotePath: remote.path });
  }
  return {
    ...{ folder, machineId: MACHINE, location, db, sqld, projects },
    async remove() {
      await db.close();
      await server.stop();
      await sqld?.stop();
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

async function createProject(path: string, url: string): Promise<void> {
  const repo = await createGitRepo({ path });
  await repo.git('config', 'user.name', 'Ada Author');
  await repo.git('config', 'user.email', 'ada@example.com');
  await repo.git('remote', 'add', 'origin', url);
  const schedule = { quietMs: 0, maxWaitMs: 60_000, minIntervalMs: 0 };
  const settings = { version: 2, github: { enabled: true, syncBranches: ['*'], schedule } };
  await writeFile(join(path, 'project.json'), `${JSON.stringify(settings, null, 2)}\n`);
  await repo.git('add', '--all');
  await repo.git('commit', '--quiet', '--message', 'begin');
}
