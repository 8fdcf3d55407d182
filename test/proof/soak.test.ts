// Workers killed and frozen at fault points and at any time, with a live producer, real repositories and remotes:
// nothing is lost, done twice or left half done. And each bug that is planted is found by the auditor, by name.
// This is the short form; `npm run soak` is the long one.

import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { RULE_NAMES } from '../../scripts/soak/audit.ts';
import { countsOf, reportText } from '../../scripts/soak/report.ts';
import { runSoak, type SoakOptions } from '../../scripts/soak/run-soak.ts';
import { onlyFates } from '../../scripts/soak/schedule.ts';
import { builtPath, moduleArgs } from '../support/module-args.ts';
import { sqldMissing } from '../support/sqld.ts';
import { PLANTS, type PlantedBug } from './planted-bugs.ts';
import { IS_LONG, seedOf } from './settings.ts';

const MODULE = builtPath(fileURLToPath(new URL('./planted-bugs.ts', import.meta.url)));
const SOAK_MS = IS_LONG ? 300_000 : 12_000;
/** A soak in which a planted bug got no chance proves nothing. */
const MOST_TRIES = 4;
const TIMEOUT_MS = SOAK_MS * 2 + 300_000;

const usual = { workers: 3, projects: 6, db: 'local', leaseMs: 3_000, pauseMs: 60, moduleArgs };

async function soak(options: Partial<SoakOptions> & Pick<SoakOptions, 'seed' | 'lastsMs'>) {
  const report = await runSoak({ ...usual, ...options });
  console.log(reportText(report));
  return report;
}

test('processes killed and frozen around every statement lose no change, work nowhere twice and leave no gap', {
  timeout: TIMEOUT_MS,
}, async () => {
  const report = await soak({ seed: seedOf('soak'), lastsMs: SOAK_MS, least: { kills: 8, freezes: 1 } });
  expect(report.violations).toEqual([]);
  // A run in which nothing happened proves nothing.
  const { kills, points, queued, runs } = countsOf(report);
  expect(kills).toBeGreaterThan(5);
  expect(points.size).toBeGreaterThan(2);
  expect(queued).toBeGreaterThan(usual.projects);
  expect(runs.get('success')).toBeGreaterThan(0);
  expect(runs.get('crashed')).toBeGreaterThan(0);
  expect(report.evidence.integrity).toEqual(['ok']);
});

const onServer = 'the same with a database server that is killed too';
if (sqldMissing) test.skip(`${onServer}: SKIPPED, ${sqldMissing}`, () => {});
else
  test(onServer, { timeout: TIMEOUT_MS }, async () => {
    const report = await soak({
      seed: seedOf('soak on a server'),
      lastsMs: SOAK_MS,
      db: 'sqld',
      least: { kills: 6, freezes: 0 },
    });
    expect(report.violations).toEqual([]);
    expect(report.serverKills).toBeGreaterThan(0);
    expect(countsOf(report).runs.get('success')).toBeGreaterThan(0);
  });

describe('the auditor finds, by name,', () => {
  const bugs = Object.entries(PLANTS);

  test.each(bugs)(
    '%s',
    { timeout: TIMEOUT_MS },
    async (name, { rule, fates, freezes = 0, neverQuiet }: PlantedBug) => {
      expect(RULE_NAMES).toContain(rule);
      let found: string[] = [];
      for (let tries = 0; tries < MOST_TRIES && !found.includes(rule); tries++) {
        const report = await soak({
          seed: seedOf(name),
          lastsMs: 3_000,
          least: { kills: 3, freezes },
          ...(neverQuiet && { quietLimitMs: 5_000 }),
          ...{ workers: 2, projects: 3, leaseMs: 2_000 },
          plant: { module: MODULE, name },
          ...(fates && { deck: onlyFates(fates) }),
        });
        found = report.violations.map((violation) => violation.rule);
      }
      expect(found).toContain(rule);
    },
  );
});
