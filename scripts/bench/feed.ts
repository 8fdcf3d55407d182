// How late events reach many listeners of the feed, and whether any is lost, while some listeners do not read. The
// service's API with its database is one process, the listeners are another.

import { cpuMsOf } from './cpu-time.ts';
import type { ListenersAnswer, ListenersOrder } from './feed-listeners.ts';
import type { ServerAnswer, ServerOrder } from './feed-server.ts';
import { addRun, type Figure, figuresOf, type Ratio, type Report, type Runs, ratioOf } from './figures.ts';
import { memoryMbOf } from './process-memory.ts';
import { startWorker } from './worker-process.ts';

type Options = {
  runs: number;
  /** Numbers of listeners. */
  sizes: readonly number[];
  lastsMs: number;
  say(text: string): void;
};

const PER_SECOND = 200;
/** One in a hundred does not read, and one at least. */
const SLOW_SHARE = 0.01;
const JUDGED_LISTENERS = 1_000;
const TARGET_MS = 250;
const LIMIT_MS = 30_000;

export async function benchFeed(options: Options): Promise<Report> {
  const times: Runs = new Map();
  for (const size of options.sizes) await measure(size, options, times);
  const figures = figuresOf(times);
  return { figures, ratios: options.sizes.flatMap((size) => ratiosOf(figures, size)), notes: [] };
}

async function measure(size: number, { runs, lastsMs, say }: Options, times: Runs): Promise<void> {
  const server = startWorker<ServerOrder, ServerAnswer>('./feed-server.ts');
  const crowd = startWorker<ListenersOrder, ListenersAnswer>('./feed-listeners.ts');
  try {
    const { port } = await server.next('listening');
    const url = `http://127.0.0.1:${port}/api/sync/events`;
    const slow = Math.max(1, Math.round(size * SLOW_SHARE));
    say(`connecting ${size} listeners, and ${slow} that do not read …`);
    await crowd.ask({ call: 'connect', url, count: size + slow, slow }, 'connected');
    // One round more than counts: the first warms both sides.
    for (let round = 0; round <= runs; round++) {
      say(`${size} listeners, ${PER_SECOND} events a second: round ${round} of ${runs} …`);
      const cpuBefore = cpuMsOf(server.pid) ?? Number.NaN;
      const publish = { call: 'publish', perSecond: PER_SECOND, lastsMs } as const;
      const { firstId, count } = await server.ask(publish, 'published');
      const collect = { call: 'collect', firstId, count, limitMs: LIMIT_MS } as const;
      const seen = await crowd.ask(collect, 'collected');
      const cpuMs = (cpuMsOf(server.pid) ?? Number.NaN) - cpuBefore;
      if (round === 0) continue;
      const add = (what: string, value: number) => addRun(times, `${size} listeners: ${what}`, value);
      add('median', seen.p50);
      add('p99', seen.p99);
      add('latest', seen.most);
      add('events lost or out of order, number', seen.lost + seen.disordered);
      const memory = memoryMbOf(server.pid);
      if (memory === null) continue;
      add('percent of a core', (100 * cpuMs) / lastsMs);
      add('memory, MB', memory.now);
    }
  } finally {
    await crowd.end();
    await server.end();
  }
}

function ratiosOf(figures: Record<string, Figure>, size: number): Ratio[] {
  const judged = size >= JUDGED_LISTENERS;
  const of = (what: string) => figures[`${size} listeners: ${what}`];
  const p99 = of('p99')?.median ?? Number.NaN;
  const lost = of('events lost or out of order, number')?.most ?? Number.NaN;
  return [
    ratioOf(`feed, ${size} listeners: p99 / ${TARGET_MS} ms`, p99 / TARGET_MS, judged ? 1 : null),
    ratioOf(`feed, ${size} listeners: events lost, in the worst run`, lost, judged ? 0 : null),
  ];
}
