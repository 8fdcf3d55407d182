// `gitferry/react`: a hook over gitferry/client. React is the program's own.

export type { Project, Status, SyncState } from './sync-state.ts';
export { type SyncService, type SyncServiceOptions, useSyncService } from './use-sync-service.ts';
