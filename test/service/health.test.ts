// What the checks of GET /health look at.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Failure } from '../../src/model/failure.ts';
import type { SchedulerStatus, WatcherStatus } from '../../src/model/service.ts';
import { checkHealth } from '../../src/service/health.ts';

let dataFolder: string;
beforeAll(async () => {
  dataFolder = await mkdtemp(join(tmpdir(), 'gitferry-health-'));
});
afterAll(() => rm(dataFolder, { recursive: true }));

const scheduler: SchedulerStatus = {
  ...{
    running: true,
    startedAt: 1,
    lastScanAt: 2,
    nextScanAt: 3,
    activeSyncs: 0,
    tickAgeMs: 4_000,
    owed: [],
  },
};
const watcher: WatcherStatus = { mode: 'events', watched: 3, degradedReason: null };

test('checkHealth() writes to the database and looks at the disk', async () => {
  let written = 0;
  const writeDatabase = async () => {
    written += 1;
  };
  const checks = await checkHealth({ writeDatabase, dataFolder }, scheduler, watcher);
  expect(written).toBe(1);
  expect(checks).toMatchObject({
    database: { ok: true },
    scheduler: { ok: true, detail: 'looked at the queue 4 s ago' },
    watcher: { ok: true, detail: '3 folders' },
    disk: { ok: true, detail: expect.stringMatching(/^\d+ MiB free$/) },
  });
});

test('checkHealth() finds a database that takes no write, and names why', async () => {
  const writeDatabase = async () => {
    throw new Failure('database-read-only', 'it cannot be written');
  };
  const { database } = await checkHealth({ writeDatabase, dataFolder }, scheduler, watcher);
  expect(database).toEqual({ ok: false, detail: 'it cannot be written', code: 'database-read-only' });
});

test.each([
  [{ tickAgeMs: 60_000 }, true],
  [{ tickAgeMs: 60_001 }, false],
  [{ tickAgeMs: null }, true],
  [{ running: false, tickAgeMs: null }, true],
])('checkHealth() judges a scheduler with %j: %s', async (part, ok) => {
  const ports = { writeDatabase: async () => {}, dataFolder };
  expect((await checkHealth(ports, { ...scheduler, ...part }, watcher)).scheduler.ok).toBe(ok);
});

test('checkHealth() tells a watcher that fell back to scans, unless syncing is off', async () => {
  const ports = { writeDatabase: async () => {}, dataFolder };
  const fallen = { ...watcher, mode: 'scan-only' as const, degradedReason: 'too many folders' };
  expect((await checkHealth(ports, scheduler, fallen)).watcher).toEqual({
    ok: false,
    detail: 'too many folders',
  });
  expect((await checkHealth(ports, { ...scheduler, running: false }, fallen)).watcher.ok).toBe(true);
});

test('checkHealth() finds a data folder that is gone', async () => {
  const ports = { writeDatabase: async () => {}, dataFolder: join(dataFolder, 'gone') };
  expect((await checkHealth(ports, scheduler, watcher)).disk.ok).toBe(false);
});
