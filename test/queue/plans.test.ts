// How the queue's statements find their rows: none may read, or sort, more of them when more jobs wait.

import { join } from 'node:path';
import Sqlite from 'libsql';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { JobId } from '../../src/model/ids.ts';
import { NO_STATS } from '../../src/model/run.ts';
import { settleJob } from '../../src/queue/settle.ts';
import { tick } from '../../src/queue/tick.ts';
import type { Database, SqlStatement } from '../../src/store/database.ts';
import { openDatabase } from '../../src/store/open.ts';
import { databaseDeps, temporaryFolder } from '../support/database.ts';
import { DONE, OFFLINE } from '../support/queue-calls.ts';

let folder: { path: string; remove(): Promise<void> };
let sqlite: InstanceType<typeof Sqlite>;
beforeAll(async () => {
  folder = await temporaryFolder();
  const path = join(folder.path, 'queue.db');
  await (await openDatabase({ path }, databaseDeps)).close();
  sqlite = new Sqlite(path);
});
afterAll(async () => {
  sqlite.close();
  await folder.remove();
});

/** Only their number of lanes is sorted, and only what runs is looked through. */
const MAY_SORT = /SEARCH l USING COVERING INDEX sqlite_autoindex_lanes_1/;
const GROWING = /^SCAN (?:jobs|j|q|r|runs|before|projects|p|events)\b(?! USING INDEX jobs_lock)/;

function faultsOf({ sql }: SqlStatement): string[] {
  const rows = sqlite.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(unbound(sql)) as { detail: string }[];
  const plan = rows.map(({ detail }) => detail);
  const maySort = plan.some((detail) => MAY_SORT.test(detail));
  return plan.filter((detail) => GROWING.test(detail) || (!maySort && detail.startsWith('USE TEMP B-TREE')));
}

const unbound = (sql: string) =>
  Object.fromEntries([...sql.matchAll(/:(\w+)/g)].map(([, name]) => [name, null]));

/** What a call sends, instead of sending it. */
async function sentBy(call: (db: Database) => Promise<unknown>): Promise<SqlStatement[]> {
  const sent: SqlStatement[] = [];
  const db: Database = {
    kind: 'local',
    async run(sql) {
      sent.push({ sql });
      return [];
    },
    async batch(statements) {
      sent.push(...statements);
      return statements.map(() => [{ id: 1 }]);
    },
    close: async () => {},
  };
  await call(db);
  return sent;
}

const owner = { jobId: 1 as JobId, fence: 1, facts: null, stats: NO_STATS };
const look = { workerId: 'w1', machineId: 'laptop', leaseMs: 1_000, maxCrashes: 5, crashDelayMs: 1_000 };

test.each<[name: string, call: (db: Database) => Promise<unknown>]>([
  [
    'a look at the queue',
    (db) => tick(db, { ...look, freeSlots: 1, held: [{ jobId: owner.jobId, fence: 1 }] }),
  ],
  ['settling what is done', (db) => settleJob(db, { ...owner, outcome: DONE })],
  [
    'settling a retry',
    (db) => settleJob(db, { ...owner, outcome: { kind: 'retry', delayMs: 1, reason: OFFLINE } }),
  ],
  [
    'settling a step back',
    (db) => settleJob(db, { ...owner, outcome: { kind: 'later', delayMs: 1, reason: OFFLINE } }),
  ],
])('%s reads no more rows when more jobs wait', async (_name, call) => {
  const sent = await sentBy(call);
  expect(sent.length).toBeGreaterThan(0);
  expect(sent.flatMap(faultsOf)).toEqual([]);
});
