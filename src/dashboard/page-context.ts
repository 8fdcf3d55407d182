// How components reach the store, the API and what a person may do; and the hooks on them.

import { createContext } from 'preact';
import { useCallback, useContext, useEffect, useRef, useState } from 'preact/hooks';
import type { Actions } from './actions.ts';
import { type Api, ApiError } from './api.ts';
import type { Browser } from './browser.ts';
import type { Live } from './live.ts';
import type { PageState, Store } from './store.ts';

export type Page = { store: Store; api: Api; browser: Browser; live: Live; actions: Actions };

export const PageContext = createContext<Page | null>(null);

export function usePage(): Page {
  const page = useContext(PageContext);
  if (page === null) throw new Error('There is no page around this component.');
  return page;
}

/** Draws anew when the part that `select` names becomes another. */
export function usePart<T>(select: (state: PageState) => T): T {
  const { store } = usePage();
  const [, draw] = useState({});
  const part = select(store.get());
  const latest = useRef({ select, part });
  latest.current = { select, part };
  useEffect(() => {
    const look = () => {
      const { select: chosen, part: drawn } = latest.current;
      if (!Object.is(chosen(store.get()), drawn)) draw({});
    };
    look();
    return store.subscribe(look);
  }, [store]);
  return part;
}

const TICK_MS = 1_000;

/** The service's present time, epoch milliseconds; moves on every second. */
export function useNow(): number {
  const { browser } = usePage();
  const ahead = usePart((state) => state.clockAheadMs);
  const [now, setNow] = useState(browser.now());
  useEffect(() => {
    let cancel = () => {};
    const tick = () => {
      setNow(browser.now());
      cancel = browser.timer(TICK_MS, tick);
    };
    tick();
    return () => cancel();
  }, [browser]);
  return now + ahead;
}

export type Loaded<T> = { value: T | null; error: ApiError | null; reload: () => void };

/** Loads when shown, when `keys` change, and after a lost connection is back. A late answer to old keys is dropped. */
export function useLoad<T>(load: (api: Api) => Promise<T>, keys: readonly unknown[]): Loaded<T> {
  const { api } = usePage();
  const isLost = usePart((state) => state.connection.kind === 'lost');
  const [result, setResult] = useState<{ value: T | null; error: ApiError | null }>({
    value: null,
    error: null,
  });
  const [round, setRound] = useState(0);
  useEffect(() => {
    if (isLost) return;
    let current = true;
    load(api).then(
      (value) => current && setResult({ value, error: null }),
      (error: unknown) => {
        if (!(error instanceof ApiError)) throw error;
        if (current) setResult((before) => ({ value: before.value, error }));
      },
    );
    return () => {
      current = false;
    };
  }, [api, isLost, round, ...keys]);
  const reload = useCallback(() => setRound((count) => count + 1), []);
  return { ...result, reload };
}
