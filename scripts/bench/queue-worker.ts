// One queue in a process of its own, driven by messages: its times are taken here, so that the messages cost nothing.

import { openBullmq, openLiteque, openPlainjob, type QueueContender } from './queue-peers.ts';

const WARM_UP = 20;

export type Order = { call: 'fill' | 'measure' | 'close'; count: number };
export type Answer = { kind: 'ready' } | { kind: 'missing'; why: string } | { kind: 'done'; tookMs: number };

const [name = '', folder = '', peersFolder = ''] = process.argv.slice(2);

async function open(): Promise<QueueContender | { missing: string }> {
  switch (name) {
    case 'gitferry':
      // Loaded only here: its SQLite and that of the others end the process when they meet.
      return (await import('./queue-ours.ts')).openOurs(folder);
    case 'two bare transactions':
    case 'the same rows bare':
      return (await import('./queue-limits.ts')).openLimit(name, folder);
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

/** Milliseconds for one job. What was taken is filled up again afterwards. */
async function measure(contender: QueueContender, pairs: number): Promise<number> {
  const warmUp = Math.min(WARM_UP, Math.floor(pairs / 4));
  for (let n = 0; n < warmUp; n++) await contender.pair();
  const timed = pairs - warmUp;
  const began = performance.now();
  for (let n = 0; n < timed; n++) await contender.pair();
  const tookMs = performance.now() - began;
  await contender.fill(pairs);
  return tookMs / timed;
}

async function carryOut(contender: QueueContender, { call, count }: Order): Promise<number> {
  if (call === 'measure') return measure(contender, count);
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
