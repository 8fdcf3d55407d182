import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createEventBus, type EventBusOptions } from '../../src/events/bus.ts';
import type { EventBus, NewEvent } from '../../src/events/types.ts';
import type { FeedEvent } from '../../src/model/event.ts';
import type { Database } from '../../src/store/database.ts';
import { appendEvents, eventBounds, pruneEvents, readEvents } from '../../src/store/events.ts';
import { openDatabase } from '../../src/store/open.ts';
import { databaseDeps, temporaryFolder } from '../support/database.ts';
import { createManualClock } from '../support/manual-clock.ts';

const POLL_MS = 1_000;

async function openEmpty(): Promise<Database> {
  const folder = await temporaryFolder();
  const db = await openDatabase({ path: join(folder.path, 'queue.db') }, databaseDeps);
  onTestFinished(async () => {
    await db.close();
    await folder.remove();
  });
  return db;
}

function portsOf(db: Database) {
  return {
    read: (after: number, limit: number) => readEvents(db, { after, limit }),
    bounds: () => eventBounds(db),
    append: (events: readonly NewEvent[]) => appendEvents(db, events),
  };
}

async function setup(overrides: (db: Database) => Partial<EventBusOptions> = () => ({})) {
  const db = await openEmpty();
  const clock = createManualClock();
  const logged: string[] = [];
  const note = (_data: unknown, text: string) => void logged.push(text);
  const log = { ...databaseDeps.log, warn: note, error: note } as EventBusOptions['log'];
  const bus = createEventBus({ ...portsOf(db), clock, log, pollMs: POLL_MS, ...overrides(db) });
  await bus.start();
  onTestFinished(() => bus.stop());
  return { db, clock, bus, logged };
}

/** Listens, remembers everything, and lets a test wait for an id. */
function listen(bus: EventBus, options: { since?: number; types?: string[]; bufferLimit?: number } = {}) {
  const events: FeedEvent[] = [];
  const resets: number[] = [];
  const told = { overflows: 0 };
  const waiters: { ready(): boolean; resolve(): void }[] = [];
  const check = () => {
    for (const waiter of waiters) if (waiter.ready()) waiter.resolve();
  };
  const until = (ready: () => boolean) =>
    new Promise<void>((resolve) => {
      waiters.push({ ready, resolve });
      check();
    });
  const subscription = bus.subscribe({
    ...options,
    onEvents(batch) {
      events.push(...batch);
      check();
    },
    onReset(latestId) {
      resets.push(latestId);
      check();
    },
    onOverflow() {
      told.overflows += 1;
      check();
    },
  });
  return {
    events,
    resets,
    told,
    ids: () => events.map((event) => event.id),
    reached: (id: number) => until(() => (events.at(-1)?.id ?? 0) >= id),
    wasReset: () => until(() => resets.length > 0),
    ended: () => until(() => told.overflows > 0),
    close: () => subscription.close(),
  };
}

const notices = (count: number): NewEvent[] =>
  Array.from({ length: count }, (_, index) => ({ type: 'notice' as const, data: { index } }));
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

/** Repeatable noise for tests (a linear congruence). */
function createNoise(seed: number) {
  let state = seed;
  return (below: number) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
}

test('publish() stores events and delivers them with their ids to everyone', async () => {
  const { bus, db } = await setup();
  const one = listen(bus);
  const two = listen(bus);
  await bus.publish([{ type: 'notice', data: { text: 'hello' } }, { type: 'scan.started' }]);
  expect(one.ids()).toEqual([1, 2]);
  expect(two.events[0]).toMatchObject({
    id: 1,
    type: 'notice',
    projectId: null,
    jobId: null,
    data: { text: 'hello' },
  });
  expect(await readEvents(db, { after: 0, limit: 10 })).toEqual(one.events);
  expect(bus.latestId()).toBe(2);
  expect(bus.listeners()).toBe(2);
});

test('a listener without since hears only what comes later; its callbacks never run inside subscribe()', async () => {
  const { bus } = await setup();
  await bus.publish(notices(3));
  const live = listen(bus);
  const replaying = listen(bus, { since: 0 });
  expect(replaying.events).toEqual([]);
  await bus.publish(notices(1));
  await replaying.reached(4);
  expect(live.ids()).toEqual([4]);
  expect(replaying.ids()).toEqual([1, 2, 3, 4]);
});

