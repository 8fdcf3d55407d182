// That every benchmark works, in its smallest form. What it measures is not judged: here it would say nothing.

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import type { Report } from '../../scripts/bench/figures.ts';
import { readOptions } from '../../scripts/bench/options.ts';
import { sqldMissing } from '../support/sqld.ts';

const ROOT = join(import.meta.dirname, '../..');
const run = promisify(execFile);
const ALL = ['--import', 'tsx', 'scripts/bench/main.ts', 'all', '--smallest', '--json'];

/** A figure that each must have. */
const FIGURES: Record<string, string> = {
  sync: 'save to remote, 20 files: gitferry',
  queue: 'gitferry, 50 pending',
  api: 'status, 100 runs: p99',
  start: '3 projects: the first sync is done',
  scan: 'scan of 3 clean projects of 20 files: gitferry',
  ...(process.platform === 'linux' && { idle: 'gitferry: memory, MB' }),
  watch: 'gitferry: ready',
  feed: '5 listeners: p99',
  ...(sqldMissing === null && { machines: '2 on one server: jobs a second, number' }),
};

test('every benchmark runs and answers figures', async () => {
  const { stdout } = await run(process.execPath, ALL, { cwd: ROOT });
  const { machine, runs, reports } = JSON.parse(stdout) as {
    machine: Record<string, string>;
    runs: number;
    reports: Record<string, Report>;
  };
  expect(runs).toBe(1);
  expect(machine.node).toBe(process.version);
  for (const [name, figure] of Object.entries(FIGURES)) {
    expect(reports[name]?.figures[figure]?.median, `${name}: ${figure}`).toBeGreaterThan(0);
    for (const { what, value } of reports[name]?.ratios ?? []) expect(value, what).not.toBeNaN();
  }
  const lost = reports.feed?.figures['5 listeners: events lost or out of order, number'];
  expect(lost?.most).toBe(0);
  const untold = reports.watch?.figures['gitferry: changes of 20 that were not told, number'];
  expect(untold?.most).toBe(0);
}, 300_000);

test.each([
  [['scan', '--projects', 'many'], '--projects: "many" is not a number above 0'],
  [['scan', '--runs', '0'], '--runs: "0" is not a number above 0'],
  [['scan', '--speed', '3'], "Unknown option '--speed'"],
])('npm run bench -- %s says what is wrong', (args, text) => {
  expect(() => readOptions(args)).toThrow(text);
});
