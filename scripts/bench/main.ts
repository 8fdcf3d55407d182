// `npm run bench -- <name>`: measures beside others, and says whether the targets hold. Exit code 1 when one is missed.

import { writeSync } from 'node:fs';
import { buildSources } from '../../test/support/built-sources.ts';
import { benchApi } from './api.ts';
import { benchFeed } from './feed.ts';
import { type Report, ratioText } from './figures.ts';
import { benchIdle } from './idle.ts';
import { describeMachine, loadNow } from './machine.ts';
import { benchMachines } from './machines.ts';
import { type BenchOptions, HELP, readOptions } from './options.ts';
import { benchQueue } from './queue.ts';
import { benchScan } from './scan.ts';
import { benchStart } from './start.ts';
import { benchSync } from './sync.ts';
import { benchWatch } from './watch.ts';

/** A service runs for weeks: what its runtime has not compiled yet is no part of a save. */
const WARM_UP_SAVES = 20;
/** Thousandths where a millisecond is long. */
const digits = (value: number) => value.toFixed(value < 10 ? 3 : 1);
const print = (text: string) => void writeSync(1, `${text}\n`);
const say = (text: string) => void writeSync(2, `${text}\n`);

const BENCHES: Record<string, (options: BenchOptions) => Promise<Report>> = {
  sync: ({ runs, gitwatch, smallest, sizes }) =>
    benchSync({
      ...{ runs, say, gitwatch, warmUp: smallest ? 1 : WARM_UP_SAVES },
      sizes: sizes('files', [100, 5_000, 50_000], [20]),
    }),
  queue: ({ runs, smallest, sizes, size }) =>
    benchQueue({
      ...{ runs, say, compare: !smallest, pairs: size('pairs', 500, 20) },
      sizes: sizes('pending', [100, 10_000, 100_000], [50]),
    }),
  api: ({ runs, quick, sizes, size }) =>
    benchApi({
      ...{ runs, say, lastsMs: size('seconds', quick ? 3 : 10, 0.5) * 1_000 },
      sizes: sizes('history', [1_000, 1_000_000], [100]),
    }),
  start: ({ runs, sizes }) => benchStart({ runs, say, sizes: sizes('projects', [10, 1_000], [3]) }),
  scan: ({ runs, sizes }) =>
    benchScan({ runs, say, sizes: sizes('projects', [1_000], [3]), files: sizes('files', [100], [20]) }),
  idle: ({ runs, quick, gitwatch, size }) =>
    benchIdle({
      ...{ runs, say, gitwatch, projects: size('projects', 200, 3), files: size('files', 500, 20) },
      windowMs: size('seconds', quick ? 20 : 40, 0.5) * 1_000,
    }),
  watch: ({ runs, size }) =>
    benchWatch({
      ...{ runs, say, files: size('files', 100_000, 100), folders: size('folders', 200, 5) },
      burst: size('burst', 10_000, 20),
    }),
  feed: ({ runs, quick, sizes, size }) =>
    benchFeed({
      ...{ runs, say, sizes: sizes('listeners', [1_000], [5]) },
      lastsMs: size('seconds', quick ? 3 : 10, 0.5) * 1_000,
    }),
  machines: ({ runs, sizes, size }) =>
    benchMachines({
      ...{ runs, say, sizes: sizes('machines', [1, 2, 3], [2]), pending: size('pending', 2_000, 20) },
      lastsMs: size('seconds', 5, 0.5) * 1_000,
    }),
};

function printReport(name: string, { figures, ratios, notes }: Report): void {
  print(`\n${name}`);
  const width = Math.max(46, ...Object.keys(figures).map(({ length }) => length));
  for (const [what, { median, least, most }] of Object.entries(figures)) {
    print(`${what.padEnd(width)} ${digits(median).padStart(9)}   (${digits(least)} – ${digits(most)})`);
  }
  print('');
  for (const ratio of ratios) print(ratioText(ratio));
  for (const note of notes) print(note);
}

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  const { name, runs, smallest, json } = options;
  const names = name === 'all' ? Object.keys(BENCHES) : [name];
  if (options.help || names.some((each) => BENCHES[each] === undefined)) {
    say(HELP);
    return options.help ? 0 : 2;
  }
  const machine = describeMachine();
  // The service is measured as plain JavaScript, as it is installed.
  await buildSources();
  if (!json) {
    for (const [key, value] of Object.entries(machine)) print(`${key.padEnd(15)} ${value}`);
    print(`medians of ${runs} runs in turns, milliseconds where nothing else is said; (least – most)`);
  }
  const reports: Record<string, Report> = {};
  for (const each of names) {
    const report = await (BENCHES[each] as (given: BenchOptions) => Promise<Report>)(options);
    reports[each] = report;
    if (!json) printReport(each, report);
  }
  if (json) print(JSON.stringify({ machine, loadAtEnd: loadNow(), runs, reports }, null, 2));
  else print(`\nload at the end ${loadNow()}`);
  const isMissed = Object.values(reports).some(({ ratios }) => ratios.some(({ holds }) => holds === false));
  return isMissed && !smallest ? 1 : 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  // An option that does not exist is told by its own words.
  if (!(error instanceof TypeError)) throw error;
  say(error.message);
  process.exitCode = 2;
}
