// The machine as Deno gives it. Only main.ts and index.ts load this, and only on Deno.

import { homedir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { upgradeWebSocket } from 'hono/deno';
import type { UpgradeWebSocket } from 'hono/ws';
import { systemClock, systemRandom } from './clock.ts';
import { createInotify, type ForeignCalls } from './deno-inotify.ts';
import { createTreeWatch, type TreeWatch } from './deno-tree-watch.ts';
import { listenFailure } from './listen-failure.ts';
import { asItCame } from './mounted-request.ts';
import { readInput } from './read-input.ts';
import { systemTerminal, writeAll } from './terminal.ts';
import type { Host, Listening } from './types.ts';

// The part of Deno's own API in use, so that the type check on Node needs no Deno types.
type DenoServer = { addr: { port: number }; shutdown(): Promise<void>; finished: Promise<void> };
type DenoApi = ForeignCalls &
  TreeWatch & {
    build: { os: string };
    args: string[];
    mainModule: string;
    version: { deno: string };
    execPath(): string;
    pid: number;
    env: { toObject(): Record<string, string> };
    cwd(): string;
    hostname(): string;
    exit(code: number): never;
    addSignalListener(signal: string, handler: () => void): void;
    serve(
      options: { hostname: string; port: number; onListen: () => void; signal: AbortSignal },
      handler: (
        request: Request,
        info: { remoteAddr: { hostname?: string } },
      ) => Response | Promise<Response>,
    ): DenoServer;
  };
const deno = (globalThis as unknown as { Deno: DenoApi }).Deno;
const onLinux = deno.build.os === 'linux';

/** Those of the task `start` in deno.json. */
const PERMISSIONS = [
  ...['--allow-net', '--allow-read', '--allow-write', '--allow-env', '--allow-sys', '--allow-ffi'],
  '--allow-run=git,sh,cat,ps,kill,gh',
];

/** Under a path of another program the request is a new one, which cannot be upgraded. */
const upgradeAsItCame = ((c: Parameters<typeof upgradeWebSocket>[0], ...rest: [never, never]) => {
  c.req.raw = asItCame(c.req.raw);
  return upgradeWebSocket(c, ...rest);
}) as UpgradeWebSocket;

export const host: Host = {
  runtime: 'deno',
  runtimeVersion: deno.version.deno,
  platform: process.platform,
  get program() {
    const main = deno.mainModule.startsWith('file:') ? fileURLToPath(deno.mainModule) : deno.mainModule;
    return [deno.execPath(), 'run', ...PERMISSIONS, main];
  },
  clock: systemClock,
  random: systemRandom,
  env: deno.env.toObject(),
  args: deno.args,
  cwd: deno.cwd(),
  hostname: deno.hostname(),
  homeDir: homedir(),
  pid: deno.pid,
  upgradeWebSocket: upgradeAsItCame,
  watchTree: onLinux ? null : createTreeWatch(deno),
  openFolderEvents: onLinux ? createInotify(deno) : null,
  /**
   * `Connection: close` is sent and not obeyed by Deno (2.9): with a request whose body never ends, the connection stays
   * until the peer leaves. Only an answer that breaks off ends it, which callers could not read to its end; so the refusal
   * is whole, and the socket of such a peer is kept as that of any peer that says nothing.
   */
  async listen(app, options): Promise<Listening> {
    const stop = new AbortController();
    let server: DenoServer;
    try {
      server = deno.serve({ ...options, onListen() {}, signal: stop.signal }, (request, { remoteAddr }) =>
        app.fetch(request, { remoteAddress: remoteAddr.hostname }),
      );
    } catch (error) {
      throw listenFailure(error, options);
    }
    const close = async (graceMs: number) => {
      // Not both at once: an abort that meets a server which is just closing is an error in Deno (2.9) that nobody can catch.
      if (graceMs <= 0) {
        stop.abort();
        return server.finished;
      }
      // Feeds are closed before; aborting with open sockets would send an illegal close frame.
      const cancel = systemClock.timer(graceMs, () => stop.abort());
      await server.shutdown();
      await server.finished;
      cancel();
    };
    return { port: server.addr.port, close };
  },
  onStopSignal(stop) {
    for (const signal of ['SIGINT', 'SIGTERM']) deno.addSignalListener(signal, () => stop(signal));
  },
  terminal: systemTerminal,
  writeOut: (text) => writeAll(1, text),
  writeError: (text) => writeAll(2, text),
  readInput,
  exit: (code) => deno.exit(code),
};
