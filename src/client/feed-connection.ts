// What a transport of the feed is: one connection, from its opening to its end. Resuming is feed.ts's work.

import type { FeedMessage } from '../http/schemas/feed.ts';
import type { Service } from './ask.ts';

/** One connection: its messages, until it ends. @throws ClientError when it is refused or breaks */
export type OpenFeed = (
  service: Service,
  ask: { query: FeedQuery; signal: AbortSignal; onHeard(): void },
) => AsyncIterable<FeedMessage>;
export type FeedQuery = { since?: number; epoch?: string; types?: string };
