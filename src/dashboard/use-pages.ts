// Page by page through a list of the API, newest first: the cursors of the pages before lead back.

import { useState } from 'preact/hooks';
import type { Api } from './api.ts';
import { type Loaded, useLoad } from './page-context.ts';

export type Pages<T> = Loaded<T> & {
  /** Null where there is no such page. */
  newer: (() => void) | null;
  older: (() => void) | null;
};

/** `keys` are what was asked for: another wish begins at the first page. With another `freshness` the same page is read anew. */
export function usePages<T extends { nextCursor: string | null }>(
  load: (api: Api, cursor: string | undefined) => Promise<T>,
  keys: readonly unknown[],
  freshness: unknown = null,
): Pages<T> {
  const wish = JSON.stringify(keys);
  const [place, setPlace] = useState<{ wish: string; cursors: readonly string[] }>({ wish, cursors: [] });
  const cursors = place.wish === wish ? place.cursors : [];
  const goTo = (cursors: readonly string[]) => setPlace({ wish, cursors });
  const cursor = cursors.at(-1);
  const loaded = useLoad((api) => load(api, cursor), [cursor, freshness, ...keys]);
  const next = loaded.value?.nextCursor ?? null;
  return {
    ...loaded,
    newer: cursors.length === 0 ? null : () => goTo(cursors.slice(0, -1)),
    older: next === null ? null : () => goTo([...cursors, next]),
  };
}
