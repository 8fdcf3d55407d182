import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { checkImports } from '../../scripts/check-imports.ts';

let root = '';
afterEach(() => rm(root, { recursive: true, force: true }));

/** A small work tree that keeps every rule. */
const CLEAN: Record<string, string> = {
  'src/main.ts': "import { app } from './app.ts';\nimport { load } from './host/load.ts';\nload();\napp();\n",
  'src/app.ts': "import { story } from './pipeline.ts';\nexport const app = story;\n",
  'src/pipeline.ts':
    "import { watch } from './watch/watch.ts';\nimport { g } from './git/git.ts';\nimport { scan } from './guard/scan.ts';\nexport const story = () => [watch, g, scan];\n",
  'src/watch/watch.ts':
    "import chokidar from 'chokidar';\nimport type { Clock } from '../host/clock.ts';\nexport const watch = (clock: Clock) => chokidar(clock);\n",
  'src/git/git.ts': "import { F } from '../model/failure.ts';\nexport const g = F;\n",
  'src/guard/scan.ts': "import { F } from '../model/failure.ts';\nexport const scan = F;\n",
  'src/model/failure.ts': 'export const F = 1;\n',
  'src/host/clock.ts': 'export type Clock = { now(): number };\n',
  'src/host/load.ts': "export const load = () => import('./node.ts');\n",
  'src/host/node.ts':
    "import type { Clock } from './clock.ts';\nexport const clock: Clock = { now: () => 1 };\n",
  'test/watch/watch.test.ts': "import { watch } from '../../src/watch/watch.ts';\nwatch({ now: () => 1 });\n",
  'scripts/bench.ts': "import { g } from '../src/git/git.ts';\nvoid g;\n",
  'node_modules/chokidar/package.json':
    '{"name":"chokidar","version":"1.0.0","type":"module","exports":"./index.js"}',
  'node_modules/chokidar/index.js': 'export default (value) => value;\n',
  'package.json': '{"type":"module","dependencies":{"chokidar":"1.0.0"}}',
};

async function check(planted: Record<string, string> = {}) {
  root = await realpath(await mkdtemp(join(tmpdir(), 'gitferry-imports-')));
  for (const [path, text] of Object.entries({ ...CLEAN, ...planted })) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  return checkImports(root);
}

test('checkImports() finds no fault in a tree that keeps the rules, and reads all of it', async () => {
  expect(await check()).toEqual({ modules: 12, imports: 14, faults: [] });
});

const PLANTED: [what: string, path: string, text: string, rule: string][] = [
  [
    'one room using another',
    'src/watch/extra.ts',
    "import { g } from '../git/git.ts';\nexport const x = g;\n",
    'room-watch',
  ],
  [
    'a type of another room',
    'src/guard/extra.ts',
    "import type { g } from '../git/git.ts';\nexport type X = typeof g;\n",
    'room-guard',
  ],
  [
    'a dynamic import',
    'src/git/extra.ts',
    "export const x = () => import('../guard/scan.ts');\n",
    'room-git',
  ],
  ['a re-export', 'src/queue/extra.ts', "export { g } from '../git/git.ts';\n", 'room-queue'],
  [
    'a room using the story',
    'src/git/extra.ts',
    "import { story } from '../pipeline.ts';\nexport const x = story;\n",
    'room-git',
  ],
  [
    "another room's package",
    'src/git/extra.ts',
    "import chokidar from 'chokidar';\nexport const x = chokidar;\n",
    'package-chokidar',
  ],
  [
    'a missing package of another room',
    'src/git/extra.ts',
    "import x from '@octokit/rest';\nexport { x };\n",
    'package-@octokit',
  ],
  [
    'a runtime',
    'src/app.ts',
    "import { clock } from './host/node.ts';\nexport const app = () => clock;\n",
    'runtime-only-by-load',
  ],
  [
    'a room loading the runtime',
    'src/git/extra.ts',
    "import { load } from '../host/load.ts';\nexport const x = load;\n",
    'load-only-by-entries',
  ],
  ['a test in the product', 'src/git/extra.ts', "import '../../test/watch/watch.test.ts';\n", 'source-alone'],
  ['a script in the product', 'src/git/extra.ts', "import '../../scripts/bench.ts';\n", 'source-alone'],
  ['a circle', 'src/git/git.ts', "import { x } from './extra.ts';\nexport const g = () => x;\n", 'no-cycles'],
  [
    'an unknown room',
    'src/utils/extra.ts',
    "import { F } from '../model/failure.ts';\nexport const x = F;\n",
    'unknown-room',
  ],
  [
    'a use of an unknown room',
    'src/app.ts',
    "import { x } from './utils/extra.ts';\nexport const app = () => x;\n",
    'unknown-room-used',
  ],
  [
    'an import that leads nowhere',
    'src/git/extra.ts',
    "import { x } from './nothing.ts';\nexport { x };\n",
    'resolvable',
  ],
];

const BESIDE: Record<string, Record<string, string>> = {
  'a circle': { 'src/git/extra.ts': "import { g } from './git.ts';\nexport const x = () => g;\n" },
  'a use of an unknown room': { 'src/utils/extra.ts': 'export const x = 1;\n' },
};

test.each(PLANTED)('checkImports() finds %s', async (what, path, text, rule) => {
  const { faults } = await check({ [path]: text, ...BESIDE[what] });
  expect(faults).toContainEqual(expect.stringMatching(new RegExp(`${path}.*: ${rule} \\(`)));
});

test('checkImports() notices that a parser found no imports', async () => {
  const silent = Object.fromEntries(
    Object.keys(CLEAN)
      .filter((path) => path.endsWith('.ts'))
      .map((path) => [path, 'export const nothing = 1;\n']),
  );
  expect((await check(silent)).faults).toEqual(['only 0 imports in 12 files']);
});
