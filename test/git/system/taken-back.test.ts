// What others pushed is on its way into the work tree when the sync is called off, or something fails: by either engine
// it is taken back at once, and the next sync brings it in.

import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { writeJournal } from '../../../src/git/integrate/update-journal.ts';
import { openRepository } from '../../../src/git/repository.ts';
import { Failure } from '../../../src/model/failure.ts';
import { createGitRepo, type GitRepo } from '../../support/git-repo.ts';
import { openRow, type Row } from './repository.ts';

let row: Row;
let other: GitRepo;
beforeEach(async () => {
  row = await openRow();
});
afterEach(async () => {
  await other.remove();
  await row.end();
});

type EngineName = 'builtin' | 'git';
/** What the work tree holds before; by git it passes a rule for line ends on its way. */
const before = (engine: EngineName) => `one${engine === 'git' ? '\r\n' : '\n'}`;
const after = (engine: EngineName) => `two${engine === 'git' ? '\r\n' : '\n'}`;
const here = (file: string) => readFile(join(row.repo.path, file), 'utf8');
const head = async () => (await row.repo.git('rev-parse', 'HEAD')).trim();
const left = async () =>
  (await readdir(join(row.repo.path, '.git'))).filter((name) => /lock$|gitferry/.test(name));

/** One file is deleted, one is new, one is changed; answers the commit that is to come in. */
async function theyPush(engine: EngineName): Promise<string> {
  if (engine === 'git') await row.repo.git('config', 'core.autocrlf', 'true');
  await row.repo.write('gone.txt', before(engine));
  await row.repo.write('notes.txt', before(engine));
  await row.sync({ github: { engine } });
  other = await createGitRepo({ clone: row.remote.path });
  await rm(join(other.path, 'gone.txt'));
  await other.write('new.txt', 'two\n');
  await other.write('notes.txt', 'two\n');
  await other.git('add', '--all');
  await other.git('commit', '--quiet', '--message', 'theirs');
  await other.git('push', '--quiet', 'origin', 'main');
  return (await other.git('rev-parse', 'HEAD')).trim();
}

async function expectAsBefore(engine: EngineName, tip: string): Promise<void> {
  expect(await head()).toBe(tip);
  expect(await row.repo.git('status', '--porcelain')).toBe('');
  expect(await here('gone.txt')).toBe(before(engine));
  expect(await here('notes.txt')).toBe(before(engine));
  await expect(here('new.txt')).rejects.toThrow('ENOENT');
  expect((await left()).filter((name) => name !== 'gitferry-locks')).toEqual([]);
}

async function expectIn(engine: EngineName, tip: string): Promise<void> {
  expect(await head()).toBe(tip);
  await row.expectSafe();
  expect(await here('new.txt')).toBe(after(engine));
  expect(await here('notes.txt')).toBe(after(engine));
  expect((await left()).filter((name) => name !== 'gitferry-locks')).toEqual([]);
}

const ENGINES: readonly EngineName[] = ['builtin', 'git'];
const at = (points: readonly string[]) =>
  ENGINES.flatMap((engine) => points.map((point) => [point, engine] as const));
const STOPS = at(['journal-written', 'file-removed', 'file-placed', 'files-written', 'index-written']);
const FAULTS = at(['index-locked', 'file-placed', 'index-written']);

describe('half-way in', () => {
  test.each(STOPS)('a sync that is called off at %s is taken back at once (%s)', async (point, engine) => {
    const tip = await theyPush(engine);
    const from = await head();
    const stop = new AbortController();
    let met = 0;
    const faultPoint = (name: string) => {
      // A sync that only commits and pushes has some of these steps too.
      if (name !== point || ++met > 1) return;
      stop.abort(new Failure('aborted', 'The sync was ended by a stop.'));
    };
    const input = { github: { engine }, askRemote: true };
    const answer = await row.sync({ ...input, signal: stop.signal, ports: { faultPoint } });
    expect(met).toBeGreaterThan(0);
    // With all files in place the move is brought to its end, where the engine asks nobody any more.
    if (/files-written|index-written/.test(point) && (await head()) === tip)
      return await expectIn(engine, tip);
    expect(answer.outcome).toMatchObject({ failure: { code: 'aborted' } });
    await expectAsBefore(engine, from);
    expect(await row.sync(input)).toMatchObject({ outcome: { kind: 'done' } });
    await expectIn(engine, tip);
  });

  test.each(FAULTS)('a fault at %s is taken back at once (%s)', async (point, engine) => {
    const tip = await theyPush(engine);
    const from = await head();
    const faultPoint = (name: string) => {
      if (name === point) throw new Failure('disk-full', 'There is no space left.');
    };
    const input = { github: { engine }, askRemote: true };
    const answer = await row.sync({ ...input, ports: { faultPoint } });
    expect(answer.outcome).toMatchObject({ failure: { code: 'disk-full' } });
    await expectAsBefore(engine, from);
    expect(await row.sync(input)).toMatchObject({ outcome: { kind: 'done' } });
    await expectIn(engine, tip);
  });

  test.each(ENGINES)('a stash that a person begins meanwhile is given way to (%s)', async (engine) => {
    const tip = await theyPush(engine);
    const from = await head();
    const helper = join(row.repo.path, '.git/index.stash.4711');
    // Between the first look and the lock.
    const faultPoint = async (name: string) => {
      if (name === 'index-locked') await writeFile(helper, '');
    };
    const input = { github: { engine }, askRemote: true };
    const answer = await row.sync({ ...input, ports: { faultPoint } });
    expect(answer.outcome).toMatchObject({ failure: { code: 'git-at-work' } });
    await expectAsBefore(engine, from);
    await rm(helper);
    expect(await row.sync(input)).toMatchObject({ outcome: { kind: 'done' } });
    await expectIn(engine, tip);
  });
});

test.each(ENGINES)(
  'a move that a kill cut off, and that meets another program’s index.lock, stays noted until it can go on (%s)',
  async (engine) => {
    const to = await theyPush(engine);
    const from = await head();
    await row.repo.git('fetch', '--quiet', 'origin');
    // As a kill after the first file leaves it.
    const journal = { ref: 'refs/heads/main', from, to, kept: [], message: 'merge theirs: Fast-forward' };
    await writeJournal(await openRepository(row.repo.path), { ...journal, by: engine }, false);
    await row.repo.write('notes.txt', after(engine));
    const lock = join(row.repo.path, '.git/index.lock');
    await writeFile(lock, '');
    const input = { github: { engine }, askRemote: true, ports: { random: () => 0 } };
    const answer = await row.sync(input);
    expect(answer.outcome).toMatchObject({ failure: { code: 'index-busy' } });
    expect(await head()).toBe(from);
    expect(await left()).toContain('gitferry-update.json');
    expect(await here('notes.txt')).toBe(after(engine));
    await rm(lock);
    expect(await row.sync(input)).toMatchObject({ outcome: { kind: 'done' } });
    await expectIn(engine, to);
    expect((await row.repo.git('rev-list', '--count', 'HEAD')).trim()).toBe(
      (await other.git('rev-list', '--count', 'HEAD')).trim(),
    );
  },
);
