import { chmod, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { readGitConfig } from '../../../src/git/config/user-config.ts';
import { consolidateObjects } from '../../../src/git/objects/consolidate.ts';
import { tidyObjects } from '../../../src/git/objects/hygiene.ts';
import { openObjects } from '../../../src/git/objects/objects.ts';
import { openRepository } from '../../../src/git/repository.ts';
import { gitRunner } from '../../../src/git/system/run-git.ts';
import { systemClock } from '../../../src/host/clock.ts';
import { createGitRepo, type GitRepo, gitEnv } from '../../support/git-repo.ts';

const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

const { signal } = new AbortController();
const ofCode = (code: string) => expect.objectContaining({ name: 'Failure', code });

/** 1,500 loose blobs, and a commit that reaches all of them. */
async function makeLoose(): Promise<GitRepo> {
  const git = await createGitRepo();
  cleanUps.push(git.remove);
  for (let i = 0; i < 1500; i++) await git.write(`many/${i}.txt`, `content ${i}`);
  await git.git('add', '-A');
  await git.git('commit', '-qm', 'many');
  return git;
}

async function tidy(
  git: GitRepo,
  settings: Record<string, string>,
  input: { path?: string; timeoutMs?: number } = {},
) {
  const repo = await openRepository(git.path);
  const pairs = Object.entries(settings);
  const env: Record<string, string> = {
    ...gitEnv(),
    GIT_CONFIG_COUNT: String(pairs.length),
    ...Object.fromEntries(
      pairs.flatMap(([key, value], i) => [
        [`GIT_CONFIG_KEY_${i}`, key],
        [`GIT_CONFIG_VALUE_${i}`, value],
      ]),
    ),
    ...(input.path !== undefined && { PATH: input.path }),
  };
  const config = await readGitConfig({ repo, env, homeDir: '' });
  const runner = gitRunner({ repo, env, clock: systemClock, signal });
  const timeoutMs = input.timeoutMs ?? 60_000;
  return tidyObjects({ repo, config, git: runner, fsync: true, signal, timeoutMs });
}

async function countOf(git: GitRepo): Promise<{ loose: number; packs: number }> {
  const text = await git.git('count-objects', '-v');
  const number = (name: string) => Number(new RegExp(`^${name}: (\\d+)$`, 'm').exec(text)?.[1]);
  return { loose: number('count'), packs: number('packs') };
}

test('tidyObjects() does nothing below the limit, and never where a person switched it off', async () => {
  const git = await makeLoose();
  for (const settings of [{}, { 'gc.auto': '0' }, { 'gc.auto': '-1' }, { 'gc.auto': '8k' }] as const) {
    expect(await tidy(git, settings)).toEqual({ kind: 'nothing-to-do' });
  }
  expect(await countOf(git)).toMatchObject({ packs: 0 });
  await expect(tidy(git, { 'gc.auto': 'often' })).rejects.toEqual(ofCode('git-config-invalid'));
});

test('tidyObjects() lets git tidy up, and waits for it', async () => {
  const git = await makeLoose();
  expect(await tidy(git, { 'gc.auto': '100' })).toEqual({ kind: 'git' });
  expect(await countOf(git)).toEqual({ loose: 0, packs: 1 });
});

test('tidyObjects() lets git join many packs into one', async () => {
  const git = await makeLoose();
  for (let i = 0; i < 4; i++) {
    await git.write('a.txt', `round ${i}`);
    await git.git('add', '-A');
    await git.git('commit', '-qm', `round ${i}`);
    await git.git('repack', '-dq');
  }
  expect(await tidy(git, { 'gc.autoPackLimit': '3' })).toEqual({ kind: 'git' });
  expect(await countOf(git)).toEqual({ loose: 0, packs: 1 });
});

test('tidyObjects() ends a git that takes too long, and tells when git would not', async () => {
  const git = await makeLoose();
  const bin = join(git.path, '.git/bin');
  await git.write('.git/bin/git', '#!/bin/sh\nexec sleep 60\n', 0o755);
  const path = `${bin}:${process.env.PATH}`;
  expect(await tidy(git, { 'gc.auto': '100' }, { path, timeoutMs: 200 })).toEqual({ kind: 'took-too-long' });
  await writeFile(join(bin, 'git'), '#!/bin/sh\necho "fatal: no\nway" >&2; exit 128\n');
  expect(await tidy(git, { 'gc.auto': '100' }, { path })).toEqual({
    kind: 'failed',
    detail: 'fatal: no way',
  });
});

test('tidyObjects() moves loose objects into one pack where git is not installed', async () => {
  const git = await makeLoose();
  const large = (await git.gitBytes(['hash-object', '-w', '--stdin'], Buffer.alloc(9_000_000, 'x')))
    .toString()
    .trim();
  const unreachable = (await git.gitBytes(['hash-object', '-w', '--stdin'], 'nobody refers to it'))
    .toString()
    .trim();
  const { loose } = await countOf(git);
  const objects = openObjects(await openRepository(git.path), { fsync: false });
  cleanUps.push(() => objects.close());
  expect(await objects.has(unreachable)).toBe(true);
  expect(await tidy(git, { 'gc.auto': '100' }, { path: '/nowhere' })).toEqual({
    kind: 'consolidated',
    objects: loose - 1,
  });
  expect(await countOf(git)).toEqual({ loose: 1, packs: 1 });
  expect((await readdir(join(git.path, '.git/objects'))).toSorted()).toEqual(
    [large.slice(0, 2), 'info', 'pack'].toSorted(),
  );
  await git.git('fsck', '--full', '--strict');
  // A store that was open finds everything again.
  expect((await objects.read(unreachable)).content.toString()).toBe('nobody refers to it');
  expect(await git.git('status', '--porcelain')).toBe('');
});

test('consolidateObjects() leaves damaged objects where they are, and nothing behind when it is stopped', async () => {
  const git = await makeLoose();
  const store = { objectsDir: join(git.path, '.git/objects'), fsync: false };
  const oid = (await git.git('rev-parse', 'HEAD:many/7.txt')).trim();
  const other = (await git.git('rev-parse', 'HEAD:many/8.txt')).trim();
  const fileOf = (id: string) => join(store.objectsDir, id.slice(0, 2), id.slice(2));
  await rm(fileOf(oid));
  await writeFile(fileOf(oid), 'damaged');
  await chmod(fileOf(other), 0o644);
  const { loose } = await countOf(git);
  const stopped = AbortSignal.abort(new Error('enough'));
  await expect(consolidateObjects(store, stopped)).rejects.toThrow('enough');
  expect(await readdir(join(store.objectsDir, 'pack'))).toEqual([]);
  expect(await consolidateObjects(store, signal)).toBe(loose - 1);
  expect(await readdir(join(store.objectsDir, oid.slice(0, 2)))).toEqual([oid.slice(2)]);
  expect(await consolidateObjects(store, signal)).toBe(0);
});