test('listeners joining at any position while others publish see exactly the consecutive ids', async () => {
  const { bus } = await setup();
  const noise = createNoise(42);
  const joined: { since: number; listener: ReturnType<typeof listen> }[] = [];
  let total = 0;
  const publisher = async () => {
    for (let round = 0; round < 60; round += 1) {
      const count = 1 + noise(40);
      total += count;
      await bus.publish(notices(count));
    }
  };
  const joiner = async () => {
    for (let round = 0; round < 60; round += 1) {
      const live = noise(4) === 0;
      const since = live ? bus.latestId() : noise(bus.latestId() + 1);
      joined.push({ since, listener: listen(bus, live ? {} : { since }) });
      await bus.publish(notices(1));
      total += 1;
    }
  };
  await Promise.all([publisher(), publisher(), publisher(), joiner(), joiner()]);
  await Promise.all(joined.map(({ listener }) => listener.reached(total)));
  expect(total).toBeGreaterThan(2_000);
  expect(joined).toHaveLength(120);
  for (const { since, listener } of joined) expect(listener.ids()).toEqual(range(since + 1, total));
});

test('a slow reader gets its calls one at a time and loses nothing', async () => {
  const { bus } = await setup();
  await bus.publish(notices(1_200));
  const ids: number[] = [];
  let calls = 0;
  let most = 0;
  const done = new Promise<void>((resolve) => {
    bus.subscribe({
      since: 0,
      async onEvents(events) {
        calls += 1;
        most = Math.max(most, calls);
        await bus.publish(ids.length < 1_500 ? notices(100) : []);
        ids.push(...events.map((event) => event.id));
        calls -= 1;
        if (ids.length >= 1_500 && ids.at(-1) === bus.latestId()) resolve();
      },
      onOverflow: () => {},
      onReset: () => {},
    });
  });
  await done;
  expect(most).toBe(1);
  expect(ids).toEqual(range(1, bus.latestId()));
});

test('one that does not read is dropped alone when its buffer is full', async () => {
  const { bus } = await setup();
  const quick = listen(bus);
  let release = () => {};
  let dropped = 0;
  let handed = 0;
  bus.subscribe({
    bufferLimit: 50,
    onEvents: (events) => {
      handed += events.length;
      return new Promise((resolve) => {
        release = resolve;
      });
    },
    onOverflow: () => {
      dropped += 1;
    },
    onReset: () => {},
  });
  await bus.publish(notices(20));
  await bus.publish(notices(50));
  expect(dropped).toBe(0);
  expect(bus.listeners()).toBe(2);
  await bus.publish(notices(1));
  expect(dropped).toBe(1);
  expect(bus.listeners()).toBe(1);
  release();
  await bus.publish(notices(1));
  expect(handed).toBe(20);
  expect(dropped).toBe(1);
  expect(quick.ids()).toEqual(range(1, 72));
});

test('a burst larger than the buffer does not drop one that reads', async () => {
  const { bus } = await setup();
  const reader = listen(bus, { bufferLimit: 10 });
  await bus.publish(notices(2_000));
  expect(reader.told.overflows).toBe(0);
  expect(reader.ids()).toEqual(range(1, 2_000));
});

test('one that throws is dropped, told so, and harms none', async () => {
  const { bus, logged } = await setup();
  let ended = 0;
  bus.subscribe({
    onEvents() {
      throw new Error('broken listener');
    },
    onOverflow() {
      ended += 1;
      throw new Error('broken again');
    },
    onReset: () => {},
  });
  const other = listen(bus);
  await bus.publish(notices(1));
  await bus.publish(notices(1));
  expect(other.ids()).toEqual([1, 2]);
  expect(ended).toBe(1);
  expect(bus.listeners()).toBe(1);
  expect(logged).toEqual([
    'a feed listener failed and was dropped',
    'a feed listener failed while it was dropped',
  ]);
});

test('one that follows is told of what it missed, and goes on until it is closed', async () => {
  const { bus } = await setup();
  const heard: number[] = [];
  let missed = 0;
  let release = () => {};
  let isSlow = true;
  const following = bus.follow({
    bufferLimit: 10,
    onEvents(events) {
      heard.push(...events.map(({ id }) => id));
      if (heard.includes(16) && missed === 1) throw new Error('broken once');
      return isSlow ? new Promise((resolve) => (release = resolve)) : undefined;
    },
    onMissed: () => {
      missed += 1;
    },
    onReset: () => {},
  });
  await bus.publish(notices(1));
  await bus.publish(notices(14));
  expect([missed, bus.listeners()]).toEqual([1, 1]);
  isSlow = false;
  release();
  await bus.publish(notices(1));
  expect([missed, heard]).toEqual([2, [1, 16]]);
  await bus.publish(notices(2));
  expect([missed, heard]).toEqual([2, [1, 16, 17, 18]]);
  following.close();
  expect(bus.listeners()).toBe(0);
  await bus.publish(notices(1));
  expect(heard).toHaveLength(4);
});

