// What the documents name exists: commands, flags, routes, variables, settings, files and links.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createProgram, runCommandLine } from '../../src/cli/command-line.ts';
import { flatten, mergeLayers } from '../../src/config/layers.ts';
import { SETTING_KEYS, settingOf } from '../../src/config/settings.ts';
import { createProjectSchema } from '../../src/detect/project-schema.ts';
import { loadHost } from '../../src/host/load.ts';
import { PROJECT_STATES } from '../../src/model/project.ts';
import { ProjectFileSchema } from '../../src/model/project-config.ts';
import { createFixture, type Fixture } from '../http/api-fixture.ts';
import { anchorsIn, findMentions, type Known } from './mentions.ts';

const host = await loadHost();
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const DOCUMENTS = [
  ...readdirSync(ROOT).filter((name) => name.endsWith('.md')),
  // The reference of the API is written from the contract itself.
  ...readdirSync(join(ROOT, 'docs')).flatMap((name) => (name === 'api-reference.md' ? [] : [`docs/${name}`])),
];
/** Pages for people. */
const PAGES = ['/', '/docs', '/openapi.json'];

let api: Fixture;
let known: Known;
let operations: string[];

beforeAll(async () => {
  api = await createFixture();
  const { body } = await api.get('/openapi.json');
  operations = Object.entries(body.paths as Record<string, object>).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  const served = await Promise.all(PAGES.map(async (path) => (await api.get(path)).status));
  expect(served, 'pages').toEqual(PAGES.map(() => 200));
  const variables = new Set(SETTING_KEYS.map((key) => settingOf(key).env));
  const others = new Set(variablesOfOthers());
  known = {
    npmScripts: new Set(Object.keys(JSON.parse(read('package.json')).scripts)),
    denoTasks: new Set(Object.keys(JSON.parse(read('deno.json')).tasks)),
    startFlags: flagsOf(await helpText()),
    scriptFlags: new Map(
      [
        ['bench', 'scripts/bench/options.ts'] as const,
        ['soak', 'scripts/soak/main.ts'] as const,
        ['demo', 'src/cli/demo.ts'] as const,
      ].map(([name, path]) => [name, flagsOf(read(path))]),
    ),
    commandFlags: new Set([
      ...commands().flatMap((command) => command.options.map(({ long }) => long ?? '')),
      ...flagsOf(read('scripts/test.ts')),
    ]),
    isCommand,
    routes: operations,
    isVariable: (name) => variables.has(name) || (!name.startsWith('SYNC_') && others.has(name)),
    isServiceSetting: (key) => (SETTING_KEYS as string[]).includes(key),
    isProjectSetting: (key) => hasProjectKey(key.split('.')),
    exists: (path) => existsSync(join(ROOT, path)),
    anchorsOf: (path) => (existsSync(join(ROOT, path)) ? anchorsIn(read(path)) : null),
  };
});
afterAll(() => api.close());

const program = () => createProgram({ host: { ...host, writeError() {} }, does: () => async () => {} });

function commands(command: Command = program()): Command[] {
  return [command, ...command.commands.flatMap(commands)];
}

/** Reads the words as the program does, and runs nothing. Usage with `[project]` or `<project>` counts as written. */
function isCommand(words: readonly string[]): boolean {
  const given = words.filter((word) => !/^\[.*\]$/.test(word)).map((word) => word.replace(/^<(.*)>$/, '$1'));
  try {
    program()
      .exitOverride()
      .configureOutput({ writeErr: () => {}, writeOut: () => {} })
      .parse([...given], { from: 'user' });
    return true;
  } catch (error) {
    return (error as { exitCode?: number }).exitCode === 0;
  }
}

