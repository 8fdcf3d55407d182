// What the client borrows from the browser, Node or Deno it runs on: time, chance, fetch and sockets.
// The only file of this room that may know them.

/** The part of a WebSocket that is used; those of browsers, of Deno, of Node 22 and of `ws` have it. */
export type SocketLike = {
  addEventListener(type: 'open' | 'error', listener: () => void): void;
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void;
  addEventListener(type: 'close', listener: (event: { code: number; reason: string }) => void): void;
  close(code?: number): void;
};
export type SocketClass = new (url: string) => SocketLike;
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export type Platform = {
  fetch: Fetch;
  /** Null: the feed is read as server-sent events, by `fetch`. */
  WebSocket: SocketClass | null;
  /** Uniform in [0, 1). */
  random(): number;
  /** Calls `fire` once after `delayMs`; the returned function cancels it. */
  timer(delayMs: number, fire: () => void): () => void;
};

/** As it runs here, unless the caller brings a part of its own. Node 20 has no WebSocket. */
export function platformOf(own: { fetch?: Fetch; WebSocket?: SocketClass | null }): Platform {
  const here = globalThis as { WebSocket?: SocketClass };
  return {
    // Not the function itself: browsers refuse to call it detached from their window.
    fetch: own.fetch ?? ((url, init) => fetch(url, init)),
    WebSocket: own.WebSocket === undefined ? (here.WebSocket ?? null) : own.WebSocket,
    random: () => Math.random(),
    timer(delayMs, fire) {
      const handle = setTimeout(fire, delayMs);
      return () => clearTimeout(handle);
    },
  };
}
