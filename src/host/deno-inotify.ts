// Events of single folders on Linux, asked from the system itself. Deno's own watch opens every path that it tells
// of: a named pipe stops it, and all of the service with it. It also follows links out of the folder at its start,
// tells nothing of new links, and never ends a watch.

import { constants } from 'node:os';
import type { FolderEvents, OpenFolderEvents } from './types.ts';

// The part of Deno's own API in use, so that the type check on Node needs no Deno types.
type Calls = {
  inotify_init1(flags: number): number;
  inotify_add_watch(fd: number, path: Uint8Array, mask: number): number;
  inotify_rm_watch(fd: number, watch: number): number;
  read(fd: number, into: Uint8Array, bytes: bigint): Promise<number | bigint>;
  close(fd: number): number;
  __errno_location(): object;
};
export type ForeignCalls = {
  permissions: { querySync(asked: { name: 'ffi' }): { state: string } };
  dlopen(library: string, calls: object): { symbols: Calls };
  UnsafePointerView: new (pointer: object) => { getInt32(): number };
};

type Handlers = Parameters<OpenFolderEvents>[0];
type Listener = { readonly folder: string; readonly handlers: Handlers };

const CLOSE_ON_EXEC = 0o2000000;
// Content or attributes.
const CHANGED_ONLY = 0x2 | 0x4;
// Moved from and to, created, deleted; the folder itself deleted or moved.
const RENAMED = 0x40 | 0x80 | 0x100 | 0x200 | 0x400 | 0x800;
const FOLDERS_ONLY = 0x01000000;
const WANTED = CHANGED_ONLY | RENAMED | FOLDERS_ONLY;
const OVERFLOW = 0x4000;
const WATCH_ENDED = 0x8000;
const ABSENT: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'ELOOP']);
const HEAD_BYTES = 16;
const BUFFER_BYTES = 256 * 1024;
/** Reading fails without a reason that we know of; more often than this in a row it is given up. */
const MOST_FAILURES = 3;

const LIBRARY = 'libc.so.6';
const SIGNATURES = {
  inotify_init1: { parameters: ['i32'], result: 'i32' },
  inotify_add_watch: { parameters: ['i32', 'buffer', 'u32'], result: 'i32' },
  inotify_rm_watch: { parameters: ['i32', 'i32'], result: 'i32' },
  // Waits in a thread of the runtime.
  read: { parameters: ['i32', 'buffer', 'usize'], result: 'isize', nonblocking: true },
  close: { parameters: ['i32'], result: 'i32' },
  __errno_location: { parameters: [], result: 'pointer' },
};

/**
 * All sources share one queue of the system. Where the calls may not be made, or are not there, `watch` throws and
 * says why: such projects are scanned.
 */
export function createInotify(deno: ForeignCalls): OpenFolderEvents {
  let inotify: Inotify | null = null;
  return (handlers) => {
    const own = new Set<() => void>();
    return {
      watch(folder) {
        inotify ??= openInotify(deno);
        const end = inotify.watch({ folder, handlers });
        if (end === null) return null;
        const unwatch = () => {
          if (own.delete(unwatch)) end();
        };
        own.add(unwatch);
        return unwatch;
      },
      async close() {
        for (const unwatch of own) unwatch();
        await inotify?.ended();
      },
    } satisfies FolderEvents;
  };
}

function openInotify(deno: ForeignCalls): Inotify {
  if (deno.permissions.querySync({ name: 'ffi' }).state !== 'granted') {
    throw new Error('file events need the permission --allow-ffi');
  }
  const calls = deno.dlopen(LIBRARY, SIGNATURES).symbols;
  return new Inotify(calls, (what) => {
    const errno = new deno.UnsafePointerView(calls.__errno_location()).getInt32();
    return systemError(errno, what);
  });
}

class Inotify {
  readonly #calls: Calls;
  readonly #lastError: (what: string) => NodeJS.ErrnoException;
  readonly #fd: number;
  /** By the system's number, which is never given twice. An entry stays until the system says that it ended. */
  readonly #watches = new Map<number, Set<Listener>>();
  /** Null when nothing is watched. */
  #reading: Promise<void> | null = null;

