import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  clearStrikes,
  listGates,
  pauseGate,
  readStrikes,
  reserveCall,
  resumeGate,
} from '../../src/queue/gates.ts';
import type { Database } from '../../src/store/database.ts';
import { openDatabase } from '../../src/store/open.ts';
import {
  addProjectRow,
  databaseDeps,
  describeDatabases,
  readEvents,
  readJobRow,
  temporaryFolder,
} from '../support/database.ts';
import { claimNames, claimOne, look, OFFLINE, put, settle, T0 } from '../support/queue-calls.ts';

const GITHUB = 'host:github.com';
const TOKEN = 'credential:github.com';

const gateEvents = async (db: Parameters<typeof readEvents>[0]) =>
  (await readEvents(db)).filter((event) => event.type.startsWith('gate.'));

describeDatabases('gates', (db) => {
  test('pauseGate() keeps the jobs of a host from being claimed on every machine, others pass', async () => {
    await addProjectRow(db(), 'blog');
    await addProjectRow(db(), 'far', { machineId: 'desktop' });
    await addProjectRow(db(), 'lab', {
      hostGate: 'host:gitlab.com',
      credentialGate: 'credential:gitlab.com',
    });
    await put(db(), ['blog', 'far', 'lab'], T0);
    const paused = await pauseGate(db(), { key: GITHUB, pauseMs: 59_999.5, reason: 'offline', now: T0 });
    expect(paused).toEqual({ pausedUntil: T0 + 60_000, strikes: 1 });
    const seen = await look(db(), T0 + 1, { freeSlots: 3 });
    expect(seen.claimed.map((job) => job.projectId)).toEqual(['lab']);
    await settle(db(), seen.claimed[0] ?? { jobId: 0 as never, fence: 0 }, T0 + 2);
    const waiting = await look(db(), T0 + 3, { freeSlots: 3, machineId: 'desktop' });
    expect(waiting).toMatchObject({ claimed: [], nextWakeMs: 59_997 });
    expect(await readJobRow(db(), 'blog')).toMatchObject({ state: 'ready', attempt: 0 });
  });

  test('a credential pauses only its own jobs', async () => {
    await addProjectRow(db(), 'mine');
    await addProjectRow(db(), 'work', { credentialGate: 'credential:work' });
    await put(db(), ['mine', 'work'], T0);
    await pauseGate(db(), { key: TOKEN, pauseMs: 60_000, reason: 'rate-limited', now: T0 });
    expect(await claimNames(db(), T0 + 1, { freeSlots: 2 })).toEqual(['work']);
  });

  test('after a pause one job at a time passes until the host has answered', async () => {
    const names = ['a', 'b', 'c'];
    for (const name of names) await addProjectRow(db(), name);
    await addProjectRow(db(), 'other-token', { credentialGate: 'credential:work' });
    await put(db(), names, T0);
    await pauseGate(db(), { key: GITHUB, pauseMs: 1_000, reason: 'offline', now: T0 });
    const probe = await claimOne(db(), T0 + 1_000, { freeSlots: 3 });
    await put(db(), 'other-token', T0 + 1_000, { priority: 10 });
    expect(await claimNames(db(), T0 + 1_001, { freeSlots: 3, workerId: 'w2' })).toEqual([]);
    // Still offline: paused again, nothing was used up, and again one probe.
    await pauseGate(db(), { key: GITHUB, pauseMs: 2_000, reason: 'offline', now: T0 + 1_100 });
    await settle(db(), probe, T0 + 1_101, { kind: 'release', reason: OFFLINE });
    expect(await readStrikes(db(), GITHUB)).toBe(2);
    expect(await claimNames(db(), T0 + 3_099, { freeSlots: 3 })).toEqual([]);
    const second = await claimOne(db(), T0 + 3_100, { freeSlots: 3 });
    await settle(db(), second, T0 + 3_200);
    await clearStrikes(db(), [GITHUB, TOKEN], { now: T0 + 3_200 });
    expect(await readStrikes(db(), GITHUB)).toBe(0);
    expect(await claimNames(db(), T0 + 3_201, { freeSlots: 5 })).toHaveLength(3);
  });

  test('a longer pause under way is not shortened, and a late success does not clear it', async () => {
    await pauseGate(db(), { key: GITHUB, pauseMs: 60_000, reason: 'rate-limited', now: T0 });
    const again = await pauseGate(db(), { key: GITHUB, pauseMs: 1_000, reason: 'offline', now: T0 });
    expect(again).toEqual({ pausedUntil: T0 + 60_000, strikes: 1 });
    await clearStrikes(db(), [GITHUB], { now: T0 + 1 });
    expect(await readStrikes(db(), GITHUB)).toBe(1);
    expect(await readStrikes(db(), 'host:unknown')).toBe(0);
  });

  test('listGates() names what is paused now, with the quota as the host said', async () => {
    await addProjectRow(db(), 'blog');
    const quota = { remaining: 0, limit: 5_000, resetAt: T0 + 90_000 };
    await pauseGate(db(), { key: GITHUB, pauseMs: 90_000, reason: 'rate-limited', ...quota, now: T0 });
    expect(await listGates(db(), { now: T0 + 1 })).toEqual([
      {
        ...{ key: GITHUB, state: 'paused', pausedUntil: T0 + 90_000, strikes: 1, reason: 'rate-limited' },
        ...{ remaining: 0, limit: 5_000 },
      },
    ]);
    const halfOpen = { key: GITHUB, state: 'half-open', pausedUntil: T0 + 90_000, strikes: 1 };
    expect(await listGates(db(), { now: T0 + 90_000 })).toMatchObject([halfOpen]);
    await look(db(), T0 + 90_000);
    expect(await listGates(db(), { now: T0 + 99_000 })).toMatchObject([halfOpen]);
    await clearStrikes(db(), [GITHUB], { now: T0 + 99_000 });
    expect(await listGates(db(), { now: T0 + 99_000 })).toEqual([]);
  });

  test('jobs that find a rate limit together are one strike, and the longest pause asked for holds', async () => {
    const limited = { key: GITHUB, reason: 'rate-limited' };
    await pauseGate(db(), { ...limited, pauseMs: 60_000, now: T0 });
    const longer = await pauseGate(db(), { ...limited, pauseMs: 90_000, now: T0 + 5 });
    expect(longer).toEqual({ pausedUntil: T0 + 90_005, strikes: 1 });
    const later = await pauseGate(db(), { ...limited, pauseMs: 60_000, now: T0 + 90_005 });
    expect(later).toEqual({ pausedUntil: T0 + 150_005, strikes: 2 });
  });

  test('an outage is one event, however many jobs find it and however often it is probed', async () => {
    const names = Array.from({ length: 30 }, (_, n) => `p${n}`);
    for (const name of names) await addProjectRow(db(), name);
    await put(db(), names, T0);
    const offline = { key: GITHUB, reason: 'offline' };
    const { claimed } = await look(db(), T0, { freeSlots: 20 });
    expect(claimed).toHaveLength(20);
    for (const job of claimed) {
      await pauseGate(db(), { ...offline, pauseMs: 5_000, now: T0 + 10 });
      await settle(db(), job, T0 + 11, { kind: 'release', reason: OFFLINE });
    }
    expect(await readStrikes(db(), GITHUB)).toBe(1);
    for (let round = 1; round <= 50; round++) {
      const now = T0 + round * 60_000;
      const probe = await claimOne(db(), now, { freeSlots: 20 });
      await pauseGate(db(), { ...offline, pauseMs: 30_000, now: now + 10 });
      await settle(db(), probe, now + 11, { kind: 'release', reason: OFFLINE });
    }
    expect(await gateEvents(db())).toMatchObject([{ type: 'gate.paused', data: { reason: 'offline' } }]);
    const now = T0 + 60 * 60_000;
    await settle(db(), await claimOne(db(), now, { freeSlots: 20 }), now + 1);
    await clearStrikes(db(), [GITHUB, TOKEN], { now: now + 1 });
    expect((await gateEvents(db())).map(({ type }) => type)).toEqual(['gate.paused', 'gate.resumed']);
    expect((await look(db(), now + 2, { freeSlots: 40 })).claimed).toHaveLength(29);
  });

  test('a credential runs as many jobs at once as may, on all machines together', async () => {
    for (const name of ['a', 'b', 'c']) await addProjectRow(db(), name);
    await addProjectRow(db(), 'far', { machineId: 'desktop' });
    await addProjectRow(db(), 'work', { credentialGate: 'credential:work' });
    await addProjectRow(db(), 'bare', { credentialGate: 'cred:none' });
    await addProjectRow(db(), 'bare2', { credentialGate: 'cred:none' });
    await addProjectRow(db(), 'bare3', { credentialGate: 'cred:none' });
    await put(db(), ['a', 'b', 'c', 'far', 'work', 'bare', 'bare2', 'bare3'], T0);
    const most = { freeSlots: 9, mostPerCredential: 2 };
    const first = await look(db(), T0, most);
    expect(first.claimed.map((job) => job.projectId)).toEqual(['a', 'b', 'work', 'bare', 'bare2', 'bare3']);
    const desktop = { ...most, machineId: 'desktop', workerId: 'w2' };
    expect(await claimNames(db(), T0 + 1, desktop)).toEqual([]);
    await settle(db(), first.claimed[0] ?? { jobId: 0 as never, fence: 0 }, T0 + 2);
    expect(await claimNames(db(), T0 + 3, desktop)).toEqual(['far']);
    expect(await claimNames(db(), T0 + 4, most)).toEqual([]);
    expect(await claimNames(db(), T0 + 5, { freeSlots: 9 })).toEqual(['c']);
  });

  test('reserveCall() keeps calls apart on all machines, and forgets a wait that is over', async () => {
    const call = { key: 'create:github.com', spacingMs: 7_200 };
    const waits: number[] = [];
    for (let n = 0; n < 3; n++) waits.push(await reserveCall(db(), { ...call, now: T0 }));
    expect(waits).toEqual([0, 7_200, 14_400]);
    expect(await reserveCall(db(), { ...call, now: T0 + 20_000 })).toBe(1_600);
    expect(await reserveCall(db(), { ...call, now: T0 + 900_000 })).toBe(0);
    const many = await Promise.all(
      Array.from({ length: 20 }, () => reserveCall(db(), { ...call, now: T0 + 2_000_000 })),
    );
    expect(many.toSorted((a, b) => a - b)).toEqual(many.map((_, n) => n * 7_200));
  });

  test('pausing and resuming tell events: once each, also when time does it', async () => {
    await pauseGate(db(), { key: GITHUB, pauseMs: 1_000, reason: 'rate-limited', now: T0 });
    await look(db(), T0 + 999);
    expect((await gateEvents(db())).map((event) => event.type)).toEqual(['gate.paused']);
    await look(db(), T0 + 1_000);
    await look(db(), T0 + 1_001);
    await pauseGate(db(), {
      key: GITHUB,
      pauseMs: 1_000,
      reason: 'rate-limited',
      remaining: 3,
      now: T0 + 2_000,
    });
    await resumeGate(db(), GITHUB, { now: T0 + 2_001 });
    await resumeGate(db(), GITHUB, { now: T0 + 2_002 });
    expect(await gateEvents(db())).toMatchObject([
      {
        type: 'gate.paused',
        projectId: null,
        data: { key: GITHUB, pausedUntil: T0 + 1_000, reason: 'rate-limited' },
      },
      { type: 'gate.resumed', data: { key: GITHUB } },
      { type: 'gate.paused', data: { reason: 'rate-limited', remaining: 3, limit: null } },
      { type: 'gate.resumed', data: { key: GITHUB } },
    ]);
  });
});

