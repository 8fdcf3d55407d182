// Events of single folders by chokidar, without its file tree: the only module that knows chokidar.
//
// chokidar's usual form takes a watch for each file and lists and stats all files of a folder at each event:
// 6 s, 856 MB and 100,201 watches at 100,000 files in 200 folders, and up to 15 % of a burst lost. Here it
// watches folders alone, one system watch each, and its `raw` event is the hint. folder-tree.ts does the listing.

import { setImmediate } from 'node:timers';
import { FSWatcher } from 'chokidar';
import type { OpenFolderEvents } from '../host/types.ts';

// The default of fs.inotify.max_queued_events. The runtime drops the system's notice that the queue ran over, so
// as many events in one turn of the event loop are taken for it.
const QUEUE_LENGTH = 16_384;

const ignoreEvent = () => {};

/** `onFlood` is called when events of any folder may have been dropped by the system. */
export function createFolderEventsSource({ onFlood }: { onFlood(): void }): OpenFolderEvents {
  let eventsThisTurn = 0;
  const count = () => {
    eventsThisTurn += 1;
    if (eventsThisTurn === 1) {
      setImmediate(() => {
        if (eventsThisTurn >= QUEUE_LENGTH) onFlood();
        eventsThisTurn = 0;
      });
    }
  };

  // One instance a project (12 kB with all that is kept for it): two projects may share a common git folder, and an instance that is
  // used by all would lose the folder's events for both when one of them closes it.
  return ({ onEvent, onError }) => {
    const chokidar = new FSWatcher({ persistent: true, usePolling: false, followSymlinks: false });
    let whileOpening: unknown = null;
    let opening = false;
    chokidar.on('error', (error) => {
      if (opening) whileOpening = error;
      else onError(error);
    });
    chokidar.on('raw', (kind, name, details) => {
      count();
      const folder = (details as { watchedPath?: string } | null)?.watchedPath;
      if (folder !== undefined) onEvent({ folder, name: name || null, renamed: kind === 'rename' });
      // Polling, which a person can force by CHOKIDAR_USEPOLLING, only knows that the folder changed.
      else onEvent({ folder: name, name: null, renamed: true });
    });
    return {
      watch(folder) {
        opening = true;
        whileOpening = null;
        // `add()` would list the folder and stat every file in it, now and at each event.
        const unwatch = chokidar._nodeFsHandler._watchWithNodeFs(folder, ignoreEvent);
        opening = false;
        if (whileOpening !== null) throw whileOpening;
        return unwatch ?? null;
      },
      close: () => chokidar.close(),
    };
  };
}
