// Many listeners of the feed in a process of their own. Some do not read at all until the end. Driven by messages.

import { once } from 'node:events';
import { WebSocket } from 'ws';

export type ListenersOrder =
  | { call: 'connect'; url: string; count: number; slow: number }
  /** Answered when all who read have seen the last id, or after the limit. */
  | { call: 'collect'; firstId: number; count: number; limitMs: number };
export type ListenersAnswer =
  | { kind: 'connected' }
  /** Of those who read: milliseconds from publishing to reading, sorted, and how many events nobody brought. */
  | { kind: 'collected'; p50: number; p99: number; most: number; lost: number; disordered: number }
  | { kind: 'failed'; why: string };

type Listener = { socket: WebSocket; lastId: number; got: number; disordered: number };

const AT_ONCE = 50;
const LOOK_MS = 20;
const listeners: Listener[] = [];
let slow: Listener[] = [];
let waits: number[] = [];

/** `hello` has the id from which the listener goes on. */
function take(listener: Listener, text: string): void {
  const { id, type, data } = JSON.parse(text);
  if (type === 'hello') {
    listener.lastId = id;
    return;
  }
  if (id !== listener.lastId + 1) listener.disordered += 1;
  listener.lastId = id;
  listener.got += 1;
  waits.push(performance.timeOrigin + performance.now() - data.at);
}

async function connect(url: string): Promise<Listener> {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  const listener: Listener = { socket, lastId: 0, got: 0, disordered: 0 };
  const greeted = once(socket, 'message');
  socket.on('message', (data) => take(listener, String(data)));
  await greeted;
  return listener;
}

async function connectAll({ url, count, slow: asleep }: Extract<ListenersOrder, { call: 'connect' }>) {
  while (listeners.length < count) {
    const some = Math.min(AT_ONCE, count - listeners.length);
    listeners.push(...(await Promise.all(Array.from({ length: some }, () => connect(url)))));
  }
  slow = listeners.splice(0, asleep);
  for (const { socket } of slow) socket.pause();
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
