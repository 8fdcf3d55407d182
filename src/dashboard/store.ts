// What the page knows, and since when. Views read it; live.ts and actions.ts alone write it.

import type { Message, Project, Queue, Status } from './wire.ts';

/** `lost`: nothing on the page may be taken for the present state. Instants are this computer's epoch milliseconds. */
export type Connection =
  | { kind: 'connecting' }
  | { kind: 'live' }
  | { kind: 'lost'; since: number; retryAt: number | null };

export type Toast = { id: number; tone: 'good' | 'bad'; text: string; action?: string };

export type PageState = {
  connection: Connection;
  needsToken: boolean;
  status: Status | null;
  projects: ReadonlyMap<string, Project>;
  queue: Queue | null;
  /** Newest first, bounded. */
  messages: readonly Message[];
  /** Finished syncs in each of the last 24 hours, oldest hour first, by project. */
  activity: ReadonlyMap<string, readonly number[]>;
  /** Grows with every finished sync: histories load anew. */
  runsSeen: number;
  /** When everything here was last known to be true. */
  freshAt: number | null;
  /** The service's clock minus this computer's. */
  clockAheadMs: number;
  toasts: readonly Toast[];
};

export type Store = {
  get(): PageState;
  set(change: Partial<PageState>): void;
  subscribe(listener: () => void): () => void;
};

export function createStore(): Store {
  let state: PageState = {
    connection: { kind: 'connecting' },
    needsToken: false,
    status: null,
    projects: new Map(),
    queue: null,
    messages: [],
    activity: new Map(),
    runsSeen: 0,
    freshAt: null,
    clockAheadMs: 0,
    toasts: [],
  };
  const listeners = new Set<() => void>();
  return {
    get: () => state,
    set(change) {
      state = { ...state, ...change };
      for (const listener of listeners) listener();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
