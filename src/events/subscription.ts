// One listener of the feed: first it reads what it missed, at its own pace, then it is handed what is new.
// Knows neither the other listeners nor who publishes.
//
//   catching up ── position has reached the bus ──► live ──► ended
//        ▲────────────── reset (from either) ────────┘
//
// No gap, no duplicate: `position` is the last id that was read or offered. The step from catching up to live is
// taken in one piece with comparing it to the bus's position, and everything offered later has a higher id.

import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import type { FeedEvent } from '../model/event.ts';
import { matchType } from './match-type.ts';
import type { SubscribeOptions } from './types.ts';

const READ_BATCH = 500;
const DEFAULT_BUFFER_LIMIT = 10_000;

/** What is kept: `oldest` is the first id certainly kept, `latest` the last id given. */
export type Bounds = { oldest: number; latest: number; epoch: string };

export type SubscriptionPorts = {
  read(after: number, limit: number): Promise<FeedEvent[]>;
  bounds(): Promise<Bounds>;
  /** Up to which id the bus has offered events. */
  position(): number;
  onEnd(): void;
  clock: Clock;
  log: Log;
  /** Wait after a failed read, milliseconds. */
  retryMs: number;
};

export class Subscription {
  readonly #options: SubscribeOptions;
  readonly #ports: SubscriptionPorts;
  readonly #matches: (type: string) => boolean;
  #state: 'catching-up' | 'live' | 'ended' = 'live';
  #position = 0;
  /** Whether `position` was found to be one that can be gone on from. */
  #isChecked = true;
  #resetTo: number | null = null;
  #waiting: FeedEvent[] = [];
  #isBusy = false;

  constructor(options: SubscribeOptions, ports: SubscriptionPorts) {
    this.#options = options;
    this.#ports = ports;
    this.#matches = matchType(options.types);
  }

  get isOwn(): boolean {
    return this.#options.isOwn === true;
  }

  /** Goes on from `since`, or from where the bus is. Calls nothing back before it has returned. */
  begin(): void {
    const { since } = this.#options;
    this.#position = since ?? this.#ports.position();
    if (since === undefined) return;
    this.#state = 'catching-up';
    this.#isChecked = false;
    queueMicrotask(() => void this.#drive());
  }

  /** Takes consecutive events from the bus; never waits. */
  offer(events: readonly FeedEvent[]): void {
    if (this.#state !== 'live') return;
    const fresh = events.filter((event) => event.id > this.#position && this.#matches(event.type));
    this.#position = Math.max(this.#position, events.at(-1)?.id ?? 0);
    if (fresh.length === 0) return;
    const { bufferLimit = DEFAULT_BUFFER_LIMIT } = this.#options;
    if (this.#isBusy && this.#waiting.length + fresh.length > bufferLimit) {
      this.#drop();
      return;
    }
    this.#waiting.push(...fresh);
    void this.#drive();
  }

  /** What came before means nothing any more: start over from `latestId`. */
  reset(latestId: number): void {
    if (this.#state === 'ended') return;
    this.#state = 'catching-up';
    this.#waiting = [];
    this.#resetTo = latestId;
    void this.#drive();
  }

  end(): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    this.#waiting = [];
    this.#ports.onEnd();
  }

  /** A listener that fails to be told so must not keep the bus from the others. */
  #drop(): void {
    this.end();
    try {
      this.#options.onOverflow();
    } catch (error) {
      this.#ports.log.error({ err: error }, 'a feed listener failed while it was dropped');
    }
  }

  /** The one place from which the listener is called, so calls never overlap. */
  async #drive(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    try {
      while (this.#hasWork()) {
        if (this.#state === 'catching-up') await this.#catchUp();
        else await this.#options.onEvents(this.#waiting.splice(0));
      }
    } catch (error) {
      // The listener failed: going on would leave a gap that it does not know of.
      this.#ports.log.error({ err: error }, 'a feed listener failed and was dropped');
      if (this.#state !== 'ended') this.#drop();
    } finally {
      this.#isBusy = false;
    }
  }

  #hasWork(): boolean {
    return this.#state === 'catching-up' || this.#waiting.length > 0;
  }

  async #catchUp(): Promise<void> {
    if (this.#resetTo !== null) return this.#startOver(this.#resetTo);
    const { read, bounds, position } = this.#ports;
    const behind = this.#position < position();
    const events = behind ? await this.#ask(() => read(this.#position, READ_BATCH)) : [];
    const jumped = behind && events?.at(0)?.id !== this.#position + 1;
    if (jumped || !this.#isChecked) {
      // Asked after the read: what was pruned during it shows here.
      const kept = await this.#ask(bounds);
      if (kept === null || this.#isInterrupted()) return;
      if (this.#position < kept.oldest - 1 || this.#position > kept.latest)
        return this.#startOver(kept.latest);
      this.#isChecked = true;
    }
    if (events === null || this.#isInterrupted()) return;
    if (behind && events.length === 0) return this.#pause();
    this.#position = Math.max(this.#position, events.at(-1)?.id ?? 0);
    const matching = events.filter((event) => this.#matches(event.type));
    if (matching.length > 0) await this.#options.onEvents(matching);
    if (!this.#isInterrupted() && this.#position >= position()) this.#state = 'live';
  }

  async #startOver(latestId: number): Promise<void> {
    this.#resetTo = null;
    this.#isChecked = true;
    this.#position = latestId;
    await this.#options.onReset(latestId);
  }

  /** What was found out before an interruption must not be used after it. */
  #isInterrupted(): boolean {
    return this.#state !== 'catching-up' || this.#resetTo !== null;
  }

  /** Tries until there is an answer; null when nobody waits for it any more. */
  async #ask<T>(question: () => Promise<T>): Promise<T | null> {
    while (!this.#isInterrupted()) {
      try {
        return await question();
      } catch (error) {
        this.#ports.log.warn({ err: error }, 'the feed cannot be read; trying again');
        await this.#pause();
      }
    }
    return null;
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => void this.#ports.clock.timer(this.#ports.retryMs, resolve));
  }
}
