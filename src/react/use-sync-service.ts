// `useSyncService()`: the service in a React component, live.

import { useCallback, useMemo, useSyncExternalStore } from 'react';
import { type Client, createClient } from '../client/index.ts';
import { FIRST_STATE, type SyncState, syncStoreOf } from './sync-state.ts';

export type SyncServiceOptions =
  /** Left out: http://localhost:3001, and no token. */
  | { url?: string; token?: string; client?: undefined }
  /** Made by `createClient()`, once: components with the same client share one feed. */
  | { client: Client };

export type SyncService = SyncState & {
  /** Syncs this project now, without its quiet period; left out: every project. @throws ClientError */
  triggerSync(projectId?: string): Promise<void>;
  /** For everything else. */
  client: Client;
};

const HERE = 'http://localhost:3001';

/** Status and projects, kept true by the feed; nothing is polled. */
export function useSyncService(options: SyncServiceOptions = {}): SyncService {
  const { client: given, url = HERE, token } = { url: undefined, token: undefined, ...options };
  const client = useMemo(
    () => given ?? createClient({ url, ...(token !== undefined && { token }) }),
    [given, url, token],
  );
  const store = syncStoreOf(client);
  const state = useSyncExternalStore(store.subscribe, store.get, () => FIRST_STATE);
  const triggerSync = useCallback(
    async (projectId?: string) => {
      if (projectId === undefined) await client.trigger({ immediate: true });
      else await client.triggerProject(projectId, { immediate: true });
    },
    [client],
  );
  return { ...state, triggerSync, client };
}
