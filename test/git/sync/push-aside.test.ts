// What cannot be brought together with the remote is put beside its branch, also after it was written anew.

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { ProjectFacts } from '../../../src/model/project.ts';
import { createGitRepo, type GitRepo, runGit } from '../../support/git-repo.ts';
import { type GitServer, startGitServer } from '../../support/git-server.ts';
import { syncOnce } from '../../support/sync-once.ts';

let server: GitServer;
let repo: GitRepo;
let other: GitRepo;
let remotePath: string;
let count = 0;
beforeAll(async () => {
  server = await startGitServer();
});
afterAll(() => server.stop());
beforeEach(async () => {
  count += 1;
  const remote = await server.createRepo(`aside-${count}`);
  remotePath = remote.path;
  repo = await createGitRepo();
  await repo.git('remote', 'add', 'origin', remote.url);
  await repo.write('a.txt', 'first\n');
  await syncOnce({ worktree: repo.path });
  other = await createGitRepo({ clone: remotePath });
  await other.write('a.txt', 'theirs\n');
  await other.git('commit', '--quiet', '--all', '--message', 'theirs');
  await other.git('push', '--quiet', 'origin', 'main');
});
afterEach(async () => {
  await repo.remove();
  await other.remove();
});

const head = async () => (await repo.git('rev-parse', 'HEAD')).trim();
const sideBranch = (name: string) => server.refOf(remotePath, `refs/heads/sync/laptop/${name}`);

/** Syncs into the conflict and answers what is known after it; the text must name the branch that has the work. */
async function syncInto(branch: string, known?: ProjectFacts): Promise<ProjectFacts> {
  const { outcome, facts } = await syncOnce({ worktree: repo.path, ...(known && { facts: known }) });
  expect(outcome).toMatchObject({
    kind: 'conflict',
    reason: { code: 'content-conflict', detail: expect.stringContaining(` as sync/laptop/${branch}.`) },
  });
  expect(await sideBranch(branch)).toBe(await head());
  return facts;
}

test('work that was amended while in conflict goes to a further side branch, and later work follows it', async () => {
  await repo.write('a.txt', 'ours\n');
  let facts = await syncInto('main');
  const before = await head();
  await repo.git('commit', '--quiet', '--amend', '--message', 'better');
  facts = await syncInto('main-2', facts);
  await repo.write('new.txt', 'important\n');
  facts = await syncInto('main-2', facts);
  expect(String(await runGit(['show', 'sync/laptop/main-2:new.txt'], { cwd: remotePath }))).toBe(
    'important\n',
  );
  expect(await sideBranch('main')).toBe(before);
  expect((await syncOnce({ worktree: repo.path, facts })).stats.remotes).toEqual([]);
});

test('a side branch of which nothing is known is left to whoever put it there', async () => {
  await repo.write('a.txt', 'ours\n');
  await syncInto('main');
  const before = await head();
  await repo.git('commit', '--quiet', '--amend', '--message', 'better');
  await syncInto('main-2');
  expect(await sideBranch('main')).toBe(before);
});

test('work that went back to an earlier commit is where the side branch has it', async () => {
  await repo.write('a.txt', 'ours\n');
  await syncInto('main');
  await repo.write('new.txt', 'more\n');
  const facts = await syncInto('main');
  const before = await head();
  await repo.git('reset', '--quiet', '--hard', 'HEAD~1');
  const { outcome } = await syncOnce({ worktree: repo.path, facts });
  expect(outcome).toMatchObject({ kind: 'conflict', reason: { code: 'content-conflict' } });
  expect(await sideBranch('main')).toBe(before);
  expect(await sideBranch('main-2')).toBeNull();
});
