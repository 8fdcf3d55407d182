// `npm run soak`: kills and freezes real workers for minutes and audits what is left. Exit code 1 when something is.

import { writeSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { countsOf, reportText } from './report.ts';
import { runSoak } from './run-soak.ts';

const HELP = `npm run soak -- [--minutes 5] [--seed <n>] [--workers 3] [--projects 8] [--db local] [--points]
  --minutes    how long processes are killed (default 5)
  --seed       makes the same choices again; printed by every run
  --workers    worker processes at a time
  --projects   repositories, each with a remote
  --db         local: a file; sqld: a server of our own, which is killed too; or the URL of an empty database
  --points     also lists the fault points at which processes were struck
`;
/** Short enough that a lease runs out again and again, long enough for a sync on a busy machine. */
const LEASE_MS = 3_000;
const PAUSE_MS = 60;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '5' },
    seed: { type: 'string' },
    workers: { type: 'string', default: '3' },
    projects: { type: 'string', default: '8' },
    db: { type: 'string', default: 'local' },
    points: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const print = (text: string) => void writeSync(1, `${text}\n`);

async function main(): Promise<number> {
  if (values.help) {
    print(HELP);
    return 0;
  }
  const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
  print(`soak: --seed ${seed} --minutes ${values.minutes} --workers ${values.workers} --db ${values.db}`);
  const report = await runSoak({
    seed,
    lastsMs: Number(values.minutes) * 60_000,
    workers: Number(values.workers),
    projects: Number(values.projects),
    db: values.db,
    leaseMs: LEASE_MS,
    pauseMs: PAUSE_MS,
  });
  print(reportText(report));
  if (values.points) {
    for (const [point, count] of [...countsOf(report).points].sort()) print(`  ${count} × ${point}`);
  }
  return report.violations.length === 0 ? 0 : 1;
}

process.exitCode = await main();