/** Names that the source reads from the environment beside the table of settings. */
function variablesOfOthers(): string[] {
  const sources = [
    'src/github/sources/environment.ts',
    'src/config/layers.ts',
    'src/cli/terminal/style.ts',
    'src/cli/reach/known-services.ts',
    'test/support/service.ts',
    'test/support/journey.ts',
    'Dockerfile',
    'scripts/notify/mail.sh',
  ].map(read);
  return sources.flatMap((text) =>
    [...text.matchAll(/(?:env\.|ENV |'|\$\{)([A-Z][A-Z_]{2,})\b/g)].map(([, name = '']) => name),
  );
}

async function helpText(): Promise<string> {
  let text = '';
  const writeOut = (part: string) => {
    text += part;
  };
  expect(await runCommandLine({ ...host, args: ['start', '--help'], writeOut })).toBe(0);
  return text;
}

function flagsOf(text: string): Set<string> {
  return new Set([...text.matchAll(/--[a-z][a-z-]*/g)].map(([flag]) => flag));
}

type Node = { properties?: Record<string, Node>; items?: Node; anyOf?: Node[] };

/** Keys below `github` that the text names neither by themselves nor by a group they are in. */
function undescribed(schema: Node, text: string): string[] {
  const below = (node: Node | undefined, path: string): string[] => {
    if (text.includes(`\`${path}\``)) return [];
    const parts = Object.entries(node?.properties ?? {});
    return parts.length === 0 ? [path] : parts.flatMap(([key, part]) => below(part, `${path}.${key}`));
  };
  return below(schema.properties?.github, 'github');
}

function hasProjectKey(path: readonly string[]): boolean {
  let node: Node | undefined = createProjectSchema() as Node;
  for (const key of path) node = node?.properties?.[key];
  return node !== undefined;
}

test.each(DOCUMENTS)('%s names nothing that does not exist', (path) => {
  const unknown = findMentions(path, read(path), known).filter((mention) => !mention.isKnown);
  expect(unknown.map(({ kind, text }) => `${kind}: ${text}`)).toEqual([]);
});

test('the documents name something of every kind', () => {
  const kinds = DOCUMENTS.flatMap((path) => findMentions(path, read(path), known)).map(({ kind }) => kind);
  expect([...new Set(kinds)].sort()).toEqual(
    ['command', 'file', 'flag', 'link', 'route', 'script', 'setting', 'task', 'variable'].sort(),
  );
});

test.each([
  ['script', 'Run `npm run nothing`.', 'nothing'],
  ['task', 'Run `deno task nothing`.', 'nothing'],
  ['command', 'Run `gitferry nothing`.', 'gitferry nothing'],
  ['command', 'Run `gitferry sync --nothing`.', 'gitferry sync --nothing'],
  ['command', '```sh\ngitferry hold nothing blog   # why\n```', 'gitferry hold nothing blog'],
  ['command', 'Run `gitferry restore blog`.', 'gitferry restore blog'],
  ['flag', '`npm start -- ~/notes --nothing 1`', '--nothing'],
  ['flag', '`npm run demo -- --nothing`', '--nothing'],
  ['flag', '`npm run bench -- sync --nothing 1`', '--nothing'],
  ['flag', '`npm run soak -- --nothing`', '--nothing'],
  ['flag', 'the option `--nothing`', '--nothing'],
  ['route', 'Ask `GET /api/sync/nothing`.', 'GET /api/sync/nothing'],
  ['route', '`DELETE /api/sync/status`', 'DELETE /api/sync/status'],
  ['route', 'curl -X POST localhost:3001/api/sync/status', 'POST /api/sync/status'],
  ['variable', 'Set `SYNC_NOTHING`.', 'SYNC_NOTHING'],
  ['variable', 'NOTHING=1 npm start', 'NOTHING'],
  ['setting', '`github.nothing`', 'github.nothing'],
  ['setting', '`schedulerOptions.nothing`', 'schedulerOptions.nothing'],
  ['setting', '```json\n{"nothing": 1}\n```', 'nothing'],
  ['setting', '```json\n{"version": 2, "github": {"nothing": 1}}\n```', 'github.nothing'],
  ['file', 'see `src/nothing.ts`', 'src/nothing.ts'],
  ['link', '[there](docs/nothing.md)', 'docs/nothing.md'],
  ['link', '[there](docs/api.md#nothing)', 'docs/api.md#nothing'],
])('an unknown %s is noticed in: %s', (kind, text, name) => {
  const unknown = findMentions('README.md', text, known).filter((mention) => !mention.isKnown);
  expect(unknown).toEqual([{ kind, text: name, isKnown: false }]);
});

test('docs/api.md describes every route of the contract', () => {
  const text = read('docs/api.md');
  const missing = operations.filter((route) => !text.includes(`\`${route.replace(/\{(\w+)\}/g, ':$1')}\``));
  expect(missing).toEqual([]);
});

test('docs/configuration.md describes every setting of a project, or the group it is in', () => {
  const text = read('docs/configuration.md');
  const keys = undescribed(createProjectSchema() as Node, text);
  expect(keys).toEqual([]);
});

test('a setting of a project that no document describes is noticed', () => {
  expect(undescribed(createProjectSchema() as Node, '`github.commit.author`')).toEqual(
    expect.arrayContaining(['github.engine', 'github.commit.message', 'github.schedule.quietHours.from']),
  );
});

test('the examples of gitferry.json and project.json are valid', () => {
  const blocks = [...read('docs/configuration.md').matchAll(/^```json\n([\s\S]*?)^```/gm)];
  const [service, project] = blocks.map(([, json = '']) => JSON.parse(json));
  const { layer, issues } = flatten(service, 'gitferry.json');
  expect(issues).toEqual([]);
  expect(mergeLayers({ file: layer }).sources.roots).toBe('file');
  expect(ProjectFileSchema.parse(project).github?.enabled).toBe(true);
});

test("README's states at a glance are all states, in the product's order", () => {
  const section = read('README.md').split('## States at a glance')[1]?.split('\n## ')[0] ?? '';
  const cells = [...section.matchAll(/^\| (`.*?) +\|/gm)].flatMap(([, cell = '']) => cell.split(', '));
  expect(cells).toEqual(PROJECT_STATES.map((state) => `\`${state}\``));
});
