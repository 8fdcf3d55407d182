// Every command that the documents show is run, as it is written, by a shell: on a real service with real projects, in a
// home of its own. Only the service's address and the names of folders are put in. What is not run has its reason.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { HELP, readOptions } from '../../scripts/bench/options.ts';
import { createGitRepo } from '../support/git-repo.ts';
import { beginJourney, type Journey, type JourneyProject } from '../support/journey.ts';
import { moduleArgs, ROOT } from '../support/module-args.ts';
import type { RunningService } from '../support/service.ts';
import { goesOn, NOT_RUN, shownCommands, whyNotRun } from './shown-commands.ts';
import { type Place, placeForGit, plainFolder, textCommands } from './text-commands.ts';

const LONG_MS = 300_000;
/** In this order on one service: the last one stops it. */
const LAST = ['docs/api.md', 'docs/upgrading.md'];
/** Exit codes that say something of this machine, and nothing of the command. */
const OTHER_CODES: readonly (readonly [RegExp, readonly number[]])[] = [
  [/^gitferry doctor$/, [0, 1, 4]],
  [/^gitferry (?:status|sync --wait|conflict <project>)$/, [0, 4]],
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

/** Those of the text that no block shows; of removals and the like the last. */
const inBlocks = new Set([...shown.values()].flat());
const texts = await Promise.all([...documents, ...LAST].map((name) => readFile(join(ROOT, name), 'utf8')));
const inText = [...new Set(texts.flatMap(textCommands))]
  .filter((command) => !inBlocks.has(command))
  .sort((a, b) => Number(/\bremove\b/.test(a)) - Number(/\bremove\b/.test(b)));

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

type Where = { cwd?: string; env?: Readonly<Record<string, string>> };

async function runInShell(command: string, database: string, where: Where = {}): Promise<Ended> {
  const runtime = await readFile(`${join(journey.dataDir, 'queue.db')}.runtime.json`, 'utf8').catch(
    () => '{}',
  );
  const child = spawn('bash', ['-c', command], {
    cwd: where.cwd ?? clone,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    env: {
      PATH: `${join(clone, 'bin')}:${process.env.PATH}`,
      HOME: journey.folder,
      ...{ SYNC_DB_PATH: database, SYNC_API_PORT: '0', SYNC_FSYNC: 'false' },
      // The token of this run stands for the one that the reader has.
      ...(command.startsWith('curl') && { SYNC_API_TOKEN: JSON.parse(runtime).token }),
      ...where.env,
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
async function run(command: string, where: Where = {}): Promise<Ended> {
  const database = /\b(?:npm start|gitferry start)\b/.test(command)
    ? join(journey.folder, '.other', 'queue.db')
    : join(journey.dataDir, 'queue.db');
  if (!command.startsWith('curl')) return runInShell(command, database, where);
  const isFeed = command.includes('text/event-stream');
  const ended = await runInShell(
    `${command.replace(/^curl (?:-f )?/, 'curl --fail-with-body ')}${isFeed ? ' -m 2' : ''}`,
    database,
  );
  return isFeed && ended.code === 28 && ended.out.includes('data:') ? { ...ended, code: 0 } : ended;
}

let conflicts = 0;

/** A conflict of notes, for the command that ends one; each of other words. */
async function makeConflict(): Promise<void> {
  conflicts += 1;
  const other = await createGitRepo({ clone: notes.remotePath });
  await other.write('README.md', `theirs ${conflicts}\n`);
  await other.git('commit', '--quiet', '--all', '--message', 'theirs');
  await other.git('push', '--quiet', 'origin', 'main');
  await other.remove();
  await notes.repo.write('README.md', `ours ${conflicts}\n`);
  await service.untilState('notes', 'conflict');
}

async function runAllOf(name: string): Promise<void> {
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
}

test.each([...shown.keys()].filter((name) => !LAST.includes(name)))(
  'the commands of %s work',
  { timeout: LONG_MS },
  runAllOf,
);

/** As its reader would: in the project, repository or folder that the sentence is about. */
async function runFromText(command: string): Promise<Ended & { command: string }> {
  let place: Place = {
    cwd: clone,
    words: { '<project>': 'notes', '<pid>': String(service.pid), '3002': '0' },
    env: {},
  };
  if (command.startsWith('git ')) place = await placeForGit(command, journey.folder);
  if (command === 'gitferry add --init') place = { ...place, cwd: await plainFolder(journey.folder) };
  if (/conflict/.test(command)) await makeConflict();
  if (/hold release/.test(command)) {
    await service.api('POST', '/api/sync/projects/notes/conflict', { choice: 'mine' });
    await notes.repo.write('.env', 'PASSWORD=for-nobody\n');
    await service.until('a held file', async () => (await service.project('notes')).heldFiles.length > 0);
    place = { ...place, words: { ...place.words, '<path>': '.env' } };
  }
  const whole = Object.entries(place.words).reduce(
    (text, [word, mine]) => text.replaceAll(word, mine),
    command,
  );
  return { command: whole, ...(await run(putIn(whole), place)) };
}

test('the commands that stand in the text work', { timeout: LONG_MS }, async () => {
  const hasLfs = (await runInShell('git lfs version', '')).code === 0;
  if (!hasLfs) console.warn('SKIPPED: there is no git-lfs here; `git lfs install` is not run.');
  await mkdir(join(clone, 'data'));
  for (const text of inText) {
    if (whyNotRun(text) !== null || (!hasLfs && text.startsWith('git lfs'))) continue;
    const { command, code, out, err } = await runFromText(text);
    const codes = OTHER_CODES.find(([pattern]) => pattern.test(text))?.[1] ?? [0];
    const expected = /\bnpm start\b/.test(text) ? [0, 130, null] : codes;
    expect(expected, `${command}\n${out}\n${err}`).toContain(code);
    if (goesOn(text)) expect(isStarted(text, out), text).not.toBe('');
  }
});

test.each(LAST)('the commands of %s work', { timeout: LONG_MS }, runAllOf);

test('the benchmarks that are named are read by their own options', () => {
  const named = [...inText, ...[...shown.values()].flat()].filter((command) =>
    /^npm run bench\b/.test(command),
  );
  expect(named.length).toBeGreaterThan(10);
  for (const command of named) {
    const { name } = readOptions(
      command
        .replace(/^npm run bench(?: --)?/, '')
        .trim()
        .split(/\s+/)
        .filter(Boolean),
    );
    expect(HELP, command).toMatch(new RegExp(`^  ${name || 'all'} +`, 'm'));
  }
});

test('every command is run or has its reason, and no reason is left over', () => {
  const all = [...[...shown.values()].flat(), ...inText];
  const ran = all.filter((command) => whyNotRun(command) === null);
  expect(ran.length).toBeGreaterThan(all.length / 2);
  const unused = NOT_RUN.filter(([pattern]) => !all.some((command) => pattern.test(command)));
  expect(unused.map(([pattern]) => String(pattern))).toEqual([]);
});
