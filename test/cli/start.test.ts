// `gitferry start` in this process: what it says at its start, and a signal in the moment in which it tells where it answers.

import { mkdtemp, readdir, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runCommandLine } from '../../src/cli/command-line.ts';
import { rememberService } from '../../src/cli/reach/known-services.ts';
import { loadHost } from '../../src/host/load.ts';
import { createGitRepo } from '../support/git-repo.ts';

let folder: string;
beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'gitferry-start-')));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

type Env = Record<string, string | undefined>;

/** Starts on `queue.db` of the folder; `press` is the signal of a person, `ended` the exit code. */
async function start(args: readonly string[] = [], env: Env = { XDG_STATE_HOME: join(folder, 'state') }) {
  let press: (signal: string) => void = () => {};
  let told = '';
  let exit: (code: number) => void = () => {};
  const ended = new Promise<number>((resolve) => {
    exit = resolve;
  });
  const host = await loadHost();
  const code = runCommandLine({
    ...host,
    ...{ env, homeDir: folder, cwd: folder, exit: exit as never },
    args: ['start', '--port', '0', '--db', join(folder, 'queue.db'), '--log-level', 'silent', ...args],
    onStopSignal: (listener) => {
      press = listener as typeof press;
    },
    writeOut: (text) => {
      told += text;
    },
  });
  return { code, ended, press: () => press('SIGTERM'), told: () => told };
}

/** What is there of the service beside its database. */
const left = async () => (await readdir(folder)).filter((name) => /^queue\.db\.(?:runtime|lock)/.test(name));

test('a signal while the service tells where it answers ends it, and takes its files away', async () => {
  // A new database would make it look for others before.
  await writeFile(join(folder, 'queue.db'), '');
  const env: Env = {};
  let pressed = 0;
  const running: { press?: () => void } = {};
  // Nobody else wants to know it, and no copy of the environment has it.
  Object.defineProperty(env, 'XDG_STATE_HOME', {
    enumerable: false,
    get() {
      pressed += 1;
      running.press?.();
      return join(folder, 'state');
    },
  });
  const service = await start([], env);
  running.press = service.press;
  expect(await service.ended).toBe(0);
  expect(await service.code).toBeNull();
  expect(pressed).toBe(1);
  expect(await left()).toEqual([]);
  expect(service.told()).toBe('');
});

test('without a project it says so, and where the databases of before are; with one it does not', async () => {
  const before = join(folder, 'elsewhere.db');
  await writeFile(before, '');
  const state = { XDG_STATE_HOME: join(folder, 'state') };
  await rememberService(before, { env: state, homeDir: folder, platform: 'linux' });
  const empty = await start();
  expect(await empty.code).toBeNull();
  expect(empty.told()).toMatch(/\n {2}no project yet: .*`gitferry add <folder>`\n/);
  expect(empty.told()).toContain(
    `new database ${join(folder, 'queue.db')}; others of yours, for --db: ${before}\n`,
  );
  expect(await left()).toEqual(['queue.db.lock', 'queue.db.runtime.json']);
  empty.press();
  expect(await empty.ended).toBe(0);
  const repo = await createGitRepo({ path: join(folder, 'notes') });
  for (const named of [[repo.path], []]) {
    const again = await start(named);
    await again.code;
    expect(again.told()).not.toMatch(/no project yet|new database/);
    again.press();
    expect(await again.ended).toBe(0);
  }
});
