// Every command that the documents show is run, as it is written, by a shell: on a real service with real projects, in a
// home of its own. Only the service's address and the names of folders are put in. What is not run has its reason.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createGitRepo } from '../support/git-repo.ts';
import { beginJourney, type Journey, type JourneyProject } from '../support/journey.ts';
import { moduleArgs, ROOT } from '../support/module-args.ts';
import type { RunningService } from '../support/service.ts';
import { goesOn, NOT_RUN, shownCommands, whyNotRun } from './shown-commands.ts';

const LONG_MS = 300_000;
/** In this order on one service: the last one stops it. */
const LAST = ['docs/api.md', 'docs/upgrading.md'];
/** Exit codes that say something of this machine, and nothing of the command. */
const OTHER_CODES: readonly (readonly [RegExp, readonly number[]])[] = [
  [/^gitferry doctor$/, [0, 1, 4]],
  [/^gitferry (?:status|sync --wait)$/, [0, 4]],
];

const documents = [
  ...(await readdir(ROOT)).filter((name) => name.endsWith('.md')),
  ...(await readdir(join(ROOT, 'docs'))).map((name) => `docs/${name}`),
].filter((name) => !LAST.includes(name));
const shown = new Map<string, string[]>();
for (const name of [...documents, ...LAST]) {
  const commands = shownCommands(await readFile(join(ROOT, name), 'utf8'));
  if (commands.length > 0) shown.set(name, commands);
}

let journey: Journey;
let notes: JourneyProject;
let service: RunningService;
/** The repository as far as commands need it; what they write there stays there. */
let clone: string;

beforeAll(async () => {
  journey = await beginJourney();
  await mkdir(join(journey.folder, 'work'));
  notes = await journey.addProject('notes');
  const blog = await journey.addProject('work/blog');
  await journey.addProject('new-blog');
  service = await journey.start({
    folders: [notes.path, blog.path],
    env: { SYNC_NOTICE_COMMAND: '["true"]', SYNC_ROOTS: journey.folder, SYNC_MACHINE_ID: 'laptop' },
  });
  for (const id of ['notes', 'blog']) await service.untilState(id, 'safe');
  clone = join(journey.folder, '.clone');
  await mkdir(join(clone, 'bin'), { recursive: true });
  for (const name of [
    'package.json',
    'scripts',
    'src',
    'node_modules',
    'tsconfig.json',
    'ecosystem.config.cjs',
  ])
    await symlink(join(ROOT, name), join(clone, name));
  const program = [process.execPath, ...moduleArgs(join(ROOT, 'src/main.ts'))];
  await writeFile(
    join(clone, 'bin/gitferry'),
    `#!/bin/sh\nexec ${program.map((word) => `'${word}'`).join(' ')} "$@"\n`,
  );
  await chmod(join(clone, 'bin/gitferry'), 0o755);
  for (const place of ['.local/share/bash-completion/completions', '.config/fish/completions'])
    await mkdir(join(journey.folder, place), { recursive: true });
}, LONG_MS);
afterAll(() => journey.end());

/** As it is written, but for what stands for something of the reader's. */
function putIn(command: string): string {
  return command
    .replaceAll('localhost:3001', new URL(service.url).host)
    .replace(/"path": "\/[\w/]+\/blog"/, `"path": "${join(journey.folder, 'new-blog')}"`);
}

type Ended = { code: number | null; out: string; err: string };

async function runInShell(command: string, database: string): Promise<Ended> {
  const runtime = await readFile(`${join(journey.dataDir, 'queue.db')}.runtime.json`, 'utf8').catch(
    () => '{}',
  );
  const child = spawn('bash', ['-c', command], {
    cwd: clone,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    env: {
      PATH: `${join(clone, 'bin')}:${process.env.PATH}`,
      HOME: journey.folder,
      ...{ SYNC_DB_PATH: database, SYNC_API_PORT: '0', SYNC_FSYNC: 'false' },
      // The token of this run stands for the one that the reader has.
      ...(command.startsWith('curl') && { SYNC_API_TOKEN: JSON.parse(runtime).token }),
    },
  });
  const said = { out: '', err: '' };
  let isInterrupted = false;
  child.stdout.on('data', (part) => {
    said.out += String(part);
    if (isInterrupted || !goesOn(command) || isStarted(command, said.out) === '') return;
    isInterrupted = true;
    // As Ctrl-C does: to everything that the shell has started.
    process.kill(-(child.pid as number), 'SIGINT');
  });
  child.stderr.on('data', (part) => {
    said.err += String(part);
  });
  const [code] = await once(child, 'close');
  return { code: code as number | null, ...said };
}

const isStarted = (command: string, out: string): string =>
  / log -f/.test(command) ? out : (/^gitferry \S+ on http.*$/m.exec(out)?.[0] ?? '');

/** What the command answers; a request must succeed, and a feed is read for a moment. */
async function run(command: string): Promise<Ended> {
  const database = /\b(?:npm start|gitferry start)\b/.test(command)
    ? join(journey.folder, '.other', 'queue.db')
    : join(journey.dataDir, 'queue.db');
  if (!command.startsWith('curl')) return runInShell(command, database);
  const isFeed = command.includes('text/event-stream');
  const ended = await runInShell(
    `${command.replace(/^curl (?:-f )?/, 'curl --fail-with-body ')}${isFeed ? ' -m 2' : ''}`,
    database,
  );
  return isFeed && ended.code === 28 && ended.out.includes('data:') ? { ...ended, code: 0 } : ended;
}

/** A conflict of notes, for the command that ends one. */
async function makeConflict(): Promise<void> {
  const other = await createGitRepo({ clone: notes.remotePath });
  await other.write('README.md', 'theirs\n');
  await other.git('commit', '--quiet', '--all', '--message', 'theirs');
  await other.git('push', '--quiet', 'origin', 'main');
  await other.remove();
  await notes.repo.write('README.md', 'ours\n');
  await service.untilState('notes', 'conflict');
}

test.each([...shown.keys()])('the commands of %s work', { timeout: LONG_MS }, async (name) => {
  for (const command of shown.get(name) ?? []) {
    if (whyNotRun(command) !== null) continue;
    if (command.includes('/conflict')) await makeConflict();
    const { code, out, err } = await run(putIn(command));
    const codes = OTHER_CODES.find(([pattern]) => pattern.test(command))?.[1] ?? [0];
    // A signal that a person sends ends npm with 130, and no command of ours.
    const expected = /\bnpm start\b/.test(command) ? [0, 130, null] : codes;
    expect(expected, `${command}\n${out}\n${err}`).toContain(code);
    if (goesOn(command)) expect(isStarted(command, out), command).not.toBe('');
  }
});

test('every command is run or has its reason, and no reason is left over', () => {
  const all = [...shown.values()].flat();
  const ran = all.filter((command) => whyNotRun(command) === null);
  expect(ran.length).toBeGreaterThan(all.length / 2);
  const unused = NOT_RUN.filter(([pattern]) => !all.some((command) => pattern.test(command)));
  expect(unused.map(([pattern]) => String(pattern))).toEqual([]);
});
