import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { createGitRepo, gitEnv, runGit } from '../../support/git-repo.ts';
import { startGitServer } from '../../support/git-server.ts';
import { syncOnce } from '../../support/sync-once.ts';

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function makeScene() {
  const server = await startGitServer();
  cleanUps.push(() => server.stop());
  const remote = await server.createRepo('project');
  const repo = await createGitRepo();
  cleanUps.push(repo.remove);
  await repo.git('remote', 'add', 'origin', remote.url);
  const namesInRemote = async () =>
    (
      await runGit(['--git-dir', remote.path, 'ls-tree', '-r', '--name-only', 'main'], { cwd: server.root })
    ).toString();
  return { repo, namesInRemote };
}

const BUSY = {
  kind: 'blocked',
  reason: { code: 'file-changing', detail: expect.stringContaining('busy.log') },
};

test('a file that is written all the time is named, and everything else is pushed', async () => {
  const { repo, namesInRemote } = await makeScene();
  await repo.write('a.txt', 'a');
  await repo.write('busy.log', Buffer.alloc(3_000_000));
  const writer = setInterval(() => appendFileSync(join(repo.path, 'busy.log'), 'more\n'), 0);
  try {
    expect(await syncOnce({ worktree: repo.path })).toMatchObject({
      outcome: BUSY,
      facts: { pendingFiles: 1 },
    });
  } finally {
    clearInterval(writer);
  }
  expect(await namesInRemote()).toBe('a.txt\n');
  const quiet = { outcome: { kind: 'done' }, facts: { pendingFiles: 0 } };
  expect(await syncOnce({ worktree: repo.path })).toMatchObject(quiet);
  expect(await namesInRemote()).toBe('a.txt\nbusy.log\n');
});

test.each(['under the eyes of the guard', 'after the guard has seen it'])(
  'a file that changes %s is left for the next sync, and the rest is pushed',
  async (when) => {
    const { repo, namesInRemote } = await makeScene();
    await repo.write('a.txt', 'a');
    await repo.write('busy.log', 'seen');
    let changes = 0;
    const change = () => {
      changes += 1;
      writeFileSync(join(repo.path, 'busy.log'), `changed ${changes}`);
    };
    const ports = {
      guard: async ({
        files,
        read,
      }: {
        files: readonly { path: string; oid: string }[];
        read(path: string, oid: string): Promise<unknown>;
      }) => {
        if (when.startsWith('under')) change();
        for (const { path, oid } of files) await read(path, oid);
        if (when.startsWith('after')) change();
        return { held: [], massDeletion: null };
      },
    };
    expect(await syncOnce({ worktree: repo.path, ports })).toMatchObject({
      outcome: BUSY,
      facts: { pendingFiles: 1 },
    });
    expect(await namesInRemote()).toBe('a.txt\n');
    expect(await syncOnce({ worktree: repo.path })).toMatchObject({ outcome: { kind: 'done' } });
    expect(await namesInRemote()).toBe('a.txt\nbusy.log\n');
  },
);

test('a sync tidies the object store when there are more loose objects than gc.auto says', async () => {
  const { repo } = await makeScene();
  for (let i = 0; i < 1500; i++) await repo.write(`many/${i}.txt`, `content ${i}`);
  await repo.git('add', '-A');
  await repo.git('commit', '-qm', 'many');
  await repo.write('one-more.txt', 'x');
  const env = { ...gitEnv(), GIT_CONFIG_VALUE_0: '100' };
  expect(await syncOnce({ worktree: repo.path, ports: { env } })).toMatchObject({
    outcome: { kind: 'done' },
  });
  expect(await repo.git('count-objects')).toMatch(/^0 objects/);
  await repo.git('fsck', '--full', '--strict');
});
