// The bus as other rooms see it. The database is the truth; the bus only carries what is stored there.

import type { EventType, FeedEvent } from '../model/event.ts';
import type { JobId, ProjectId } from '../model/ids.ts';

export type NewEvent = {
  type: EventType;
  projectId?: ProjectId | null;
  jobId?: JobId | null;
  data?: Record<string, unknown>;
};

export type SubscribeOptions = {
  /** Replay everything stored after this id, in order, then go live; left out: live only. */
  since?: number;
  /** Event types or prefixes like `job.*`; left out: all. */
  types?: readonly string[];
  /** Called with consecutive events, one call at a time; the next call waits for the promise. */
  onEvents(events: readonly FeedEvent[]): void | Promise<void>;
  /** More than `bufferLimit` events wait because `onEvents` is slow: the subscription has ended. */
  onOverflow(): void;
  /** `since` is older than what is kept: the subscriber must take a full snapshot; the stream goes live from `latestId`. */
  onReset(latestId: number): void | Promise<void>;
  /** Most events waiting for one subscriber; default 10000. */
  bufferLimit?: number;
  /** Of the service itself: not counted among the listeners. */
  isOwn?: boolean;
};

/** As for `subscribe`, but one that lasts. */
export type FollowOptions = Omit<SubscribeOptions, 'onOverflow'> & {
  /** Some events did not come: there were too many, or `onEvents` failed. What comes now is told again. */
  onMissed(): void;
};

export type EventBus = {
  /** Changes when the database was replaced. */
  readonly epoch: string;
  latestId(): number;
  /** Stores events and delivers them. */
  publish(events: readonly NewEvent[]): Promise<void>;
  /** Something wrote events to the database (a trigger): read and deliver them. Returns at once. */
  notify(): void;
  subscribe(options: SubscribeOptions): { close(): void };
  /** Listens until it is closed: subscribes again where a subscription would have ended. */
  follow(options: FollowOptions): { close(): void };
  /** Number of open subscriptions, the service's own left out. */
  listeners(): number;
  start(): Promise<void>;
  stop(): Promise<void>;
};
