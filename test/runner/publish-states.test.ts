// What the feed and the log are told of a project's states, on a real database.

import { afterEach, beforeEach, expect, test } from 'vitest';
import type { NewEvent } from '../../src/events/types.ts';
import { systemClock } from '../../src/host/clock.ts';
import { silentLog } from '../../src/host/log.ts';
import { type Reason, reasonOf } from '../../src/model/failure.ts';
import type { ProjectId } from '../../src/model/ids.ts';
import { NO_FACTS } from '../../src/model/project.ts';
import { registerWorker } from '../../src/queue/workers.ts';
import { createStatePublisher } from '../../src/runner/publish-states.ts';
import type { Database } from '../../src/store/database.ts';
import { openDatabase } from '../../src/store/open.ts';
import { saveFacts } from '../../src/store/projects.ts';
import { addProjectRow, databaseDeps, temporaryFolder } from '../support/database.ts';
import { createManualClock } from '../support/manual-clock.ts';
import { claimOne, put, settle } from '../support/queue-calls.ts';

const BLOG = 'blog' as ProjectId;
const MISSING = reasonOf('remote-missing', 'blog has no remote.');
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let db: Database;
beforeEach(async () => {
  folder = await temporaryFolder();
  db = await openDatabase({ path: `${folder.path}/queue.db` }, databaseDeps);
  await addProjectRow(db, 'blog');
  await db.run(`UPDATE projects SET config = '{"enabled":true}'`);
  // Of a machine that nobody hears of, nothing is known.
  const identity = { pid: 1, pidStart: null, bootId: null, version: '0.1.0' };
  await registerWorker(db, { ...identity, workerId: 'w1', machineId: 'laptop' });
});
afterEach(async () => {
  await db.close();
  await folder.remove();
});

test('a trouble is logged once, however often a sync finds it again, and anew after it was over or is another', async () => {
  const logged: string[] = [];
  const states: unknown[] = [];
  const publisher = createStatePublisher({
    db,
    unsure: () => null,
    clock: systemClock,
    log: { ...silentLog, warn: (data: unknown) => void logged.push((data as Reason).code) },
    bus: {
      async publish(events: readonly NewEvent[]) {
        states.push(...events.map(({ data }) => (data as { state: unknown }).state));
      },
    } as never,
  });
  let now = Date.now();
  const sync = async (blocked: Reason | null) => {
    await put(db, 'blog', now, { delayMs: 0, force: true });
    const job = await claimOne(db, now);
    await publisher.publish([BLOG]);
    await saveFacts(db, BLOG, { ...NO_FACTS, blocked, lastSafeAt: now });
    await settle(db, job, now + 1, blocked ? { kind: 'blocked', reason: blocked } : undefined);
    await publisher.publish([BLOG]);
    now += 10;
  };
  await sync(MISSING);
  await sync(MISSING);
  expect(logged).toEqual(['remote-missing']);
  // The feed follows each step.
  expect(states).toEqual(['syncing', 'blocked', 'syncing', 'blocked']);
  await sync(reasonOf('identity-missing', 'Nobody.'));
  await sync(MISSING);
  expect(logged).toEqual(['remote-missing', 'identity-missing', 'remote-missing']);
  await sync(null);
  await sync(MISSING);
  expect(logged.slice(3)).toEqual(['remote-missing']);
});

test('publishSoon() tells what is still under way a moment later, and nothing of what is over by then', async () => {
  const { publisher, clock, states } = soon();
  await publisher.publishSoon([BLOG])();
  await clock.advance(1_000);
  expect(states).toEqual([]);
  const isTold = publisher.publishSoon([BLOG]);
  await clock.advance(1_000);
  await isTold();
  expect(states).toEqual(['pending']);
});

test('publishSoon() that fails says so in the log and keeps nobody from telling the end', async () => {
  const { publisher, clock, states, warnings, fail } = soon();
  fail(new Error('of the test'));
  const isTold = publisher.publishSoon([BLOG]);
  await clock.advance(1_000);
  await isTold();
  expect(warnings).toEqual(['the state of what is under way was not told']);
  fail(null);
  await publisher.publish([BLOG]);
  expect(states).toEqual(['pending']);
});

function soon() {
  const clock = createManualClock(Date.now());
  const states: unknown[] = [];
  const warnings: unknown[] = [];
  let fault: Error | null = null;
  const publisher = createStatePublisher({
    ...{ db, clock, unsure: () => null },
    log: { ...silentLog, warn: (_data: unknown, text: string) => void warnings.push(text) } as never,
    bus: {
      async publish(events: readonly NewEvent[]) {
        if (fault) throw fault;
        states.push(...events.map(({ data }) => (data as { state: unknown }).state));
      },
    } as never,
  });
  const fail = (error: Error | null) => {
    fault = error;
  };
  return { publisher, clock, states, warnings, fail };
}
