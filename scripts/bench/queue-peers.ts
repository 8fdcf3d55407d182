// The queues that ours is measured beside, as their own documentation uses them. They are no dependencies: they are
// installed into a temporary folder when they are asked for, and left out aloud where that fails.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';

export type QueueContender = {
  name: string;
  /** Adds so many jobs that may run at once. Not timed. */
  fill(count: number): Promise<void>;
  /** Takes one job and completes it. */
  pair(): Promise<void>;
  close(): Promise<void>;
};

// liteque begins its transactions in a way that later drivers refuse.
const VERSIONS = {
  plainjob: '0.0.14',
  liteque: '0.8.0',
  'better-sqlite3': '11.5.0',
  bullmq: '6.7.0',
  ioredis: '5.8.2',
};
const INSTALL_LIMIT_MS = 600_000;
const FILL = 1_000;

// biome-ignore lint/suspicious/noExplicitAny: peers are installed when they are needed, so their types are not here
type Loaded = any;
export type Peers = { folder: string; remove(): void };

/** Answers why not, where the registry or a compiler is missing. */
export function installPeers(): Peers | { missing: string } {
  const folder = mkdtempSync(join(tmpdir(), 'gitferry-bench-peers-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies: VERSIONS }));
  const npm = (...args: string[]) =>
    execFileSync('npm', args, { cwd: folder, stdio: 'pipe', timeout: INSTALL_LIMIT_MS });
  try {
    npm('install', '--ignore-scripts', '--no-audit', '--no-fund');
    // The one script that is needed: it builds the driver that both SQLite queues want.
    npm('rebuild', '--ignore-scripts=false', 'better-sqlite3');
  } catch (error) {
    remove();
    const { stderr, message } = error as Error & { stderr?: Buffer };
    return { missing: `they cannot be installed: ${(stderr?.toString() || message).trim().slice(-300)}` };
  }
  return { folder, remove };
}

async function load(folder: string, name: string): Promise<Loaded> {
  // Some of them are modules only, which `require` does not find.
  const { resolve } = createRequire(join(folder, 'package.json'));
  const path = name === 'plainjob' || name === 'liteque' ? modulePath(folder, name) : resolve(name);
  return import(pathToFileURL(path).href);
}

const modulePath = (folder: string, name: string) =>
  join(folder, 'node_modules', name, 'dist', name === 'plainjob' ? 'plainjob.js' : 'index.js');

export async function openPlainjob(peers: string, folder: string): Promise<QueueContender> {
  const { default: Sqlite } = await load(peers, 'better-sqlite3');
  const { better, defineQueue } = await load(peers, 'plainjob');
  const sqlite = new Sqlite(join(folder, 'plainjob.db'));
  sqlite.pragma('journal_mode = WAL');
  sqlite.pragma('synchronous = NORMAL');
  const silent = { error() {}, warn() {}, info() {}, debug() {} };
  const queue = defineQueue({ connection: better(sqlite), logger: silent });
  return {
    name: 'plainjob',
    async fill(count) {
      for (let n = 0; n < count; n += FILL) {
        queue.addMany(
          'sync',
          Array.from({ length: Math.min(FILL, count - n) }, (_, at) => ({ at })),
        );
      }
    },
    async pair() {
      const job = queue.getAndMarkJobAsProcessing('sync');
      if (job === undefined) throw new Error('plainjob has no job');
      queue.markJobAsDone(job.id);
    },
    async close() {
      queue.close();
    },
  };
}

export async function openLiteque(peers: string, folder: string): Promise<QueueContender> {
  const { default: Sqlite } = await load(peers, 'better-sqlite3');
  const { buildDBClient, SqliteQueue } = await load(peers, 'liteque');
  const path = join(folder, 'liteque.db');
  const db = buildDBClient(path, { walEnabled: true, runMigrations: true });
  const queue = new SqliteQueue('sync', db, { defaultJobArgs: { numRetries: 1 }, keepFailedJobs: false });
  // Filled by copies of a job of its own, because one call each would take minutes.
  const direct = new Sqlite(path);
  const columns = () =>
    direct
      .pragma('table_info(tasks)')
      .map(({ name }: { name: string }) => name)
      .filter((name: string) => name !== 'id' && name !== 'allocationId');
  return {
    name: 'liteque',
    async fill(count) {
      await queue.enqueue({ at: 0 });
      const names = columns()
        .map((name: string) => `"${name}"`)
        .join(', ');
      direct.exec(`INSERT INTO tasks(${names}, allocationId)
        WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})
        SELECT ${names}, hex(randomblob(8)) FROM n CROSS JOIN (SELECT * FROM tasks ORDER BY id DESC LIMIT 1)
        WHERE ${count} > 1`);
    },
    async pair() {
      const job = await queue.attemptDequeue({ timeoutSecs: 60 });
      if (job === null) throw new Error('liteque has no job');
      await queue.finalize(job.id, job.allocationId, 'completed');
    },
    async close() {
      direct.close();
    },
  };
}

/** Needs `redis-server` on the PATH; it writes its log once a second, as ours may lose a second to a power cut. */
export async function openBullmq(
  peers: string,
  folder: string,
): Promise<QueueContender | { missing: string }> {
  const port = await freePort();
  const redis = spawn(
    'redis-server',
    [
      '--port',
      String(port),
      '--bind',
      '127.0.0.1',
      '--dir',
      folder,
      '--save',
      '',
      '--appendonly',
      'yes',
      '--appendfsync',
      'everysec',
    ],
    { stdio: 'ignore' },
  );
  const failed = new Promise<string>((resolve) => redis.once('error', (error) => resolve(error.message)));
  const { Queue, Worker } = await load(peers, 'bullmq');
  const { default: Redis } = await load(peers, 'ioredis');
  const connect = () => new Redis({ port, host: '127.0.0.1', maxRetriesPerRequest: null });
  const early = await Promise.race([failed, setTimeout(1_000, null)]);
  if (early !== null) return { missing: `there is no redis-server: ${early}` };
  const connections = [connect(), connect()];
  const queue = new Queue('sync', { connection: connections[0] });
  const worker = new Worker('sync', null, { connection: connections[1], autorun: false });
  await worker.waitUntilReady();
  return {
    name: 'BullMQ',
    async fill(count) {
      for (let n = 0; n < count; n += FILL) {
        const jobs = Array.from({ length: Math.min(FILL, count - n) }, (_, at) => ({
          name: 'sync',
          data: { at },
        }));
        await queue.addBulk(jobs);
      }
    },
    async pair() {
      const job = await worker.getNextJob('token', { block: false });
      if (job === undefined) throw new Error('BullMQ has no job');
      await job.moveToCompleted('done', 'token', false);
    },
    async close() {
      await worker.close();
      await queue.close();
      for (const connection of connections) connection.disconnect();
      await ended(redis);
    },
  };
}

async function ended(child: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await gone;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        if (address === null || typeof address === 'string') reject(new Error('no port'));
        else resolve(address.port);
      });
    });
  });
}
