// One machine of several that share a queue on a server: fills it with jobs of its own, and takes and completes them.

import { setTimeout } from 'node:timers/promises';
import { systemClock, systemRandom } from '../../src/host/clock.ts';
import { silentLog } from '../../src/host/log.ts';
import { openDatabase } from '../../src/store/open.ts';
import { openOurQueue } from './queue-ours.ts';

export type MachineOrder = { call: 'fill'; count: number } | { call: 'work'; lastsMs: number };
export type MachineAnswer =
  | { kind: 'ready' }
  | { kind: 'filled' }
  /** So many jobs in so many milliseconds. */
  | { kind: 'worked'; jobs: number; tookMs: number };

/** As many as the service runs at once when nothing is set. */
const AT_ONCE = 3;
const TRY_AGAIN_MS = 5;

const [url = '', machineId = ''] = process.argv.slice(2);
const deps = { clock: systemClock, random: systemRandom, log: silentLog };
const queue = openOurQueue(await openDatabase({ url }, deps), machineId);

async function work(lastsMs: number): Promise<MachineAnswer> {
  const began = performance.now();
  let jobs = 0;
  while (performance.now() - began < lastsMs) {
    const done = await queue.several(AT_ONCE);
    jobs += done;
    if (done === 0) await setTimeout(TRY_AGAIN_MS);
  }
  return { kind: 'worked', jobs, tookMs: performance.now() - began };
}

const say = (answer: MachineAnswer) => process.send?.(answer);
process.on('message', async (order: MachineOrder) => {
  if (order.call === 'work') return say(await work(order.lastsMs));
  await queue.fill(order.count);
  say({ kind: 'filled' });
});
process.once('disconnect', () => void queue.close().finally(() => process.exit()));
say({ kind: 'ready' });