  constructor(calls: Calls, lastError: (what: string) => NodeJS.ErrnoException) {
    this.#calls = calls;
    this.#lastError = lastError;
    this.#fd = calls.inotify_init1(CLOSE_ON_EXEC);
    if (this.#fd < 0) throw lastError('watch');
  }

  /** Null when there is no such folder. Throws the system's error. */
  watch(listener: Listener): (() => void) | null {
    const path = new TextEncoder().encode(`${listener.folder}\0`);
    const watch = this.#calls.inotify_add_watch(this.#fd, path, WANTED);
    if (watch < 0) {
      const error = this.#lastError(`watch ${listener.folder}`);
      if (ABSENT.has(error.code ?? '')) return null;
      throw error;
    }
    // The same number for the same folder: two projects may share a git folder.
    const listeners = this.#watches.get(watch) ?? new Set();
    this.#watches.set(watch, listeners.add(listener));
    this.#reading ??= this.#read();
    return () => {
      listeners.delete(listener);
      const isKnown = this.#watches.get(watch) === listeners;
      if (listeners.size === 0 && isKnown) this.#calls.inotify_rm_watch(this.#fd, watch);
    };
  }

  /** Resolves when nothing is read any more; at once while something is watched. */
  async ended(): Promise<void> {
    if (this.#listeners().length === 0) await this.#reading;
  }

  #listeners(): Listener[] {
    return [...this.#watches.values()].flatMap((listeners) => [...listeners]);
  }

  /** The end of the last watch is an event, too: it ends the waiting. */
  async #read(): Promise<void> {
    const buffer = new Uint8Array(BUFFER_BYTES);
    let failures = 0;
    while (this.#watches.size > 0) {
      const length = Number(await this.#calls.read(this.#fd, buffer, BigInt(BUFFER_BYTES)));
      if (length > 0) {
        failures = 0;
        this.#tell(buffer.subarray(0, length));
      } else {
        failures += 1; // a signal may have come between
        if (failures > MOST_FAILURES) this.#giveUp();
      }
    }
    this.#reading = null;
  }

  #giveUp(): void {
    const listeners = this.#listeners();
    for (const watch of this.#watches.keys()) this.#calls.inotify_rm_watch(this.#fd, watch);
    this.#watches.clear();
    tellAll(listeners, new Error('the events of the system cannot be read'));
  }

  #tell(events: Uint8Array): void {
    const view = new DataView(events.buffer, events.byteOffset, events.length);
    let at = 0;
    while (at < events.length) {
      const watch = view.getInt32(at, true);
      const mask = view.getUint32(at + 4, true);
      const nameAt = at + HEAD_BYTES;
      at = nameAt + view.getUint32(at + 12, true);
      if ((mask & OVERFLOW) !== 0) tellAll(this.#listeners(), new Error('the system dropped events'));
      if ((mask & WATCH_ENDED) !== 0) this.#watches.delete(watch);
      else this.#pass(watch, nameIn(events.subarray(nameAt, at)), mask);
    }
  }

  #pass(watch: number, name: string | null, mask: number): void {
    for (const { folder, handlers } of this.#watches.get(watch) ?? []) {
      handlers.onEvent({ folder, name, renamed: (mask & CHANGED_ONLY) === 0 });
    }
  }
}

/** Padded with zeros; none for the folder itself. What is not UTF-8 holds U+FFFD. */
function nameIn(bytes: Uint8Array): string | null {
  const end = bytes.indexOf(0);
  const name = new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
  return name === '' ? null : name;
}

/** Once for each source. */
function tellAll(listeners: readonly Listener[], error: Error): void {
  for (const handlers of new Set(listeners.map((listener) => listener.handlers))) handlers.onError(error);
}

function systemError(errno: number, what: string): NodeJS.ErrnoException {
  const code = Object.entries(constants.errno).find(([, number]) => number === errno)?.[0] ?? `E${errno}`;
  return Object.assign(new Error(`${code}: ${what}`), { code, errno });
}
