// Repositories of any number of files for benchmarks: made once in each size, packed as after a clone, and copied for
// every contender, each with a remote of its own.

import { cp, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createGitRepo, type GitRepo, runGit } from '../../test/support/git-repo.ts';
import type { GitServer } from '../../test/support/git-server.ts';

/** As in a large source tree: about so many files lie in one folder. */
const FILES_IN_FOLDER = 23;

export type Sample = { repo: GitRepo; remotePath: string; remoteUrl: string };

export const sampleFile = (n: number) => {
  const folder = Math.floor(n / FILES_IN_FOLDER);
  return `src/area-${folder % 40}/part-${folder}/file-${n}.txt`;
};

export async function makeTemplate(path: string, files: number): Promise<string> {
  const repo = await createGitRepo({ path });
  const folders = new Set(Array.from({ length: files }, (_, n) => dirname(sampleFile(n))));
  for (const folder of folders) await mkdir(join(path, folder), { recursive: true });
  for (let n = 0; n < files; n++) await writeFile(join(path, sampleFile(n)), `file ${n}\n`.repeat(20));
  const schedule = { quietMs: 100, maxWaitMs: 60_000, minIntervalMs: 0 };
  const settings = { version: 2, github: { enabled: true, syncBranches: ['*'], schedule } };
  await writeFile(join(path, 'project.json'), `${JSON.stringify(settings, null, 2)}\n`);
  await repo.git('add', '--all');
  await repo.git('commit', '--quiet', '--message', 'begin');
  await repo.git('gc', '--quiet');
  return path;
}

export async function copySample(
  server: GitServer,
  template: string,
  path: string,
  name: string,
): Promise<Sample> {
  const remotePath = join(server.root, `${name}.git`);
  await runGit(['clone', '--quiet', '--bare', '--no-hardlinks', template, remotePath], { cwd: server.root });
  for (const [key, value] of [
    ['http.receivepack', 'true'],
    ['receive.autogc', 'false'],
  ] as const) {
    await runGit(['config', key, value], { cwd: remotePath });
  }
  await cp(template, path, { recursive: true });
  const repo = await createGitRepo({ path });
  const remoteUrl = `${server.url}/${name}.git`;
  await repo.git('remote', 'add', 'origin', remoteUrl);
  await repo.git('config', 'user.name', 'Ada Author');
  await repo.git('config', 'user.email', 'ada@example.com');
  await repo.git('push', '--quiet', '--set-upstream', 'origin', 'main');
  // The copied index knows the files by other stat data: git looks at them once and writes it down.
  await repo.git('status', '--short');
  return { repo, remotePath, remoteUrl };
}
