import { expect, test } from 'vitest';
import { reasonOf } from '../../src/model/failure.ts';
import type { FailureCode } from '../../src/model/failure-codes.ts';
import { createUpkeep, type UpkeepSettings } from '../../src/runner/upkeep.ts';
import { addAuditEntry } from '../../src/store/audit.ts';
import { appendEvents } from '../../src/store/events.ts';
import { addRun } from '../store/stored-run.ts';
import { addProjectRow, databaseDeps, describeDatabases, readJobRow } from '../support/database.ts';
import { claimOne, put, settle, T0 } from '../support/queue-calls.ts';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const ENTRY = {
  ...({ machineId: 'laptop', actor: 'ada', role: 'admin', tokenId: null, address: null } as const),
  ...{ forwardedFor: null, requestId: 'r1', method: 'POST', route: '/api/sync/start', projectId: null },
  ...{ subject: null, keys: [], status: 200, code: null },
};

describeDatabases('the upkeep after a scan', (db) => {
  function setUp(settings: Partial<UpkeepSettings> = {}) {
    const time = { now: databaseDeps.clock.now(), passedMs: 0 };
    const asked = { thinSnapshots: 0, keepWebhooks: 0 };
    const kept = { historyDays: 90, eventsKept: 1_000, auditDays: 90, ...settings };
    const upkeep = createUpkeep({
      ...{ db: db(), machineId: 'laptop', settings: () => kept },
      clock: { ...databaseDeps.clock, now: () => time.now, monotonic: () => time.passedMs },
      async thinSnapshots() {
        asked.thinSnapshots += 1;
      },
      async keepWebhooks() {
        asked.keepWebhooks += 1;
      },
    });
    return { upkeep, time, asked, kept };
  }

  test('forgets runs, events and the audit beyond what the settings keep, and asks them each time', async () => {
    const { upkeep, time, asked, kept } = setUp({ historyDays: 30, eventsKept: 2 });
    await addProjectRow(db(), 'blog');
    const daysAgo = (days: number) => ({ finishedAt: time.now - days * DAY_MS });
    await addRun(db(), 'blog', [daysAgo(31), daysAgo(29), daysAgo(1)]);
    await appendEvents(db(), [{ type: 'scan.started' }, { type: 'notice' }, { type: 'notice' }]);
    await db().run('DELETE FROM audit');
    await addAuditEntry(db(), ENTRY);
    await upkeep();
    const counts = async () => {
      const sql = `SELECT (SELECT count(*) FROM runs) AS runs, (SELECT count(*) FROM events) AS events,
        (SELECT count(*) FROM audit) AS audit`;
      return (await db().run(sql))[0];
    };
    expect(await counts()).toEqual({ runs: 2, events: 2, audit: 1 });
    kept.historyDays = 7;
    time.now += 91 * DAY_MS;
    await upkeep();
    expect(await counts()).toEqual({ runs: 0, events: 2, audit: 0 });
    expect(asked).toEqual({ thinSnapshots: 2, keepWebhooks: 2 });
  });

  test('tries once an hour what was given up after transient failures, and never what waits for a person', async () => {
    const { upkeep, time } = setUp();
    const parked: [name: string, code: FailureCode, machineId?: string][] = [
      ['timed-out', 'remote-timeout'],
      ['archived', 'repository-archived'],
      ['protected', 'push-rejected-protected-branch'],
      ['elsewhere', 'remote-timeout', 'desktop'],
    ];
    for (const [name, code, machineId = 'laptop'] of parked) {
      await addProjectRow(db(), name, { machineId });
      await put(db(), name, T0);
      const job = await claimOne(db(), T0, { machineId });
      await settle(db(), job, T0 + 1, { kind: 'park', reason: reasonOf(code, 'It was refused.') });
    }
    const states = () =>
      Promise.all(parked.map(async ([name]) => `${name} ${(await readJobRow(db(), name)).state}`));
    const waiting = ['timed-out parked', 'archived parked', 'protected parked', 'elsewhere parked'];
    time.passedMs = HOUR_MS - 1;
    await upkeep();
    expect(await states()).toEqual(waiting);
    time.passedMs = HOUR_MS;
    await upkeep();
    expect(await states()).toEqual([
      ...['timed-out scheduled', 'archived scheduled', 'protected parked', 'elsewhere parked'],
    ]);
    expect((await readJobRow(db(), 'timed-out')).attempt).toBe(0);
  });
});
