// `npm test`: vitest, with names for suites. `npm test -- --unit` and the like choose folders of test/; anything else is
// handed on, so files and options of vitest work as they do: `npm test -- test/queue -t 'claims'`.

import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Real services, other runtimes, browsers and packages; what is long. The rest is `--unit`. */
const INTEGRATION = ['client', 'dashboard', 'examples', 'journeys', 'package', 'proof', 'react'];

/** The folders of test/ that a suite is made of; null: all of them. */
function foldersOf(suite: string, all: readonly string[]): string[] | null {
  if (suite === '--all') return null;
  const isIntegration = (name: string) => INTEGRATION.includes(name);
  return all.filter((name) => isIntegration(name) === (suite === '--integration'));
}

const SUITES = ['--unit', '--integration', '--all'];
/** What tests use, and no tests. */
const NO_TESTS = ['support', 'fixtures'];

/** What node is started with; null: the suites that are named exclude each other. */
export function commandOf(args: readonly string[]): string[] | null {
  const rest = args.filter((arg) => !SUITES.includes(arg) && arg !== '--performance');
  if (args.includes('--performance')) {
    const wanted = rest.length === 0 ? ['all', '--quick'] : rest;
    return ['--import', 'tsx', join(ROOT, 'scripts/bench/main.ts'), ...wanted];
  }
  const [suite, ...others] = args.filter((arg) => SUITES.includes(arg));
  if (others.length > 0) return null;
  const all = readdirSync(join(ROOT, 'test'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !NO_TESTS.includes(entry.name))
    .map(({ name }) => name);
  const folders = suite === undefined ? null : foldersOf(suite, all);
  const vitest = join(createRequire(import.meta.url).resolve('vitest/package.json'), '../vitest.mjs');
  return [vitest, 'run', ...(folders ?? []).map((name) => `test/${name}/`), ...rest];
}

function main(args: readonly string[]): number {
  const command = commandOf(args);
  if (command !== null) return run(command);
  console.error(`Choose one of ${SUITES.join(', ')}, --performance.`);
  return 2;
}

function run(args: readonly string[]): number {
  const { status, signal } = spawnSync(process.execPath, args, { cwd: ROOT, stdio: 'inherit' });
  return status ?? (signal === null ? 1 : 128);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = main(process.argv.slice(2));
