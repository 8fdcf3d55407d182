import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { repairIndex } from '../../../src/git/commit/repair-index.ts';
import { openObjects } from '../../../src/git/objects/objects.ts';
import { openRepository } from '../../../src/git/repository.ts';
import { systemClock, systemRandom } from '../../../src/host/clock.ts';
import { NO_FACTS } from '../../../src/model/project.ts';
import { createGitRepo, type GitRepo, gitEnv } from '../../support/git-repo.ts';
import { moduleArgs } from '../../support/module-args.ts';
import { syncOnce } from '../../support/sync-once.ts';

const isDeno = process.versions.deno !== undefined;
const WORKER = fileURLToPath(new URL('../../support/sync-crash-worker.ts', import.meta.url));
const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function withFirstCommit(): Promise<GitRepo> {
  const repo = await createGitRepo();
  cleanUps.push(repo.remove);
  for (const name of ['changed', 'deleted', 'run.sh', 'staged', 'edited']) await repo.write(name, 'before\n');
  await repo.git('add', '-A');
  await repo.git('commit', '-qm', 'first');
  return repo;
}

/** HEAD has a second commit, and the index is that of the first: as after a kill between the two. */
async function withIndexBehind(): Promise<GitRepo> {
  const repo = await withFirstCommit();
  await repo.write('changed', 'after\n');
  await repo.write('run.sh', 'before\n', 0o755);
  await repo.write('dir/added', 'after\n');
  await repo.write('staged', 'after\n');
  await repo.write('edited', 'after\n');
  await repo.git('rm', '-q', 'deleted');
  await repo.git('add', '-A');
  await repo.git('commit', '-qm', 'second');
  await repo.git('read-tree', 'HEAD^');
  return repo;
}

async function repair(git: GitRepo, revision = 'HEAD'): Promise<number> {
  const repo = await openRepository(git.path);
  const objects = openObjects(repo, { fsync: false });
  cleanUps.push(() => objects.close());
  const oid = (await git.git('rev-parse', revision)).trim();
  return repairIndex({ repo, objects, oid, wait: { clock: systemClock, random: systemRandom } });
}

test('repairIndex() brings an index after HEAD, as git itself would have', async () => {
  const repo = await withIndexBehind();
  expect(await repo.git('status', '--porcelain')).not.toBe('');
  expect(await repair(repo)).toBe(6);
  expect(await repo.git('status', '--porcelain')).toBe('');
  expect(await repo.git('write-tree')).toBe(await repo.git('rev-parse', 'HEAD^{tree}'));
  expect(await repair(repo)).toBe(0);
});

test('repairIndex() leaves alone what a person has staged or changed since', async () => {
  const repo = await withIndexBehind();
  await repo.write('staged', 'by a person\n');
  await repo.git('add', 'staged');
  await repo.write('edited', 'by a person, too\n');
  await repo.write('deleted', 'back again\n');
  expect(await repair(repo)).toBe(3);
  expect(await repo.git('status', '--porcelain')).toBe('AM deleted\nMM edited\nM  staged\n');
});

test('repairIndex() does nothing when HEAD is elsewhere or another program holds the index', async () => {
  const repo = await withIndexBehind();
  const before = await repo.git('ls-files', '--stage');
  expect(await repair(repo, 'HEAD^')).toBe(0);
  await repo.write('.git/index.lock', '');
  expect(await repair(repo)).toBe(0);
  await rm(join(repo.path, '.git/index.lock'));
  expect(await repo.git('ls-files', '--stage')).toBe(before);
});

test.skipIf(isDeno)('a sync repairs the index of a killed commit whose lock a person removed', async () => {
  const repo = await withFirstCommit();
  await repo.git('remote', 'add', 'origin', 'http://127.0.0.1:9/nobody/listens.git');
  await repo.write('changed', 'after\n');
  const input = JSON.stringify({ worktree: repo.path, facts: NO_FACTS, point: 'ref-moved' });
  const ended = await new Promise((resolve) => {
    execFile(process.execPath, [...moduleArgs(WORKER), input], { env: gitEnv() }, (error) =>
      resolve(error?.signal),
    );
  });
  expect(ended).toBe('SIGKILL');
  await rm(join(repo.path, '.git/index.lock'));
  await rm(join(repo.path, '.git/HEAD.lock'), { force: true });
  expect(await repo.git('status', '--porcelain')).toBe('MM changed\n');
  expect((await syncOnce({ worktree: repo.path })).outcome).toMatchObject({ kind: 'failed' });
  expect(await repo.git('status', '--porcelain')).toBe('');
});
