// Any number of clean projects that a service knows: one that has a remote, the others copies of it, known as safe,
// whose remotes nobody asks.

import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock, systemRandom } from '../../src/host/clock.ts';
import { silentLog } from '../../src/host/log.ts';
import { enrolProject } from '../../src/projects/enrol.ts';
import { openDatabase } from '../../src/store/open.ts';
import { runGit } from '../../test/support/git-repo.ts';
import type { GitServer } from '../../test/support/git-server.ts';
import { copySample, makeTemplate, type Sample } from './sample-repositories.ts';

/** As which machine a service has to be started to have them. */
export const MACHINE = 'bench';

export type KnownProjects = {
  paths: readonly string[];
  /** The one that has a remote; it was worked on last. */
  sample: Sample;
  /** Where the service's database lies. */
  dataDir: string;
};

export async function makeKnownProjects(input: {
  folder: string;
  projects: number;
  /** In each of them. */
  files: number;
  server: GitServer;
}): Promise<KnownProjects> {
  const { folder, projects, files, server } = input;
  const template = await makeTemplate(join(folder, 'template'), files);
  const sample = await copySample(server, template, join(folder, 'projects', 'p0'), 'p0');
  const paths = [sample.repo.path];
  for (let n = 1; n < projects; n++) {
    const path = join(folder, 'projects', `p${n}`);
    await cp(sample.repo.path, path, { recursive: true });
    await runGit(['remote', 'set-url', 'origin', `${server.url}/p${n}.git`], { cwd: path });
    // Git knows the copied files by other stat data: it looks at them once and writes it down.
    await runGit(['status', '--short'], { cwd: path });
    paths.push(path);
  }
  const dataDir = join(folder, 'data');
  const tip = (await sample.repo.git('rev-parse', 'HEAD')).trim();
  await enrolAsSafe(paths, { dataDir, tip, homeDir: folder });
  return { paths, sample, dataDir };
}

async function enrolAsSafe(
  paths: readonly string[],
  { dataDir, tip, homeDir }: { dataDir: string; tip: string; homeDir: string },
): Promise<void> {
  const ports = { clock: systemClock, random: systemRandom, log: silentLog };
  const db = await openDatabase({ path: join(dataDir, 'queue.db') }, ports);
  for (const path of paths) await enrolProject({ path }, { db, machineId: MACHINE, env: {}, homeDir });
  await db.run(
    `UPDATE projects SET branch = 'main', remote_tips = json_object('main', :tip),
       last_safe_at = :now - id * 1000, last_activity_at = :now - id * 1000`,
    { tip, now: systemClock.now() },
  );
  await db.close();
}