test('types filter by exact name and by prefix, in the replay and live', async () => {
  const { bus } = await setup();
  const some: NewEvent[] = [
    { type: 'job.ready' },
    { type: 'notice' },
    { type: 'project.state' },
    { type: 'project.added' },
  ];
  await bus.publish(some);
  const listener = listen(bus, { since: 0, types: ['job.*', 'project.state'] });
  const everything = listen(bus, { since: 0, types: ['*'] });
  await everything.reached(4);
  await bus.publish(some);
  await listener.reached(7);
  expect(listener.ids()).toEqual([1, 3, 5, 7]);
  expect(everything.ids()).toEqual(range(1, 8));
});

test('close() ends a subscription, also in the middle of a replay', async () => {
  const { bus } = await setup();
  await bus.publish(notices(1_500));
  const listener = listen(bus, { since: 0 });
  await listener.reached(500);
  listener.close();
  const { length } = listener.events;
  await bus.publish(notices(10));
  expect(listener.events).toHaveLength(length);
  expect(length).toBeLessThan(1_500);
  expect(bus.listeners()).toBe(0);
  expect(listener.told.overflows).toBe(0);
});

test('a position that is no longer kept is answered with a reset; the last one that is kept is replayed', async () => {
  const { bus, db } = await setup();
  await bus.publish(notices(100));
  await pruneEvents(db, { keep: 40 });
  const old = listen(bus, { since: 59 });
  const edge = listen(bus, { since: 60 });
  await Promise.all([old.wasReset(), edge.reached(100)]);
  await bus.publish(notices(2));
  expect(old.resets).toEqual([100]);
  expect(old.ids()).toEqual([101, 102]);
  expect(edge.resets).toEqual([]);
  expect(edge.ids()).toEqual(range(61, 102));
});

test('a position beyond the newest event (of another database) is answered with a reset', async () => {
  const { bus } = await setup();
  await bus.publish(notices(3));
  const listener = listen(bus, { since: 7_000 });
  await listener.wasReset();
  await bus.publish(notices(1));
  expect(listener.resets).toEqual([3]);
  expect(listener.ids()).toEqual([4]);
});

test('what happens while the reset is handled follows it, in order', async () => {
  const { bus } = await setup();
  await bus.publish(notices(3));
  const seen: (number | string)[] = [];
  await new Promise<void>((resolve) => {
    bus.subscribe({
      since: 999,
      async onReset(latestId) {
        await bus.publish(notices(5));
        seen.push(`reset ${latestId}`);
      },
      onEvents(events) {
        seen.push(...events.map((event) => event.id));
        if (seen.at(-1) === 8) resolve();
      },
      onOverflow: () => {},
    });
  });
  expect(seen).toEqual(['reset 3', 4, 5, 6, 7, 8]);
});

test.each([
  { when: 'before its second read', pruneAt: 500, ids: [...range(1, 500), 1_501] },
  { when: 'before its first read', pruneAt: 0, ids: [1_501] },
])(
  'events pruned during a replay, $when, lead to a reset and never to a silent gap',
  async ({ pruneAt, ids }) => {
    let replaying = false;
    const { bus, db } = await setup((database) => ({
      async read(after, limit) {
        if (replaying && after === pruneAt) await pruneEvents(database, { keep: 100 });
        return readEvents(database, { after, limit });
      },
    }));
    await bus.publish(notices(1_500));
    replaying = true;
    const listener = listen(bus, { since: 0 });
    await listener.wasReset();
    expect((await eventBounds(db)).oldest).toBe(1_401);
    expect(listener.resets).toEqual([1_500]);
    await bus.publish(notices(1));
    await listener.reached(1_501);
    expect(listener.ids()).toEqual(ids);
  },
);

