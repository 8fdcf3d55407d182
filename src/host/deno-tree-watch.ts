// Deno's own watch of a folder and all below it, where the system's calls for single folders are not at hand.
// A named pipe in the folder stops it: it opens every path that it tells of.

import type { WatchTree } from './types.ts';

type Watching = AsyncIterable<{ kind: string; paths: string[]; flag?: string }> & { close(): void };
/** The part of Deno's own API in use. */
export type TreeWatch = { watchFs(paths: string, options: { recursive: boolean }): Watching };

/** Complete under bursts, where chokidar on Deno loses most of them. */
export function createTreeWatch(deno: TreeWatch): WatchTree {
  return (root, { onChange, onError }) => {
    const watcher = deno.watchFs(root, { recursive: true });
    const finished = (async () => {
      try {
        for await (const event of watcher) {
          if (event.flag === 'rescan') onError(new Error(`the system dropped events below ${root}`));
          else if (event.kind !== 'access') onChange(event.paths);
        }
      } catch (error) {
        onError(error);
      }
    })();
    return {
      async close() {
        try {
          watcher.close();
        } catch (error) {
          if ((error as Error).name !== 'BadResource') throw error; // it ended by itself
        }
        await finished;
      },
    };
  };
}
