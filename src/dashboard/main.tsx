// Puts the page together and starts it.

import { render } from 'preact';
import { createActions } from './actions.ts';
import { createApi } from './api.ts';
import { browser } from './browser.ts';
import { createLive } from './live.ts';
import { PageContext } from './page-context.ts';
import { Shell } from './shell.tsx';
import { createStore } from './store.ts';

const store = createStore();
const api = createApi(browser, () => store.set({ needsToken: true }));
const live = createLive({ api, store, browser });
const actions = createActions({ api, store, browser, live });

live.connect();
// A laptop that wakes up or a network that is back need not wait for the next try.
const retryNow = () => {
  if (store.get().connection.kind === 'lost' && document.visibilityState === 'visible') live.connect();
};
addEventListener('online', retryNow);
document.addEventListener('visibilitychange', retryNow);

const root = document.getElementById('page');
if (root === null) throw new Error('index.html has no #page.');
render(
  <PageContext.Provider value={{ store, api, browser, live, actions }}>
    <Shell />
  </PageContext.Provider>,
  root,
);
