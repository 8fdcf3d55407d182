// `npm test -- --unit` and the like: which folders of test/ a suite is, and what is handed on.

import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { commandOf } from '../../scripts/test.ts';

const FOLDERS = readdirSync(fileURLToPath(new URL('..', import.meta.url)), { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !['support', 'fixtures'].includes(entry.name))
  .map(({ name }) => name);

/** The folders of test/ that vitest is asked for. */
function foldersOf(...args: string[]): string[] {
  return (commandOf(args) ?? []).flatMap((arg) => /^test\/([^/]+)\/$/.exec(arg)?.[1] ?? []);
}

test('every folder is in exactly one of --unit and --integration', () => {
  const unit = foldersOf('--unit');
  const integration = foldersOf('--integration');
  expect([...unit, ...integration].filter((name) => name !== 'fixtures').sort()).toEqual(FOLDERS.sort());
  expect(unit).toContain('queue');
  expect(unit).not.toContain('journeys');
  expect(integration).toEqual(expect.arrayContaining(['journeys', 'dashboard', 'package', 'proof']));
});

test('--all, and nothing at all, are every test', () => {
  for (const args of [['--all'], []]) {
    expect(commandOf(args)?.slice(1)).toEqual(['run']);
    expect(commandOf(args)?.[0]).toMatch(/vitest\.mjs$/);
  }
});

test('--performance is the benchmarks, in their short form unless it is said which', () => {
  expect(commandOf(['--performance'])?.slice(-3)).toEqual([
    expect.stringMatching(/scripts\/bench\/main\.ts$/),
    'all',
    '--quick',
  ]);
  expect(commandOf(['--performance', 'queue'])?.slice(-2)).toEqual([
    expect.stringMatching(/scripts\/bench\/main\.ts$/),
    'queue',
  ]);
});

test('files and options of vitest are handed on, also with a suite', () => {
  expect(commandOf(['test/queue', '-t', 'claims'])?.slice(1)).toEqual(['run', 'test/queue', '-t', 'claims']);
  expect(commandOf(['--unit', '-t', 'claims'])?.slice(-2)).toEqual(['-t', 'claims']);
});

test('two suites at once are refused', () => {
  expect(commandOf(['--unit', '--integration'])).toBeNull();
});
