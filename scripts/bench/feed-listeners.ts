// Many listeners of the feed in a process of their own. Some do not read at all until the end. Driven by messages.

import type { Socket } from 'node:net';
import { openFeedSocket } from './feed-socket.ts';

export type ListenersOrder =
  | { call: 'connect'; url: string; count: number; slow: number }
  /** Answered when all who read have seen the last id, or after the limit. */
  | { call: 'collect'; firstId: number; count: number; limitMs: number };
export type ListenersAnswer =
  | { kind: 'connected' }
  /** Of those who read: milliseconds from publishing to reading, sorted, and how many events nobody brought. */
  | { kind: 'collected'; p50: number; p99: number; most: number; lost: number; disordered: number }
  | { kind: 'failed'; why: string };

type Listener = { lastId: number; got: number; disordered: number };
type Connected = Listener & { socket: Socket };

const AT_ONCE = 50;
const LOOK_MS = 20;
const listeners: Connected[] = [];
let waits: number[] = [];

/** Longer than any `"at":1234567890123.456}}` is. */
const END_CHARS = 40;

/** `hello` has the id from which the listener goes on. No more is read of a message than is looked at. */
function take(listener: Listener, bytes: Buffer, from: number, to: number): void {
  const id = Number.parseInt(bytes.toString('latin1', from + '{"id":'.length, from + END_CHARS), 10);
  const end = bytes.toString('latin1', to - END_CHARS, to);
  const at = end.lastIndexOf('"at":');
  if (at === -1) {
    listener.lastId = id;
    return;
  }
  if (id !== listener.lastId + 1) listener.disordered += 1;
  listener.lastId = id;
  listener.got += 1;
  const wroteAt = Number.parseFloat(end.slice(at + '"at":'.length));
  waits.push(performance.timeOrigin + performance.now() - wroteAt);
}

/** Resolves when it is greeted. */
async function connect(url: string): Promise<Connected> {
  const listener: Listener = { lastId: 0, got: 0, disordered: 0 };
  let greet = () => {};
  const greeted = new Promise<void>((resolve) => {
    greet = resolve;
  });
  const socket = await openFeedSocket(url, (bytes, from, to) => {
    take(listener, bytes, from, to);
    greet();
  });
  await greeted;
  return Object.assign(listener, { socket });
}

async function connectAll({ url, count, slow }: Extract<ListenersOrder, { call: 'connect' }>) {
  while (listeners.length < count) {
    const some = Math.min(AT_ONCE, count - listeners.length);
    listeners.push(...(await Promise.all(Array.from({ length: some }, () => connect(url)))));
  }
  for (const { socket } of listeners.splice(0, slow)) socket.pause();
  return { kind: 'connected' } as const;
}

async function collect({ firstId, count, limitMs }: Extract<ListenersOrder, { call: 'collect' }>) {
  const lastId = firstId + count - 1;
  const deadline = performance.now() + limitMs;
  const isDone = () => listeners.every((listener) => listener.lastId >= lastId);
  while (!isDone() && performance.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  const sorted = Float64Array.from(waits).sort();
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? 0;
  const lost = listeners.reduce((sum, { got }) => sum + Math.max(0, count - got), 0);
  const disordered = listeners.reduce((sum, listener) => sum + listener.disordered, 0);
  waits = [];
  for (const listener of listeners) Object.assign(listener, { got: 0, disordered: 0 });
  return { kind: 'collected', p50: at(0.5), p99: at(0.99), most: at(1), lost, disordered } as const;
}

const carryOut = (order: ListenersOrder): Promise<ListenersAnswer> =>
  order.call === 'connect' ? connectAll(order) : collect(order);

const say = (answer: ListenersAnswer) => process.send?.(answer);
process.on('message', (order: ListenersOrder) => {
  carryOut(order).then(say, (error: unknown) => say({ kind: 'failed', why: String(error) }));
});
// The benchmark was broken off: nothing of it stays.
process.once('disconnect', () => process.exit());
