// Adds up the summaries of vitest in the named logs and prints them as one line: `N passed, N failed`.
// Ends with 1 when a log has no summary, so that a run that tested nothing is not taken for a good one.

import { readFileSync } from 'node:fs';

const totals = { passed: 0, failed: 0, skipped: 0 };
for (const path of process.argv.slice(2)) {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are taken out of the log
  const text = readFileSync(path, 'utf8').replace(/\u001b\[[0-9;]*m/g, '');
  const summaries = [...text.matchAll(/^\s+Tests\s+(.*)$/gm)];
  if (summaries.length === 0) {
    console.error(`${path} holds no summary of a test run.`);
    process.exit(1);
  }
  for (const [, summary] of summaries) {
    for (const [, count, kind] of summary.matchAll(/(\d+) (passed|failed|skipped)/g))
      totals[kind] += Number(count);
  }
}
const skipped = totals.skipped > 0 ? `, ${totals.skipped} skipped` : '';
console.log(`${totals.passed} passed, ${totals.failed} failed${skipped}`);
