// What the hook shows: status and projects, read once and then again whenever the feed says that something changed.
// Knows the client, not React. Runs while somebody listens.

import { isPassing } from '../client/client-error.ts';
import { type Client, ClientError, type Connection, everyPage, type FeedEvent } from '../client/index.ts';
import { platformOf } from '../client/platform.ts';

export type Status = Awaited<ReturnType<Client['status']>>['status'];
export type Project = Awaited<ReturnType<Client['project']>>['project'];

export type SyncState = {
  /** Null before the first answer; after a break the last one that was read. */
  status: Status | null;
  projects: Project[];
  connection: 'connecting' | 'live' | 'lost';
  /** Why nothing can be read now; null while all is well. */
  error: ClientError | null;
};

/** For `useSyncExternalStore`: the first listener opens the feed, the last one that leaves closes it. */
export type SyncStore = {
  get(): SyncState;
  subscribe(listener: () => void): () => void;
};

export const FIRST_STATE: SyncState = { status: null, projects: [], connection: 'connecting', error: null };

/** Events that come together cost one reading. */
const GATHER_MS = 150;
const RETRY_MS = 2_000;
/** Above so many changed projects the whole list is one cheaper question. */
const FEW_PROJECTS = 8;

/** Components with the same client share one feed. */
const stores = new WeakMap<Client, SyncStore>();

export function syncStoreOf(client: Client): SyncStore {
  const known = stores.get(client);
  if (known !== undefined) return known;
  const made = createSyncStore(client);
  stores.set(client, made);
  return made;
}

function createSyncStore(client: Client): SyncStore {
  const listeners = new Set<() => void>();
  let state = FIRST_STATE;
  let stop = () => {};
  const set = (change: Partial<SyncState>) => {
    state = { ...state, ...change };
    for (const listener of listeners) listener();
  };
  return {
    get: () => state,
    subscribe(listener) {
      listeners.add(listener);
      if (listeners.size === 1) {
        state = { ...state, connection: 'connecting', error: null };
        stop = follow(client, { get: () => state, set });
      }
      return () => {
        listeners.delete(listener);
        if (listeners.size === 0) stop();
      };
    },
  };
}

type Held = { get(): SyncState; set(change: Partial<SyncState>): void };

/** Keeps the state true until it is stopped. */
function follow(client: Client, held: Held): () => void {
  const over = new AbortController();
  const { signal } = over;
  const set = (change: Partial<SyncState>) => {
    if (!signal.aborted) held.set(change);
  };
  const fail = (error: unknown) => {
    if (signal.aborted) return;
    if (!(error instanceof ClientError)) throw error;
    set({ connection: 'lost', error });
  };
  const reader = createReader(client, { get: held.get, set, fail, signal });
  const onConnection = (connection: Connection) => {
    if (connection.kind === 'lost') set({ connection: 'lost', error: connection.error });
    else reader.readEverything();
  };
  const run = async () => {
    for await (const event of client.events({ signal, onConnection })) reader.take(event);
  };
  void run().catch(fail);
  return () => over.abort();
}

type Reading = Held & { fail(error: unknown): void; signal: AbortSignal };

/** One reading at a time; what changes meanwhile is read by the next. */
function createReader(client: Client, { get, set, fail, signal }: Reading) {
  const { timer } = platformOf({});
  const changed = new Set<string>();
  let everything = false;
  let isStale = false;
  let isBusy = false;

  function schedule(delayMs: number): void {
    isStale = true;
    if (isBusy) return;
    isBusy = true;
    timer(delayMs, () => void read());
  }

  async function read(): Promise<void> {
    const ids = everything || changed.size > FEW_PROJECTS ? null : [...changed];
    everything = false;
    isStale = false;
    changed.clear();
    let nextMs = GATHER_MS;
    try {
      const [{ status }, projects] = await Promise.all([
        client.status({ signal }),
        ids === null ? readAll(client, signal) : readSome(client, { known: get().projects, ids, signal }),
      ]);
      set({ status, projects, connection: 'live', error: null });
    } catch (error) {
      // The feed may not have noticed anything: then nobody else would try again.
      everything = true;
      isStale = error instanceof ClientError && isPassing(error);
      nextMs = RETRY_MS;
      fail(error);
    } finally {
      isBusy = false;
      if (isStale && !signal.aborted) schedule(nextMs);
    }
  }

  return {
    readEverything(): void {
      everything = true;
      schedule(0);
    },
    take({ type, projectId }: FeedEvent): void {
      everything ||= type === 'reset';
      if (projectId !== null) changed.add(projectId);
      schedule(GATHER_MS);
    },
  };
}

type Some = { known: readonly Project[]; ids: readonly string[]; signal: AbortSignal };

/** The projects that were known, with these read anew, in the order of the API. */
async function readSome(client: Client, { known, ids, signal }: Some): Promise<Project[]> {
  const found = await Promise.all(ids.map((id) => readOne(client, id, signal)));
  const kept = known.filter(({ projectId }) => !ids.includes(projectId));
  const all = [...kept, ...found.filter((project) => project !== null)];
  return all.sort((a, b) => (a.projectId < b.projectId ? -1 : 1));
}

async function readAll(client: Client, signal: AbortSignal): Promise<Project[]> {
  const all: Project[] = [];
  const pages = everyPage((cursor) => client.projects({ limit: 500, ...(cursor && { cursor }) }, { signal }));
  for await (const { projects } of pages) all.push(...projects);
  return all;
}

/** Null: there is no such project any more. */
async function readOne(client: Client, projectId: string, signal: AbortSignal): Promise<Project | null> {
  try {
    return (await client.project(projectId, { signal })).project;
  } catch (error) {
    if (error instanceof ClientError && error.code === 'project-not-found') return null;
    throw error;
  }
}
