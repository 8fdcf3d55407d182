// A database of every schema version, as it was written then, opens today and loses nothing. `npm run fixtures` keeps
// that of a new version.

import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ProjectId } from '../../src/model/ids.ts';
import type { Database } from '../../src/store/database.ts';
import { eventBounds, readEvents } from '../../src/store/events.ts';
import { openLocal } from '../../src/store/local.ts';
import { MIGRATIONS } from '../../src/store/migrations/list.ts';
import { openDatabase } from '../../src/store/open.ts';
import { listProjectViews } from '../../src/store/project-views.ts';
import { listRuns, runTotals } from '../../src/store/runs.ts';
import { readSettings } from '../../src/store/settings.ts';
import { databaseDeps, temporaryFolder } from '../support/database.ts';
import { claimOne, put, settle } from '../support/queue-calls.ts';

const FIXTURES = fileURLToPath(new URL('../fixtures', import.meta.url));
const versions = readdirSync(FIXTURES)
  .map((name) => Number(/^schema-(\d+)\.db\.gz$/.exec(name)?.[1] ?? Number.NaN))
  .filter((version) => !Number.isNaN(version))
  .sort((a, b) => a - b);

let folder: { path: string; remove(): Promise<void> };
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

async function unpack(version: number): Promise<string> {
  const name = `schema-${String(version).padStart(3, '0')}.db`;
  const path = join(folder.path, name);
  await writeFile(path, gunzipSync(readFileSync(join(FIXTURES, `${name}.gz`))));
  return path;
}

/** Everything that defines the schema, whatever the order in which it came about. */
async function schemaOf(db: Database): Promise<unknown[]> {
  return db.run(`SELECT type, name, tbl_name, sql FROM sqlite_master
    WHERE name NOT GLOB 'sqlite_stat*' ORDER BY type, name`);
}

test('there is a fixture of every version: `npm run fixtures` keeps that of a new one', () => {
  expect(versions.length).toBeGreaterThanOrEqual(16);
  expect(versions).toEqual(MIGRATIONS.map(({ version }) => version));
});

test.each(versions)('a database of schema %i is what it says before it is opened', async (version) => {
  const db = await openLocal(await unpack(version), databaseDeps);
  const rows = await db.run('SELECT version FROM schema_migrations ORDER BY version');
  expect(rows.map((row) => row.version)).toEqual(MIGRATIONS.slice(0, version).map((one) => one.version));
  await db.close();
});

test.each(versions)('a database of schema %i becomes one of today', async (version) => {
  const fresh = await openDatabase({ path: join(folder.path, `fresh-${version}.db`) }, databaseDeps);
  const db = await openDatabase({ path: await unpack(version) }, databaseDeps);
  expect(await schemaOf(db)).toEqual(await schemaOf(fresh));
  expect(await db.run('PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }]);
  expect(await db.run('PRAGMA foreign_key_check')).toEqual([]);
  await fresh.close();
  await db.close();
});

test.each(versions)('of a database of schema %i nothing is lost, and its queue goes on', async (version) => {
  const db = await openDatabase({ path: await unpack(version) }, databaseDeps);
  const { projects } = await listProjectViews(db, { limit: 10, cursor: null });
  expect(projects.map(({ projectId, state }) => [projectId, state])).toEqual([
    ['attic', 'disabled'],
    // Nobody looks after it now.
    ['blog', 'pending'],
    ['notes', 'pending'],
    ['thesis', 'blocked'],
  ]);
  expect(projects[1]?.github).toMatchObject({ futureKey: 1, remoteUrl: 'https://github.com/ada/blog.git' });
  expect(projects[1]?.stateReason?.code).toBe('machine-silent');
  expect(projects[1]?.lastRun).toMatchObject({ status: 'success', filesChanged: 2, bytesPushed: 800 });
  const { runs } = await listRuns(db, { limit: 10, cursor: null });
  expect(runs.map(({ projectId, status }) => [projectId, status])).toEqual([
    ['thesis', 'failed'],
    ['blog', 'success'],
  ]);
  expect((await listRuns(db, { limit: 10, cursor: null, status: 'failed' })).runs).toHaveLength(1);
  expect(await runTotals(db)).toMatchObject({ totalSyncs: 2, successfulSyncs: 1 });
  expect(await readSettings(db, null)).toEqual({ 'schedulerOptions.maxRetries': 5 });
  const { latest, epoch } = await eventBounds(db);
  expect(epoch).toBe('fixture');
  expect((await readEvents(db, { after: 0, limit: 100 })).length).toBe(latest);

  const now = Date.now();
  await put(db, 'blog' as ProjectId, now, { delayMs: 0, force: true });
  const claimed: string[] = [];
  for (let n = 0; n < 2; n++) {
    const job = await claimOne(db, now);
    claimed.push(job.projectId);
    expect(await settle(db, job, now + 1)).toBe('settled');
  }
  expect(claimed.sort()).toEqual(['blog', 'notes']);
  await db.close();
});
