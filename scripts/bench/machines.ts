// How many jobs a second several machines take and complete on one libSQL server. Machines and server share this
// machine's processors, so the sum says what the server can do, and not what three real machines would.

import { sqldMissing, startSqld } from '../../test/support/sqld.ts';
import { addRun, figuresOf, type Report, type Runs, ratioOf } from './figures.ts';
import type { MachineAnswer, MachineOrder } from './machine-worker.ts';
import { startWorker } from './worker-process.ts';

type Options = {
  runs: number;
  /** Numbers of machines. */
  sizes: readonly number[];
  /** Jobs of each machine that wait. */
  pending: number;
  lastsMs: number;
  say(text: string): void;
};

export async function benchMachines(options: Options): Promise<Report> {
  if (sqldMissing !== null) return { figures: {}, ratios: [], notes: [`NOT MEASURED: ${sqldMissing}`] };
  const times: Runs = new Map();
  for (const size of options.sizes) await measure(size, options, times);
  const figures = figuresOf(times);
  const [least, most] = [Math.min(...options.sizes), Math.max(...options.sizes)];
  const of = (size: number) => figures[nameOf(size)]?.median ?? Number.NaN;
  const what = `jobs a second: ${most} machines / ${least}`;
  const ratios = most > least ? [ratioOf(what, of(most) / of(least), null)] : [];
  return { figures, ratios, notes: [] };
}

const nameOf = (size: number) => `${size} on one server: jobs a second, number`;

async function measure(size: number, { runs, pending, lastsMs, say }: Options, times: Runs): Promise<void> {
  const sqld = await startSqld();
  const machines = Array.from({ length: size }, (_, n) =>
    startWorker<MachineOrder, MachineAnswer>('./machine-worker.ts', [sqld.url, `m${n + 1}`]),
  );
  try {
    // One after the other: the first makes the schema, and filling is not what is measured.
    for (const machine of machines) await machine.next('ready');
    for (let run = 0; run < runs; run++) {
      say(`${size} machines on one server: run ${run + 1} of ${runs} …`);
      for (const machine of machines) await machine.ask({ call: 'fill', count: pending }, 'filled');
      const order = { call: 'work', lastsMs } as const;
      const worked = await Promise.all(machines.map((machine) => machine.ask(order, 'worked')));
      const aSecond = worked.reduce((sum, { jobs, tookMs }) => sum + (1_000 * jobs) / tookMs, 0);
      addRun(times, nameOf(size), aSecond);
    }
  } finally {
    for (const machine of machines) await machine.end();
    await sqld.stop();
  }
}
