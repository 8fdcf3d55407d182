// How commands speak: colour for people at a terminal only, figures in words, progress that is quiet when piped.

import { expect, test } from 'vitest';
import { duration, instant } from '../../src/cli/arguments.ts';
import { createOutput } from '../../src/cli/terminal/output.ts';
import { createProgress, progressText } from '../../src/cli/terminal/progress.ts';
import { harmless, paintFor } from '../../src/cli/terminal/style.ts';
import { ageInWords, durationInWords, sizeInWords } from '../../src/cli/terminal/words.ts';
import { loadHost } from '../../src/host/load.ts';
import { runCli } from './run-cli.ts';

const terminal = { out: true, error: true, columns: () => 30 };

test.each([
  ['at a terminal', terminal, {}, true],
  ['with NO_COLOR', terminal, { NO_COLOR: '1' }, false],
  ['with an empty NO_COLOR', terminal, { NO_COLOR: '' }, true],
  ['at a dumb terminal', terminal, { TERM: 'dumb' }, false],
  ['into a pipe', { ...terminal, out: false }, {}, false],
])('colour %s', (_where, where, env, expected) => {
  expect(paintFor({ env, terminal: where })('red', 'x')).toBe(expected ? '\u001B[31mx\u001B[39m' : 'x');
});

test('names from outside cannot steer the terminal', () => {
  expect(harmless('a\u001B[2Jb\u0007\rc\u009Bd')).toBe('a\uFFFD[2Jb\uFFFD\uFFFDc\uFFFDd');
});

test('a table is as wide as its cells, and empty without any', async () => {
  const lines: string[] = [];
  const host = { ...(await loadHost()), terminal: { ...terminal, out: false } };
  const output = createOutput({ ...host, writeOut: (text) => lines.push(text) && undefined }, {});
  output.table(['A', 'LONGER'], []);
  output.table(['A', 'LONGER'], [['first', 'x\ny']]);
  expect(lines.join('')).toBe('A      LONGER\nfirst  x y\n');
});

test('progress is one line that stays within the terminal, and nothing where nobody watches', async () => {
  const host = await loadHost();
  const shown = (out: typeof terminal, quiet = false, env = {}) => {
    let text = '';
    const writeError = (part: string) => {
      text += part;
    };
    const progress = createProgress({ ...host, env, terminal: out, writeError }, { quiet });
    progress.show({ phase: 'Copying', done: 3, total: 10, detail: 'a-very-long-name-of-a-file' });
    progress.clear();
    return text;
  };
  expect(shown(terminal)).toBe('\r\u001B[2KCopying 3 of 10: a-very-long-\r\u001B[2K');
  expect(shown({ ...terminal, error: false })).toBe('');
  expect(shown(terminal, true)).toBe('');
  expect(shown(terminal, false, { TERM: 'dumb' })).toBe('');
});

test('progress says phase, counts and rate', () => {
  expect(progressText({ phase: 'Looking' }, 10)).toBe('Looking');
  expect(progressText({ phase: 'Looking', done: 4 }, 500)).toBe('Looking 4');
  expect(progressText({ phase: 'Looking', done: 4, total: 9 }, 2_000)).toBe('Looking 4 of 9, 2.0/s');
});

test('figures are in words', () => {
  expect([0, 999, 1_000, 61_000, 7_200_000, 90_000_000].map(durationInWords)).toEqual([
    ...['0 ms', '999 ms', '1 s', '1 min', '2 h', '1 d'],
  ]);
  expect([0, 999, 1_500, 2_000_000, 3e9].map(sizeInWords)).toEqual([
    ...['0 B', '999 B', '1.5 kB', '2.0 MB', '3.0 GB'],
  ]);
  expect(ageInWords('2026-01-31T12:00:00.000Z', Date.parse('2026-01-31T12:05:00.000Z'))).toBe('5 min ago');
  expect(ageInWords(null, 0)).toBe('never');
});

test('times are taken as ages, dates and instants, and as nothing else', () => {
  const now = Date.parse('2026-01-31T12:00:00.000Z');
  const read = instant(() => now);
  expect([duration('90s'), duration('2h'), duration('7d')]).toEqual([90_000, 7_200_000, 604_800_000]);
  expect(read('2h')).toBe(now - 7_200_000);
  expect(read('2026-01-30')).toBe(Date.parse('2026-01-30'));
  expect(read('2026-01-30T10:00:00Z')).toBe(Date.parse('2026-01-30T10:00:00Z'));
  for (const text of ['yesterday', '2 h', '', '5']) expect(() => read(text)).toThrow();
  for (const text of ['2', 'h', '-1h', '1w']) expect(() => duration(text)).toThrow();
});

test('a command that there is not is told with the nearest one, and ends with 2', async () => {
  const ran = await runCli(['statsu']);
  expect(ran).toMatchObject({ code: 2, out: '' });
  expect(ran.err).toContain('Did you mean status?');
});

test('help and version end with 0; the help names the exit codes', async () => {
  const help = await runCli(['--help']);
  expect(help).toMatchObject({ code: 0, err: '' });
  expect(help.out).toContain('Exit codes: 0 done');
  expect(await runCli(['--version'])).toMatchObject({ code: 0, out: '0.1.0\n' });
});

test('a reader that has enough is no fault', async () => {
  const host = await loadHost();
  const { runCommandLine } = await import('../../src/cli/command-line.ts');
  const writeOut = () => {
    throw Object.assign(new Error('write EPIPE'), { code: 'EPIPE' });
  };
  expect(await runCommandLine({ ...host, args: ['completion', 'bash'], writeOut })).toBe(0);
});
