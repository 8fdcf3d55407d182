import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { NO_FACTS, NO_RELEASES, type ProjectFacts } from '../../../src/model/project.ts';
import { type GithubConfig, GithubConfigSchema } from '../../../src/model/project-config.ts';
import { createGitRepo } from '../../support/git-repo.ts';
import { startGitServer } from '../../support/git-server.ts';
import { createRealGuard } from '../../support/real-guard.ts';
import { syncOnce } from '../../support/sync-once.ts';

const TOKEN = `ghp_${'aB3dE5fG7hJ9kL2mN4pQ6rS8tU1vW0xY1234'}`;
const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function makeScene(github: Partial<GithubConfig> = {}) {
  const server = await startGitServer();
  cleanUps.push(() => server.stop());
  const remote = await server.createRepo('project');
  const repo = await createGitRepo();
  cleanUps.push(repo.remove);
  await repo.git('remote', 'add', 'origin', remote.url);
  const guard = createRealGuard();
  let facts: ProjectFacts = NO_FACTS;
  const settings = GithubConfigSchema.parse({ enabled: true, syncBranches: ['*'], ...github });
  return {
    ...{ server, remote, repo },
    tip: (branch = 'main') => server.refOf(remote.path, `refs/heads/${branch}`),
    async commit(file: string, text: string) {
      await repo.write(file, text);
      await repo.git('add', '--all');
      await repo.git('commit', '--quiet', '--message', file);
      return (await repo.git('rev-parse', 'HEAD')).trim();
    },
    async sync(more: Partial<Parameters<typeof syncOnce>[0]> = {}) {
      const answer = await syncOnce({
        worktree: repo.path,
        github: settings,
        facts,
        ports: { guard },
        ...more,
      });
      facts = answer.facts;
      return answer;
    },
  };
}

const held = (file: string) => ({
  outcome: { kind: 'failed', failure: { code: 'secret-in-commit', message: expect.stringContaining(file) } },
});

test.each(['builtin', 'git'] as const)(
  'a secret that the person committed is not pushed by the engine %s; file, line and commit are named',
  async (engine) => {
    const scene = await makeScene({ engine });
    const first = await scene.commit('a.txt', 'a');
    expect((await scene.sync()).outcome.kind).toBe('done');
    const commit = await scene.commit('conf/key.ts', `x\n${TOKEN}\n`);
    await scene.commit('b.txt', 'b');
    const answer = await scene.sync();
    expect(answer).toMatchObject(held(`conf/key.ts line 2 (github/token) in ${commit.slice(0, 10)}`));
    expect(answer.facts.heldFiles).toMatchObject([{ path: 'conf/key.ts', line: 2, commit }]);
    expect(JSON.stringify(answer)).not.toContain(TOKEN.slice(4));
    expect(await scene.tip()).toBe(first);
  },
);

test('a secret is held in mode push, in a first push, on a branch aside, and after it was taken out again', async () => {
  const scene = await makeScene({ mode: 'push' });
  const clean = await scene.commit('a.txt', 'a');
  await scene.repo.git('switch', '--quiet', '--create', 'side');
  await scene.commit('key.txt', TOKEN);
  await rm(join(scene.repo.path, 'key.txt'));
  await scene.commit('b.txt', 'b');
  await scene.repo.git('switch', '--quiet', 'main');
  expect(await scene.sync()).toMatchObject(held('side is not pushed: key.txt'));
  expect([await scene.tip(), await scene.tip('side')]).toEqual([clean, null]);
});

test('the push goes on when the person rewrites the commit, and nothing is held any more', async () => {
  const scene = await makeScene();
  await scene.commit('a.txt', 'a');
  await scene.sync();
  await scene.commit('key.txt', TOKEN);
  await scene.sync();
  await scene.repo.write('key.txt', 'none');
  await scene.repo.git('commit', '--quiet', '--all', '--amend', '--message', 'clean');
  expect(await scene.sync()).toMatchObject({ outcome: { kind: 'done' }, facts: { heldFiles: [] } });
  expect(await scene.tip()).toBe((await scene.repo.git('rev-parse', 'HEAD')).trim());
});