test('a pause and its half-open gate outlast a restart', async () => {
  const folder = await temporaryFolder();
  const path = join(folder.path, 'queue.db');
  const restarted = async (last: Database) => {
    await last.close();
    return openDatabase({ path }, databaseDeps);
  };
  let db = await openDatabase({ path }, databaseDeps);
  for (const name of ['blog', 'notes']) await addProjectRow(db, name);
  await put(db, ['blog', 'notes'], T0);
  await pauseGate(db, { key: 'host:github.com', pauseMs: 60_000, reason: 'rate-limited', now: T0 });
  db = await restarted(db);
  expect((await look(db, T0 + 59_999, { freeSlots: 2 })).claimed).toEqual([]);
  expect(await listGates(db, { now: T0 + 59_999 })).toMatchObject([
    { key: 'host:github.com', state: 'paused', pausedUntil: T0 + 60_000, reason: 'rate-limited' },
  ]);
  expect((await look(db, T0 + 60_000, { freeSlots: 2 })).claimed).toHaveLength(1);
  db = await restarted(db);
  expect((await look(db, T0 + 60_001, { freeSlots: 2 })).claimed).toEqual([]);
  await clearStrikes(db, ['host:github.com'], { now: T0 + 60_002 });
  expect((await look(db, T0 + 60_002, { freeSlots: 2 })).claimed).toHaveLength(1);
  await db.close();
  await folder.remove();
});
