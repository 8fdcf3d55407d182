// `npm run bench -- <name>`: measures beside others, and says whether the targets hold. Exit code 1 when one is missed.

import { writeSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { buildSources } from '../../test/support/built-sources.ts';
import { benchApi } from './api.ts';
import { type Figure, type Ratio, ratioText } from './figures.ts';
import { describeMachine, loadNow } from './machine.ts';
import { benchQueue } from './queue.ts';
import { benchStart } from './start.ts';
import { benchSync } from './sync.ts';

const HELP = `npm run bench -- sync [--quick] [--json] [--files 100,5000,50000] [--runs 5] [--gitwatch <gitwatch.sh>]
  --quick      two runs of each instead of five
  --json       the report as JSON on standard output
  --files      sizes of the repositories
  --gitwatch   where gitwatch's script lies; without it its commands are run in its place

npm run bench -- queue [--quick] [--json] [--pending 100,10000,100000] [--runs 5] [--pairs 200]
  --pending    numbers of jobs that wait
  --pairs      jobs that are taken and completed in a run
  Installs the queues it compares with into a temporary folder; BullMQ needs redis-server on the PATH.

npm run bench -- api [--quick] [--json] [--history 1000,1000000] [--runs 5] [--seconds 10]
  --history    numbers of runs in the history
  --seconds    how long a run asks, 100 times a second

npm run bench -- start [--quick] [--json] [--projects 10,1000] [--runs 5]
  --projects   numbers of projects at the start
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    files: { type: 'string', default: '100,5000,50000' },
    runs: { type: 'string' },
    gitwatch: { type: 'string' },
    pending: { type: 'string', default: '100,10000,100000' },
    pairs: { type: 'string', default: '200' },
    history: { type: 'string', default: '1000,1000000' },
    seconds: { type: 'string' },
    projects: { type: 'string', default: '10,1000' },
    help: { type: 'boolean', default: false },
  },
});

/** Thousandths where a millisecond is long. */
const digits = (ms: number) => ms.toFixed(ms < 10 ? 3 : 1);
const print = (text: string) => void writeSync(1, `${text}\n`);
const say = (text: string) => void writeSync(2, `${text}\n`);

type Report = { figures: Record<string, Figure>; ratios: Ratio[]; notes: string[] };
const numbers = (text: string) => text.split(',').map(Number);

const BENCHES = new Map<string, (runs: number) => Promise<Report>>([
  [
    'sync',
    (runs) => benchSync({ runs, sizes: numbers(values.files), gitwatch: values.gitwatch ?? null, say }),
  ],
  ['queue', (runs) => benchQueue({ runs, sizes: numbers(values.pending), pairs: Number(values.pairs), say })],
  ['api', (runs) => benchApi({ runs, sizes: numbers(values.history), lastsMs: askedMs(), say })],
  ['start', (runs) => benchStart({ runs, sizes: numbers(values.projects), say })],
]);

const askedMs = () => Number(values.seconds ?? (values.quick ? 3 : 10)) * 1_000;

async function main(): Promise<number> {
  const [name] = positionals;
  const bench = BENCHES.get(name ?? '');
  if (values.help || bench === undefined) {
    say(HELP);
    return values.help ? 0 : 2;
  }
  const machine = describeMachine();
  const runs = Number(values.runs ?? (values.quick ? 2 : 5));
  // The service is measured as plain JavaScript, as it is installed.
  await buildSources();
  const report = await bench(runs);
  if (values.json) print(JSON.stringify({ machine, runs, ...report }, null, 2));
  else {
    for (const [key, value] of Object.entries(machine)) print(`${key.padEnd(15)} ${value}`);
    print(`${'load at the end'.padEnd(15)} ${loadNow()}`);
    print(`\nmedians of ${runs} runs in turns, milliseconds; ratios are medians of the runs' own ratios`);
    for (const [name, { median, least, most }] of Object.entries(report.figures)) {
      print(`${name.padEnd(46)} ${digits(median).padStart(8)}   (${digits(least)} – ${digits(most)})`);
    }
    print('');
    for (const ratio of report.ratios) print(ratioText(ratio));
    for (const note of report.notes) print(note);
  }
  return report.ratios.some((ratio) => ratio.holds === false) ? 1 : 0;
}

process.exitCode = await main();
