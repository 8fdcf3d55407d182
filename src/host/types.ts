// What the product borrows from the machine it runs on. host/node.ts and host/deno.ts provide it;
// they are the only differences between the runtimes.

import type { UpgradeWebSocket } from 'hono/ws';
import type { Clock, Random } from './clock.ts';
import type { Terminal } from './terminal.ts';

/** The part of a Hono app that a server needs; `env` carries the peer's `remoteAddress`, on Node also the raw request. */
type FetchHandler = { fetch(request: Request, env?: object): Response | Promise<Response> };

/** `port` is the real one, also when 0 was asked for. `close` ends open connections after `graceMs`. */
export type Listening = { port: number; close(graceMs: number): Promise<void> };

/**
 * Watches a folder and everything below it; `onChange` gets absolute paths.
 */
export type WatchTree = (
  root: string,
  handlers: { onChange(paths: string[]): void; onError(error: unknown): void },
) => { close(): Promise<void> };

/** `name` is null when the system did not say which entry; `renamed`: it appeared, vanished or was replaced. */
export type FolderEvent = { folder: string; name: string | null; renamed: boolean };

export type FolderEvents = {
  /**
   * Watches one folder, not what is below it. Null when it is not there (any more).
   * Throws the system's error when it cannot be watched. The watch is in place on return.
   */
  watch(folder: string): (() => void) | null;
  close(): Promise<void>;
};

export type OpenFolderEvents = (handlers: {
  onEvent(event: FolderEvent): void;
  onError(error: unknown): void;
}) => FolderEvents;

export type Host = {
  readonly runtime: 'node' | 'deno';
  /** Of the runtime, for example `24.1.0`. */
  readonly runtimeVersion: string;
  /** As Node names it: `linux`, `darwin`, `win32`, … */
  readonly platform: string;
  /** The words that start this program again, without its own arguments. */
  readonly program: readonly string[];
  readonly clock: Clock;
  readonly random: Random;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly hostname: string;
  readonly homeDir: string;
  readonly pid: number;
  // biome-ignore lint/suspicious/noExplicitAny: the raw socket type is runtime specific
  readonly upgradeWebSocket: UpgradeWebSocket<any>;
  /** At most one of the two; where both are null (Node), chokidar serves. */
  readonly watchTree: WatchTree | null;
  readonly openFolderEvents: OpenFolderEvents | null;
  /** @throws Failure `port-in-use`, naming host and port */
  listen(app: FetchHandler, options: { hostname: string; port: number }): Promise<Listening>;
  /** Calls `stop` on SIGINT and SIGTERM. */
  onStopSignal(stop: (signal: string) => void): void;
  exit(code: number): never;
  readonly terminal: Terminal;
  /** What a command prints; `writeError` for faults. */
  writeOut(text: string): void;
  writeError(text: string): void;
  /** What is piped in, to its end. */
  readInput(): Promise<string>;
};
