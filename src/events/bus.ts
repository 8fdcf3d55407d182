// Carries what is stored in the database to everyone who listens, in order. The database is the truth: the bus reads
// on from the last id it has seen, whenever it is told to and at least every `pollMs` (other machines write too).
// Must not know the store: reading and writing are passed in.

import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import type { FeedEvent } from '../model/event.ts';
import { Failure } from '../model/failure.ts';
import { type Bounds, Subscription } from './subscription.ts';
import type { EventBus, FollowOptions, NewEvent, SubscribeOptions } from './types.ts';

const READ_BATCH = 500;

export type EventBusOptions = {
  /** Up to `limit` stored events with ids above `after`, in order. */
  read(after: number, limit: number): Promise<FeedEvent[]>;
  /** `oldest`: the first id certainly kept; `latest`: the last id given; `epoch`: differs when the database was replaced. */
  bounds(): Promise<Bounds>;
  append(events: readonly NewEvent[]): Promise<void>;
  clock: Clock;
  log: Log;
  /** Longest time until events of other machines are noticed, milliseconds. */
  pollMs: number;
};

/**
 * `start()` reads where the feed is; before it, subscriptions wait. `publish()` resolves when the events are stored
 * and were offered to the listeners, not when those have taken them. A listener that throws is dropped like a slow
 * one. Callbacks are never called before `subscribe()` has returned.
 */
export function createEventBus(options: EventBusOptions): EventBus {
  return new DatabaseBus(options);
}

class DatabaseBus implements EventBus {
  readonly #options: EventBusOptions;
  readonly #subscriptions = new Set<Subscription>();
  #state: 'new' | 'started' | 'stopped' = 'new';
  #epoch = '';
  #position = 0;
  /** Passes over the database run one after the other; a queued pass serves everyone who asks before it begins. */
  #pass: Promise<void> = Promise.resolve();
  #queuedPass: Promise<void> | null = null;
  #isFailing = false;
  #cancelPoll = () => {};

  constructor(options: EventBusOptions) {
    this.#options = options;
  }

  get epoch(): string {
    return this.#epoch;
  }

  latestId(): number {
    return this.#position;
  }

  listeners(): number {
    return [...this.#subscriptions].filter(({ isOwn }) => !isOwn).length;
  }

  /** @throws whatever `bounds` throws; it can then be started again */
  async start(): Promise<void> {
    if (this.#state === 'started') return;
    const { latest, epoch } = await this.#options.bounds();
    this.#epoch = epoch;
    this.#position = latest;
    this.#state = 'started';
    for (const subscription of this.#subscriptions) subscription.begin();
    this.#schedulePoll();
  }

  async stop(): Promise<void> {
    this.#state = 'stopped';
    this.#cancelPoll();
    for (const subscription of this.#subscriptions) subscription.end();
    await this.#pass;
  }

  /** @throws whatever `append` throws; nothing was stored then */
  async publish(events: readonly NewEvent[]): Promise<void> {
    if (events.length === 0) return;
    await this.#options.append(events);
    await this.#readOn();
  }

  notify(): void {
    void this.#readOn();
  }

  /** @throws Failure `service-stopped` after `stop()` */
  subscribe(options: SubscribeOptions): { close(): void } {
    if (this.#state === 'stopped') throw new Failure('service-stopped', 'The event feed has ended.');
    const { read, bounds, clock, log, pollMs } = this.#options;
    const subscription = new Subscription(options, {
      read,
      bounds,
      position: () => this.#position,
      onEnd: () => void this.#subscriptions.delete(subscription),
      clock,
      log,
      retryMs: pollMs,
    });
    this.#subscriptions.add(subscription);
    if (this.#state === 'started') subscription.begin();
    return { close: () => subscription.end() };
  }

  /** @throws Failure `service-stopped` after `stop()` */
  follow({ onMissed, ...options }: FollowOptions): { close(): void } {
    let isClosed = false;
    const { since: _since, ...live } = options;
    const onOverflow = () => {
      if (isClosed || this.#state === 'stopped') return;
      // First, so that nothing is missed which comes while the listener catches up.
      current = this.subscribe({ ...live, onOverflow });
      onMissed();
    };
    let current = this.subscribe({ ...options, onOverflow });
    return {
      close() {
        isClosed = true;
        current.close();
      },
    };
  }

  #readOn(): Promise<void> {
    if (this.#state !== 'started') return Promise.resolve();
    this.#queuedPass ??= this.#addPass(() => {
      this.#queuedPass = null;
      return this.#readNew();
    });
    return this.#queuedPass;
  }

  /** Passes do not fail: what could not be read now is read by the next one, at the latest when polling. */
  #addPass(pass: () => Promise<void>): Promise<void> {
    this.#pass = this.#pass.then(async () => {
      if (this.#state !== 'started') return;
      try {
        await pass();
        this.#isFailing = false;
      } catch (error) {
        if (!this.#isFailing)
          this.#options.log.warn({ err: error }, 'the event feed cannot be read; trying again');
        this.#isFailing = true;
      }
    });
    return this.#pass;
  }

  async #readNew(): Promise<void> {
    for (let count = READ_BATCH; count === READ_BATCH && this.#state === 'started'; ) {
      const events = await this.#options.read(this.#position, READ_BATCH);
      count = events.length;
      const [first] = events;
      // Ids are consecutive unless older events were forgotten before this machine saw them.
      if (first && first.id !== this.#position + 1) {
        const kept = await this.#options.bounds();
        if (kept.epoch !== this.#epoch || this.#position < kept.oldest - 1) return this.#startOver(kept);
      }
      this.#position = events.at(-1)?.id ?? this.#position;
      for (const subscription of this.#subscriptions) subscription.offer(events);
    }
  }

  /** Only asks for the bounds: one small read while nothing happens, and a replaced database is noticed. */
  async #lookAround(): Promise<void> {
    const kept = await this.#options.bounds();
    if (kept.epoch !== this.#epoch || kept.latest < this.#position) return this.#startOver(kept);
    if (kept.latest > this.#position) await this.#readNew();
  }

  #startOver({ epoch, latest }: Bounds): void {
    this.#options.log.warn({ epoch, latest }, 'events are missing; listeners start over');
    this.#epoch = epoch;
    this.#position = latest;
    for (const subscription of this.#subscriptions) subscription.reset(latest);
  }

  #schedulePoll(): void {
    this.#cancelPoll = this.#options.clock.timer(this.#options.pollMs, () => {
      void this.#addPass(() => this.#lookAround()).then(() => {
        if (this.#state === 'started') this.#schedulePoll();
      });
    });
  }
}
