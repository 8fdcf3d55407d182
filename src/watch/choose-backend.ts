// Which of the two ways of watching serves on this machine.

import type { OpenFolderEvents, WatchTree } from '../host/types.ts';
import type { WatchBackend } from './backend.ts';
import { createFolderBackend } from './folder-backend.ts';
import { createFolderEventsSource } from './folder-events.ts';
import { createTreeBackend } from './tree-backend.ts';

type Offered = { watchTree: WatchTree | null; openFolderEvents: OpenFolderEvents | null };

/** `onFlood` is called when events of any project were lost. */
export function chooseBackend({ watchTree, openFolderEvents }: Offered, onFlood: () => void): WatchBackend {
  if (watchTree) return createTreeBackend(watchTree);
  return createFolderBackend(openFolderEvents ?? createFolderEventsSource({ onFlood }));
}
