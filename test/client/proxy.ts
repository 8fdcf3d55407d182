// A TCP proxy that can cut what passes, or let it hang as a dead network does.

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export type BreakableProxy = Awaited<ReturnType<typeof openProxy>>;

export async function openProxy(port: number) {
  const pairs = new Set<[Socket, Socket]>();
  let frozen = false;
  const server = createServer((caller) => {
    if (frozen) return caller.destroy();
    const service = connect(port, '127.0.0.1');
    const pair: [Socket, Socket] = [caller, service];
    pairs.add(pair);
    for (const [from, to] of [pair, [service, caller] as const]) {
      from.on('error', () => to.destroy());
      from.on('close', () => {
        to.destroy();
        pairs.delete(pair);
      });
      from.pipe(to);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => {
    for (const pair of pairs) for (const socket of pair) socket.destroy();
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut,
    connections: () => pairs.size,
    /** Nothing passes any more on the connections there are, and none is closed; new ones are refused. */
    freeze() {
      frozen = true;
      for (const [caller, service] of pairs) {
        caller.unpipe(service).pause();
        service.unpipe(caller).pause();
      }
    },
    /** New connections pass again. */
    thaw() {
      frozen = false;
    },
    async close() {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}
