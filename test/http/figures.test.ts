// The figures of the status are shared while nothing was written, and never older than a moment.

import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createFigureReader } from '../../src/http/figures.ts';
import type { ProjectId } from '../../src/model/ids.ts';
import { pauseGate } from '../../src/queue/gates.ts';
import type { Database } from '../../src/store/database.ts';
import { openDatabase } from '../../src/store/open.ts';
import { addProjectRow, databaseDeps, temporaryFolder } from '../support/database.ts';

let folder: { path: string; remove(): Promise<void> };
let db: Database;
beforeAll(async () => {
  folder = await temporaryFolder();
  db = await openDatabase({ path: join(folder.path, 'queue.db') }, databaseDeps);
});
afterAll(async () => {
  await db.close();
  await folder.remove();
});

test('figures are read again after a write, after another doubt and after a moment, and shared otherwise', async () => {
  let now = 1_000;
  let unsure: ProjectId[] = [];
  let reads = 0;
  const counted: Database = {
    kind: 'local',
    run: (sql, args) => {
      reads += 1;
      return db.run(sql, args);
    },
    batch: (statements) => db.batch(statements),
    writes: () => db.writes?.() ?? 0,
    close: () => db.close(),
  };
  const service = { unsureProjects: () => unsure };
  const read = createFigureReader({ db: counted, service, clock: { now: () => now } });
  const first = await read();
  const once = reads;
  expect(await Promise.all([read(), read()])).toEqual([first, first]);
  expect(reads).toBe(once);

  const blog = await addProjectRow(db, 'blog');
  await pauseGate(db, { key: 'host:github.com', pauseMs: 60_000, reason: 'offline' });
  expect(await read()).toMatchObject({ projects: { total: 1 }, gates: [{ key: 'host:github.com' }] });
  expect(reads).toBe(2 * once);

  await db.run('UPDATE projects SET last_safe_at = 1, enabled = 1, config = \'{"enabled":true}\'');
  expect((await read()).projects).toMatchObject({ safe: 1, pending: 0 });
  unsure = [blog];
  expect((await read()).projects).toMatchObject({ safe: 0, pending: 1 });
  const before = reads;
  now += 1_000;
  await read();
  expect(reads).toBeGreaterThan(before);
});

test('a database that does not say whether something was written is asked each time', async () => {
  let reads = 0;
  const silent: Database = {
    kind: 'remote',
    run: (sql, args) => {
      reads += 1;
      return db.run(sql, args);
    },
    batch: (statements) => db.batch(statements),
    close: () => db.close(),
  };
  const service = { unsureProjects: () => [] };
  const read = createFigureReader({ db: silent, service, clock: { now: () => 1_000 } });
  await read();
  const once = reads;
  await read();
  expect(reads).toBe(2 * once);
});
