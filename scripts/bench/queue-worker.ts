// One queue in a process of its own, driven by messages: its times are taken here, so that the messages cost nothing.

import type { Limit } from './queue-limits.ts';
import { openBullmq, openLiteque, openPlainjob, type QueueContender } from './queue-peers.ts';

/** Taken first and not timed: caches are those of the others that ran in between. */
const WARM_UP = 20;

export type Order = { call: 'fill' | 'measure' | 'close'; count: number; pending: number };
export type Answer = { kind: 'ready' } | { kind: 'missing'; why: string } | { kind: 'done'; tookMs: number };

const [name = '', folder = '', peersFolder = ''] = process.argv.slice(2);

async function open(): Promise<QueueContender | { missing: string }> {
  switch (name) {
    case 'gitferry':
      // Loaded only here: its SQLite and that of the others end the process when they meet.
      return (await import('./queue-ours.ts')).openOurs(folder);
    case 'two bare transactions':
    case 'the same rows bare':
    case 'the same rows and indexes':
      return (await import('./queue-limits.ts')).openLimit(name satisfies Limit, folder);
    case 'plainjob':
      return openPlainjob(peersFolder, folder);
    case 'liteque':
      return openLiteque(peersFolder, folder);
    case 'BullMQ':
      return openBullmq(peersFolder, folder);
    default:
      throw new Error(`There is no queue "${name}".`);
  }
}

/** Milliseconds for one job. What was taken is filled up again, which is not timed. */
async function measure(contender: QueueContender, { count, pending }: Order): Promise<number> {
  const atOnce = Math.max(1, Math.floor(pending / 2));
  const take = async (jobs: number): Promise<number> => {
    let tookMs = 0;
    for (let left = jobs; left > 0; left -= atOnce) {
      const now = Math.min(left, atOnce);
      const began = performance.now();
      for (let n = 0; n < now; n++) await contender.pair();
      tookMs += performance.now() - began;
      await contender.fill(now);
    }
    return tookMs;
  };
  await take(Math.min(WARM_UP, count));
  return (await take(count)) / count;
}

async function carryOut(contender: QueueContender, order: Order): Promise<number> {
  const { call, count } = order;
  if (call === 'measure') return measure(contender, order);
  await (call === 'fill' ? contender.fill(count) : contender.close());
  return 0;
}

const say = (answer: Answer) => process.send?.(answer);
const opened = await open();
if ('missing' in opened) {
  say({ kind: 'missing', why: opened.missing });
  process.disconnect();
} else {
  process.on('message', async (order: Order) => {
    say({ kind: 'done', tookMs: await carryOut(opened, order) });
    if (order.call === 'close') process.exit();
  });
  // The benchmark was broken off: nothing of it stays.
  process.once('disconnect', () => void opened.close().finally(() => process.exit()));
  say({ kind: 'ready' });
}
