// A module of the benchmark in a process of its own, which answers each order with one message.

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { builtPath } from '../../test/support/module-args.ts';

type Kinds = { kind: string };
export type WorkerProcess<Order extends object, Answer extends Kinds> = {
  pid: number;
  /** What it says next; `kind` is the only one that is expected. */
  next<Kind extends Answer['kind']>(kind: Kind): Promise<Extract<Answer, { kind: Kind }>>;
  ask<Kind extends Answer['kind']>(order: Order, kind: Kind): Promise<Extract<Answer, { kind: Kind }>>;
  /** Its channel is closed, on which it ends by itself. */
  end(): Promise<void>;
};

/** `path` is relative to this folder. */
export function startWorker<Order extends object, Answer extends Kinds>(
  path: string,
  args: readonly string[] = [],
): WorkerProcess<Order, Answer> {
  const child = fork(builtPath(fileURLToPath(new URL(path, import.meta.url))), args);
  const exited = once(child, 'exit');
  const gone = exited.then(([code]) => {
    throw new Error(`${path} ended with ${code}.`);
  });
  gone.catch(() => {}); // only of interest while an answer is waited for
  const said: Answer[] = [];
  child.on('message', (answer) => said.push(answer as Answer));
  async function next<Kind extends Answer['kind']>(kind: Kind): Promise<Extract<Answer, { kind: Kind }>> {
    if (said.length === 0) await Promise.race([once(child, 'message'), gone]);
    const answer = said.shift();
    if (answer?.kind !== kind) throw new Error(`${path} answered ${JSON.stringify(answer)}, and not ${kind}`);
    return answer as Extract<Answer, { kind: Kind }>;
  }
  return {
    pid: child.pid as number,
    next,
    ask(order, kind) {
      child.send(order);
      return next(kind);
    },
    async end() {
      if (child.connected) child.disconnect();
      await exited;
    },
  };
}
