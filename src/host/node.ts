// The machine as Node gives it. Only main.ts and index.ts load this, and only on Node.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { homedir, hostname } from 'node:os';
import { createAdaptorServer, upgradeWebSocket, type WebSocketServerLike } from '@hono/node-server';
import { WebSocketServer } from 'ws';
import { systemClock, systemRandom } from './clock.ts';
import { listenFailure } from './listen-failure.ts';
import { readInput } from './read-input.ts';
import { systemTerminal, writeAll } from './terminal.ts';
import type { Host, Listening } from './types.ts';

/** Larger messages from a feed client end its connection; clients have nothing long to say. */
const MAX_MESSAGE_BYTES = 64 * 1024;
const HEADERS_TIMEOUT_MS = 15_000;
const REQUEST_TIMEOUT_MS = 60_000;

export const host: Host = {
  runtime: 'node',
  runtimeVersion: process.versions.node,
  platform: process.platform,
  program: [process.execPath, ...process.execArgv, process.argv[1] ?? ''],
  clock: systemClock,
  random: systemRandom,
  env: process.env,
  args: process.argv.slice(2),
  cwd: process.cwd(),
  hostname: hostname(),
  homeDir: homedir(),
  pid: process.pid,
  upgradeWebSocket,
  watchTree: null,
  openFolderEvents: null,
  async listen(app, options): Promise<Listening> {
    const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES });
    // What is sent between the two goes out in one piece: see the feed.
    sockets.on('connection', (socket, { socket: stream }) =>
      Object.assign(socket, { cork: () => stream.cork(), uncork: () => stream.uncork() }),
    );
    const server = createAdaptorServer({
      fetch: (request, env) =>
        // The same object: the upgrade of a WebSocket is remembered by it.
        app.fetch(request, Object.assign(env, { remoteAddress: env.incoming.socket.remoteAddress })),
      createServer,
      serverOptions: { headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS },
      websocket: { server: sockets as WebSocketServerLike },
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => reject(listenFailure(error, options)));
      server.listen(options.port, options.hostname, () => resolve());
    });
    const close = async (graceMs: number) => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      const cancel = systemClock.timer(graceMs, () => {
        for (const client of sockets.clients) client.terminate();
        if ('closeAllConnections' in server) server.closeAllConnections();
      });
      if ('closeIdleConnections' in server) server.closeIdleConnections();
      sockets.close();
      await closed;
      cancel();
    };
    return { port: (server.address() as AddressInfo).port, close };
  },
  onStopSignal(stop) {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop(signal));
  },
  terminal: systemTerminal,
  writeOut: (text) => writeAll(1, text),
  writeError: (text) => writeAll(2, text),
  readInput,
  exit: (code) => process.exit(code),
};
