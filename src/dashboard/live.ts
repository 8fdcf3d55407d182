// Keeps the store true: loads everything, follows the feed, resumes after a break, and says when it cannot know.
// An event only says what to read anew; what is shown comes from REST, so that both can never disagree for long.

import { type Api, withQuery } from './api.ts';
import type { Browser } from './browser.ts';
import { createLoader } from './load-state.ts';

import type { Store } from './store.ts';
import { watchAnswers } from './watch-answers.ts';
import type { Message } from './wire.ts';

const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 10_000;
const MOST_MESSAGES = 1_000;
const EVENTS = '/api/sync/events';

export type Live = {
  /** Opens the feed, or opens it anew with a new token. */
  connect(): void;
  /** Reads these projects anew now. */
  refresh(projectIds: readonly string[]): Promise<void>;
  /** Reads every project anew now. */
  refreshAll(): Promise<void>;
  /** Reads the queue anew now; no answer changes nothing. */
  refreshQueue(): Promise<void>;
};

type Position = { id: number; epoch: string };
type Ports = { api: Api; store: Store; browser: Browser };

export function createLive({ api, store, browser }: Ports): Live {
  const loader = createLoader({ api, store, browser });
  let position: Position | null = null;
  let socket: WebSocket | null = null;
  let failures = 0;
  let cancelRetry = () => {};
  let stopWatching = () => {};
  let generation = 0;
  function lose(): void {
    generation += 1;
    socket?.close();
    stopWatching();
    cancelRetry();
    const { connection, freshAt, needsToken } = store.get();
    if (needsToken) return;
    const delayMs = retryDelayMs(failures, browser.random());
    failures += 1;
    const since = connection.kind === 'lost' ? connection.since : (freshAt ?? browser.now());
    store.set({ connection: { kind: 'lost', since, retryAt: browser.now() + delayMs } });
    cancelRetry = browser.timer(delayMs, connect);
  }

  function connect(): void {
    generation += 1;
    socket?.close();
    cancelRetry();
    const mine = generation;
    const stillMine = () => mine === generation;
    const { connection } = store.get();
    if (connection.kind === 'lost') store.set({ connection: { ...connection, retryAt: null } });
    void open(stillMine).catch(() => {
      if (stillMine()) lose();
    });
  }

  async function open(stillMine: () => boolean): Promise<void> {
    // First of all whether it answers and wants a token: a refused socket would not say why.
    await loader.status();
    const address = await feedAddress({ api, browser, position });
    if (!stillMine()) return;
    const opened = browser.openSocket(address);
    socket = opened;
    opened.onmessage = ({ data }) => {
      if (stillMine()) take(JSON.parse(data as string) as Message, stillMine);
    };
    opened.onclose = () => {
      if (stillMine()) lose();
    };
  }

  function take(message: Message, stillMine: () => boolean): void {
    if (message.type === 'hello') {
      position = { id: message.id, epoch: String(message.data.epoch) };
      void catchUp(message.id, stillMine);
      return;
    }
    position = { epoch: String(message.data.epoch ?? position?.epoch), id: message.id };
    if (message.type === 'reset') loader.takeReset(message.data);
    else {
      remember(store, message);
      loader.note(message);
    }
  }

  async function catchUp(id: number, stillMine: () => boolean): Promise<void> {
    try {
      await loader.everything();
      await loader.past(id);
    } catch {
      // No answer, or a refusal: tried again like every other break.
      if (stillMine()) lose();
      return;
    }
    if (!stillMine()) return;
    failures = 0;
    store.set({ connection: { kind: 'live' }, needsToken: false });
    stopWatching = watchAnswers({ browser, ask: loader.status, onSilence: () => stillMine() && lose() });
  }

  return { connect, ...loader.refreshes };
}

/** Doubles with every failure; half of it is left to chance, so that many tabs do not come back at once. */
function retryDelayMs(failures: number, chance: number): number {
  return Math.min(FIRST_RETRY_MS * 2 ** failures, LAST_RETRY_MS) * (0.5 + chance / 2);
}

function remember(store: Store, message: Message): void {
  const { messages, runsSeen } = store.get();
  store.set({
    messages: [message, ...messages].slice(0, MOST_MESSAGES),
    runsSeen: message.type === 'run.finished' ? runsSeen + 1 : runsSeen,
  });
}

/** Browsers cannot send a token when they open a socket: with one, a ticket is asked for. @throws ApiError */
async function feedAddress(ports: Omit<Ports, 'store'> & { position: Position | null }): Promise<string> {
  const { api, browser, position } = ports;
  const hasToken = browser.readToken() !== null;
  const answer = hasToken ? await api.send<{ ticket: string }>('POST', '/api/sync/tickets', {}) : null;
  return withQuery(EVENTS, {
    since: position?.id,
    epoch: position?.epoch,
    ticket: answer?.ticket,
  });
}