test('events of other machines are noticed by polling', async () => {
  const { bus, db, clock } = await setup();
  const listener = listen(bus);
  await appendEvents(db, notices(3));
  await clock.advance(POLL_MS - 1);
  expect(listener.ids()).toEqual([]);
  await clock.advance(1);
  await listener.reached(3);
  await appendEvents(db, notices(1));
  await clock.advance(POLL_MS);
  await listener.reached(4);
  expect(listener.ids()).toEqual([1, 2, 3, 4]);
});

test('events of other machines that were pruned before they were noticed lead to a reset', async () => {
  const { bus, db } = await setup();
  await bus.publish(notices(2));
  const listener = listen(bus);
  await appendEvents(db, notices(100));
  await pruneEvents(db, { keep: 10 });
  bus.notify();
  await listener.wasReset();
  await bus.publish(notices(1));
  await listener.reached(103);
  expect(listener.resets).toEqual([102]);
  expect(listener.ids()).toEqual([103]);
});

test('notify() reads once for any number of calls', async () => {
  let reads = 0;
  const { bus, db } = await setup((database) => ({
    read(after, limit) {
      reads += 1;
      return readEvents(database, { after, limit });
    },
  }));
  const listener = listen(bus);
  await appendEvents(db, notices(5));
  for (let i = 0; i < 1_000; i += 1) bus.notify();
  await listener.reached(5);
  expect(reads).toBe(1);
});

test('a database that cannot be read is logged once and read on from the same place', async () => {
  let broken = false;
  const { bus, db, clock, logged } = await setup((database) => {
    const ports = portsOf(database);
    const unless = <T>(answer: () => Promise<T>) => (broken ? Promise.reject(new Error('down')) : answer());
    return {
      read: (after, limit) => unless(() => ports.read(after, limit)),
      bounds: () => unless(ports.bounds),
    };
  });
  const listener = listen(bus);
  await bus.publish(notices(2));
  const late = listen(bus, { since: 0 });
  broken = true;
  await appendEvents(db, notices(3));
  bus.notify();
  await clock.advance(3 * POLL_MS);
  expect(listener.ids()).toEqual([1, 2]);
  expect(late.ids()).toEqual([]);
  broken = false;
  await clock.advance(2 * POLL_MS);
  await Promise.all([listener.reached(5), late.reached(5)]);
  expect(listener.ids()).toEqual(range(1, 5));
  expect(late.ids()).toEqual(range(1, 5));
  expect(logged.filter((text) => text.startsWith('the event feed'))).toHaveLength(1);
});

test('a replaced database gives a new epoch and a reset to everyone', async () => {
  const other = await openEmpty();
  await appendEvents(other, notices(2));
  let current: Database | null = null;
  const { bus, clock } = await setup((db) => ({
    read: (after, limit) => readEvents(current ?? db, { after, limit }),
    bounds: () => eventBounds(current ?? db),
    append: (events) => appendEvents(current ?? db, events),
  }));
  await bus.publish(notices(50));
  const live = listen(bus);
  const replayed = listen(bus, { since: 10 });
  await replayed.reached(50);
  const { epoch } = bus;
  current = other;
  await clock.advance(POLL_MS);
  await Promise.all([live.wasReset(), replayed.wasReset()]);
  expect(bus.epoch).toBe((await eventBounds(other)).epoch);
  expect(bus.epoch).not.toBe(epoch);
  expect([live.resets, replayed.resets]).toEqual([[2], [2]]);
  await bus.publish(notices(1));
  await Promise.all([live, replayed].map((listener) => listener.reached(3)));
  expect(live.ids()).toEqual([3]);
  expect(replayed.events.at(-1)?.id).toBe(3);
});

test('subscriptions made before start() begin with it; stop() ends everything and leaves no timer', async () => {
  const db = await openEmpty();
  const clock = createManualClock();
  await appendEvents(db, notices(5));
  const bus = createEventBus({ ...portsOf(db), clock, log: databaseDeps.log, pollMs: POLL_MS });
  const live = listen(bus);
  const replaying = listen(bus, { since: 2 });
  await bus.start();
  await replaying.reached(5);
  await bus.publish(notices(1));
  expect(live.ids()).toEqual([6]);
  expect(replaying.ids()).toEqual([3, 4, 5, 6]);
  await bus.stop();
  expect(bus.listeners()).toBe(0);
  expect(clock.nextTimerMs()).toBeNull();
  expect(live.told.overflows).toBe(0);
  expect(() => listen(bus)).toThrow('The event feed has ended');
});
