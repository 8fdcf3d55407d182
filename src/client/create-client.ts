// `createClient()`: a method for every route, and the live feed. Knows the API by its contract only.

import { methodOf, type Service, type Token } from './ask.ts';
import { type FeedEvent, type FeedOptions, followFeed } from './feed.ts';
import type { Methods } from './methods.ts';
import { type Fetch, platformOf, type SocketClass } from './platform.ts';
import { ROUTES } from './routes.ts';

export type ClientOptions = {
  /** Where the API answers, for example `http://localhost:3001`; a path is kept, for a service that is mounted. */
  url: string | URL;
  /** Sent with every call, and to this address alone. A function is asked each time. */
  token?: Token;
  /** Left out: that of the runtime. */
  fetch?: Fetch;
  /** Left out: that of the runtime. Null: the feed is read by `fetch`. */
  WebSocket?: SocketClass | null;
};

export type Client = Methods & {
  readonly url: string;
  /**
   * The feed, for `for await`. Comes back by itself after a break and goes on after the last event that was taken:
   * nothing is missed, nothing comes twice. Ends by `break` or `signal`. @throws ClientError when it is refused for good
   */
  events(options?: FeedOptions): AsyncGenerator<FeedEvent, void>;
};

/** @throws TypeError for an address that is none of http or https */
export function createClient(options: ClientOptions): Client {
  const service: Service = {
    platform: platformOf(options),
    url: baseOf(options.url),
    token: options.token ?? null,
  };
  const methods = Object.entries(ROUTES).map(([name, route]) => [name, methodOf(service, route)]);
  return {
    ...(Object.fromEntries(methods) as Methods),
    url: service.url,
    events: (feed = {}) => followFeed(service, feed),
  };
}

function baseOf(given: string | URL): string {
  const url = URL.canParse(given) ? new URL(given) : null;
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new TypeError(`url must be an address like http://localhost:3001, and is "${given}".`);
  if (url.username !== '' || url.password !== '')
    throw new TypeError('url must hold no password: use token.');
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}
