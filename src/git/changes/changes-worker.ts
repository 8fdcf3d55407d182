// The thread's side of change-scanner.ts: one order at a time. What a whole look needs is loaded with the first one;
// a thread that only finds all as it was does without.

import { threadSide } from '../../host/worker-threads.ts';
import { Failure } from '../../model/failure.ts';
import { looksTheSame } from './look-again.ts';
import { noSharedPlaces } from './look-stamp.ts';
import type { LookAgain, ScanAnswer, ScanOrder, ScanSetup } from './scan-messages.ts';

type Order = Exclude<ScanOrder, { kind: 'abort' }>;

const side = threadSide();
const setup = side.data as ScanSetup;
let current: { id: number; abort: AbortController } | null = null;

side.onMessage((message) => {
  const order = message as ScanOrder;
  if (order.kind === 'abort') {
    if (current?.id === order.id) current.abort.abort();
    return;
  }
  const abort = new AbortController();
  current = { id: order.id, abort };
  void answerTo(order, abort.signal).then((answer) => {
    current = null;
    side.post(answer);
  });
});

async function answerTo(order: Order, signal: AbortSignal): Promise<ScanAnswer> {
  const { id } = order;
  try {
    if (order.kind === 'look-again') return { id, same: await lookAgain(order.looks, signal) };
    return { id, ...(await look(order, signal)) };
  } catch (error) {
    if (error instanceof Failure) {
      return { id, failure: { code: error.code, detail: error.message, action: error.action } };
    }
    return { id, bug: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

async function lookAgain(looks: readonly LookAgain[], signal: AbortSignal): Promise<boolean[]> {
  const shared = noSharedPlaces();
  const same: boolean[] = [];
  for (const { worktree, stamp } of looks) same.push(await looksTheSame(worktree, stamp, { shared, signal }));
  return same;
}

async function look(order: Extract<Order, { kind: 'scan' }>, signal: AbortSignal) {
  const [{ lookAtWorktree }, { forgetIndexes }] = await Promise.all([
    import('./full-look.ts'),
    import('../index/index-file.ts'),
  ]);
  try {
    return await lookAtWorktree({ ...setup, ...order, signal });
  } finally {
    forgetIndexes();
  }
}
