// The queues of the benchmark, each driven in a process of its own.

import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { builtPath } from '../../test/support/module-args.ts';
import { LIMITS } from './queue-limits.ts';
import type { Answer, Order } from './queue-worker.ts';

/** What needs nothing installed, and the other queues. */
export const OWN = ['gitferry', ...LIMITS] as const;
export const CONTENDERS = [...OWN, 'plainjob', 'liteque', 'BullMQ'] as const;

export type Contender = {
  name: string;
  /** Adds so many jobs that may run at once. */
  fill(count: number): Promise<void>;
  /** Takes and completes so many jobs, one after the other, never fewer than half of `pending` waiting; milliseconds for one. */
  measure(count: number, pending: number): Promise<number>;
  close(): Promise<void>;
};

export async function openContender(
  name: (typeof CONTENDERS)[number],
  { folder, peersFolder }: { folder: string; peersFolder: string | null },
): Promise<Contender | { missing: string }> {
  const worker = fileURLToPath(new URL('./queue-worker.ts', import.meta.url));
  const child = fork(builtPath(worker), [name, folder, peersFolder ?? '']);
  const answer = () =>
    new Promise<Answer>((resolve, reject) => {
      const gone = (code: number | null) => reject(new Error(`The process of ${name} ended with ${code}.`));
      child.once('exit', gone);
      child.once('message', (message: Answer) => {
        child.off('exit', gone);
        resolve(message);
      });
    });
  const ask = async (call: Order['call'], count: number, pending = count): Promise<number> => {
    child.send({ call, count, pending } satisfies Order);
    const said = await answer();
    return said.kind === 'done' ? said.tookMs : 0;
  };
  const first = await answer();
  if (first.kind === 'missing') return { missing: first.why };
  return {
    name,
    fill: async (count) => void (await ask('fill', count)),
    measure: (count, pending) => ask('measure', count, pending),
    close: async () => void (await ask('close', 0)),
  };
}
