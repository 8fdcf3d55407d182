// A host that takes only so much in one push gets the history in parts, by either engine.

import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { GithubConfigSchema } from '../../../src/model/project-config.ts';
import { createGitRepo, type GitRepo, runGit } from '../../support/git-repo.ts';
import { type GitServer, startGitServer } from '../../support/git-server.ts';
import { syncOnce } from '../../support/sync-once.ts';

let server: GitServer;
let repo: GitRepo;
let remotePath: string;
let count = 0;
beforeAll(async () => {
  server = await startGitServer();
});
afterAll(() => server.stop());
beforeEach(async () => {
  count += 1;
  const remote = await server.createRepo(`parts-${count}`);
  remotePath = remote.path;
  repo = await createGitRepo();
  await repo.git('remote', 'add', 'origin', remote.url);
});
afterEach(() => repo.remove());

/** Refuses what GitHub refuses above 2 GiB, here above so many objects that it lacks. */
async function takeAtMost(objects: number): Promise<void> {
  const hook = join(remotePath, 'hooks/pre-receive');
  const script = `while read -r old new ref; do
  test "$(git rev-list --objects "$new" --not --all | wc -l)" -le ${objects} && continue
  echo "fatal: pack exceeds maximum allowed size (2.00 GiB)" >&2
  exit 1
done
echo . >> pushes
`;
  await writeFile(hook, `#!/bin/sh\n${script}`);
  await chmod(hook, 0o755);
}

async function commit(name: string): Promise<string> {
  await repo.write(name, `${name}\n`);
  await repo.git('add', '--all');
  await repo.git('commit', '--quiet', '--message', name);
  return (await repo.git('rev-parse', 'HEAD')).trim();
}

const github = (engine: 'builtin' | 'git') =>
  GithubConfigSchema.parse({ enabled: true, syncBranches: ['*'], engine });
const there = () => server.refOf(remotePath, 'refs/heads/main');

test.each(['builtin', 'git'] as const)(
  'a history that is too large for one push goes in parts, by the %s engine',
  async (engine) => {
    await takeAtMost(6); // two commits with a tree and a file each
    let tip = '';
    for (let n = 0; n < 9; n++) tip = await commit(`${n}.txt`);
    const { outcome, facts, stats } = await syncOnce({ worktree: repo.path, github: github(engine) });
    expect(outcome).toEqual({ kind: 'done', status: 'success' });
    expect(await there()).toBe(tip);
    expect(facts).toMatchObject({ unpushedCommits: 0, remoteTips: { main: tip } });
    const pushed = stats.remotes.map(({ from, to }) => [from, to]);
    expect(pushed.length).toBeGreaterThanOrEqual(5);
    expect(pushed.slice(1).map(([from]) => from)).toEqual(pushed.slice(0, -1).map(([, to]) => to));
    await runGit(['fsck', '--strict'], { cwd: remotePath });
  },
);

test('parts follow the branch’s own line to what the remote has, also past a merge', async () => {
  await commit('base.txt');
  await syncOnce({ worktree: repo.path });
  await repo.git('switch', '--quiet', '--create', 'side');
  for (let n = 0; n < 2; n++) await commit(`side-${n}.txt`);
  await repo.git('switch', '--quiet', 'main');
  for (let n = 0; n < 3; n++) await commit(`main-${n}.txt`);
  await repo.git('merge', '--quiet', '--no-edit', 'side');
  await repo.git('branch', '--quiet', '--delete', '--force', 'side');
  await takeAtMost(9);
  const { outcome } = await syncOnce({ worktree: repo.path });
  expect(outcome).toEqual({ kind: 'done', status: 'success' });
  expect(await there()).toBe((await repo.git('rev-parse', 'main')).trim());
});

test('one commit that is too large by itself is named, and what came before it is there', async () => {
  await takeAtMost(6);
  const before = [await commit('0.txt'), await commit('1.txt'), await commit('2.txt')];
  for (let n = 0; n < 8; n++) await repo.write(`large/${n}`, `${n}\n`);
  const large = await commit('last.txt');
  const { outcome, facts } = await syncOnce({ worktree: repo.path });
  expect(outcome).toMatchObject({ kind: 'failed', failure: { code: 'push-too-large' } });
  const { failure } = outcome as Extract<typeof outcome, { kind: 'failed' }>;
  expect(failure.reason.detail).toContain(`The commit ${large.slice(0, 10)} alone is too large.`);
  expect(failure.reason.action).toContain('only what is not pushed');
  expect(await there()).toBe(before[2]);
  expect(facts).toMatchObject({ unpushedCommits: 1, remoteTips: { main: before[2] } });
});