test('a released or allowed content is pushed with its commit, another one is held', async () => {
  const scene = await makeScene();
  await scene.commit('key.txt', TOKEN);
  const [file] = (await scene.sync()).facts.heldFiles;
  const releases = { ...NO_RELEASES, files: [{ path: 'key.txt', oid: file?.oid ?? '' }] };
  expect((await scene.sync({ releases })).outcome.kind).toBe('done');
  await scene.commit('key.txt', `${TOKEN}!`);
  expect(await scene.sync({ releases })).toMatchObject(held('key.txt'));
  const [next] = (await scene.sync()).facts.heldFiles;
  const github = GithubConfigSchema.parse({
    ...{ enabled: true, syncBranches: ['*'], guard: { allow: [`sha1:${next?.oid}`] } },
  });
  expect(await scene.sync({ github })).toMatchObject({ outcome: { kind: 'done' }, facts: { heldFiles: [] } });
});

test('what the remote has already is no news: known by its branches, or only by asking', async () => {
  const scene = await makeScene({ guard: { secrets: false } });
  await scene.commit('key.txt', TOKEN);
  expect((await scene.sync()).outcome.kind).toBe('done');
  const guarded = { github: GithubConfigSchema.parse({ enabled: true, syncBranches: ['*'] }) };
  await scene.commit('a.txt', 'a');
  expect((await scene.sync({ ...guarded, facts: NO_FACTS })).outcome.kind).toBe('done');
  await scene.repo.git('mv', 'key.txt', 'moved.txt');
  await scene.repo.git('commit', '--quiet', '--message', 'a rename');
  await scene.repo.git('update-ref', '-d', 'refs/remotes/origin/main');
  expect((await scene.sync({ ...guarded, facts: NO_FACTS })).outcome.kind).toBe('done');
});

test('names and sizes of what the person committed were their choice; key stores cannot be searched', async () => {
  const scene = await makeScene({ guard: { maxFileBytes: 10 } });
  await scene.commit('.env.example.pem', 'harmless, but longer than the limit\n');
  expect((await scene.sync()).outcome.kind).toBe('done');
  await scene.commit('app.p12', '\0');
  expect(await scene.sync()).toMatchObject(held('app.p12'));
});

test('a content that was released once is pushed after an offline time, too', async () => {
  const scene = await makeScene();
  await scene.commit('a.txt', 'a');
  await scene.sync();
  await scene.repo.write('key.txt', TOKEN);
  const [file] = (await scene.sync()).facts.heldFiles;
  const releases = { ...NO_RELEASES, files: [{ path: 'key.txt', oid: file?.oid ?? '' }] };
  scene.server.inject(/receive-pack/, { kind: 'status', status: 503, body: 'later' }, 5);
  expect((await scene.sync({ releases })).outcome.kind).toBe('failed');
  scene.server.clearFaults();
  expect((await scene.sync({ releases })).outcome.kind).toBe('done');
  expect(await scene.tip()).toBe((await scene.repo.git('rev-parse', 'HEAD')).trim());
});

test('a snapshot stands on the commits of the person, so it is held with them; its own held file may be released', async () => {
  const scene = await makeScene({ mode: 'snapshot' });
  await scene.commit('a.txt', 'a');
  await scene.repo.write('b.txt', TOKEN);
  await scene.repo.write('c.txt', 'c');
  const [file] = (await scene.sync()).facts.heldFiles;
  const before = await scene.tip('auto/main');
  expect([file?.path, before === null]).toEqual(['b.txt', false]);
  const releases = { ...NO_RELEASES, files: [{ path: 'b.txt', oid: file?.oid ?? '' }] };
  expect(await scene.sync({ releases })).toMatchObject({
    outcome: { kind: 'done' },
    facts: { heldFiles: [] },
  });
  const released = await scene.tip('auto/main');
  expect(released).not.toBe(before);

  await rm(join(scene.repo.path, 'b.txt'));
  await scene.commit('key.txt', `${TOKEN}!`);
  expect(await scene.sync()).toMatchObject(held('key.txt'));
  expect(await scene.tip('auto/main')).toBe(released);
});
