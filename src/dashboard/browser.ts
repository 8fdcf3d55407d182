// What the page borrows from the browser: time, chance, storage and sockets. Everything else gets them from here.

export type Browser = {
  /** Epoch milliseconds of this computer, which may differ from the service's. */
  now(): number;
  random(): number;
  /** Calls `fire` once after `delayMs`; the returned function cancels it. */
  timer(delayMs: number, fire: () => void): () => void;
  /** `path` with query, on the service that served the page. */
  openSocket(path: string): WebSocket;
  fetch(path: string, init: RequestInit): Promise<Response>;
  /** The API token, kept for this tab only. */
  readToken(): string | null;
  keepToken(token: string | null): void;
  /** Browsers lend the clipboard on https and on this machine only. */
  canCopy: boolean;
  copy(text: string): Promise<void>;
};

const TOKEN_KEY = 'gitferry-token';

export const browser: Browser = {
  now: () => Date.now(),
  random: () => Math.random(),
  timer(delayMs, fire) {
    const handle = setTimeout(fire, delayMs);
    return () => clearTimeout(handle);
  },
  openSocket(path) {
    const url = new URL(path, location.href);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    return new WebSocket(url);
  },
  fetch: (path, init) => fetch(path, init),
  readToken: () => sessionStorage.getItem(TOKEN_KEY),
  keepToken(token) {
    if (token === null) sessionStorage.removeItem(TOKEN_KEY);
    else sessionStorage.setItem(TOKEN_KEY, token);
  },
  canCopy: isSecureContext,
  copy: (text) => navigator.clipboard.writeText(text),
};
