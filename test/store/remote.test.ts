import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Database } from '../../src/store/database.ts';
import { openDatabase } from '../../src/store/open.ts';
import { openRemote } from '../../src/store/remote.ts';
import { databaseDeps } from '../support/database.ts';
import { type Sqld, sqldMissing, startSqld } from '../support/sqld.ts';

let server: Server | null = null;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = null;
});

async function serve(handler: Parameters<typeof createServer>[1]): Promise<string> {
  server = createServer(handler).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test.each(['', 'queue.db', 'file:queue.db', 'ftp://host/db', 'http://'])(
  'openRemote() refuses the address %j',
  (url) => {
    expect(() => openRemote({ url }, databaseDeps)).toThrow(
      expect.objectContaining({ code: 'invalid-config' }),
    );
  },
);

test('openRemote() refuses a password in the address and does not repeat it', () => {
  const url = 'https://person:secret-word@db.example';
  let refusal: unknown;
  try {
    openRemote({ url }, databaseDeps);
  } catch (error) {
    refusal = error;
  }
  expect(refusal).toMatchObject({
    code: 'invalid-config',
    action: expect.stringContaining('SYNC_DB_AUTH_TOKEN'),
  });
  expect(inspect(refusal, { depth: 9 })).not.toContain('secret-word');
});

test('nobody listening is database-unreachable, with the address and without the token', async () => {
  const url = await serve(() => {});
  server?.close();
  await once(server as Server, 'close');
  server = null;
  const db = openRemote({ url: `${url}?authToken=query-word` }, databaseDeps);
  const other = openRemote({ url, authToken: 'token-word' }, databaseDeps);
  for (const one of [db, other]) {
    const error = await one.run('SELECT 1').catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'database-unreachable', retryable: true });
    expect((error as Error).message).toContain('127.0.0.1');
    expect(inspect(error, { depth: 9 })).not.toMatch(/query-word|token-word/);
  }
});

test('a refused token is said as such', async () => {
  const url = await serve((_request, response) => response.writeHead(401).end('no'));
  const db = openRemote({ url, authToken: 'x' }, databaseDeps);
  await expect(db.run('SELECT 1')).rejects.toMatchObject({
    code: 'database-unreachable',
    action: expect.stringContaining('SYNC_DB_AUTH_TOKEN'),
  });
});

test('a server that fails is database-unreachable, and works again afterwards', async () => {
  let healthy = false;
  const url = await serve((request, response) => {
    request.resume();
    if (!healthy) return void response.writeHead(502).end('bad gateway');
    response.writeHead(200, { 'content-type': 'application/json' });
    const rows = {
      cols: [{ name: 'one' }],
      rows: [[{ type: 'integer', value: '1' }]],
      affected_row_count: 0,
    };
    const results = [
      { type: 'ok', response: { type: 'execute', result: { ...rows, last_insert_rowid: null } } },
      { type: 'ok', response: { type: 'close' } },
    ];
    response.end(JSON.stringify({ baton: null, base_url: null, results }));
  });
  const db = openRemote({ url }, databaseDeps);
  await expect(db.run('SELECT 1 AS one')).rejects.toMatchObject({ code: 'database-unreachable' });
  healthy = true;
  expect(await db.run('SELECT 1 AS one')).toEqual([{ one: 1 }]);
});

test('a connection cut in the middle of an answer is database-unreachable', async () => {
  const url = await serve((request, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
    response.write('{"baton":');
    setImmediate(() => request.socket.destroy());
  });
  const db = openRemote({ url }, databaseDeps);
  await expect(db.batch([{ sql: 'SELECT 1' }])).rejects.toMatchObject({ code: 'database-unreachable' });
});

test('a server that never answers is given up after the time limit', async () => {
  const url = await serve(() => {});
  const db = openRemote({ url, answerTimeoutMs: 300 }, databaseDeps);
  await expect(db.run('SELECT 1')).rejects.toMatchObject({ code: 'database-unreachable' });
  await expect(db.batch([{ sql: 'SELECT 1' }])).rejects.toMatchObject({ code: 'database-unreachable' });
});

if (sqldMissing) test.skip(`a real libSQL server: SKIPPED, ${sqldMissing}`, () => {});

describe.skipIf(sqldMissing)('with a real libSQL server', () => {
  let sqld: Sqld;
  let db: Database;
  beforeAll(async () => {
    sqld = await startSqld();
    db = await openDatabase({ url: sqld.url }, databaseDeps);
    await db.run('CREATE TABLE t (a INTEGER PRIMARY KEY, b ANY) STRICT');
  });
  afterAll(async () => {
    await db.close();
    await sqld.stop();
  });

  test('integers stay integers, booleans become 0 and 1, rows are plain objects', async () => {
    const sql = 'SELECT typeof(:a) AS a, :b AS b, typeof(:c) AS c, :d AS d';
    expect(await db.run(sql, { a: 5, b: true, c: 1.5, d: null })).toEqual([
      { a: 'integer', b: 1, c: 'real', d: null },
    ]);
  });

  test('batch() writes all or nothing', async () => {
    const insert = (a: number) => ({ sql: 'INSERT INTO t(a) VALUES (:a) RETURNING a', args: { a } });
    await expect(db.batch([insert(1), insert(1)])).rejects.toThrow(/UNIQUE/);
    expect(await db.run('SELECT count(*) AS n FROM t')).toEqual([{ n: 0 }]);
    expect(await db.batch([insert(1), { sql: 'SELECT count(*) AS n FROM t' }])).toEqual([
      [{ a: 1 }],
      [{ n: 1 }],
    ]);
  });

  test('twenty writers at once, each reading before it writes, all succeed', async () => {
    await db.run('INSERT INTO t(a, b) VALUES (100, 0)');
    const others = Array.from({ length: 4 }, () => openRemote({ url: sqld.url }, databaseDeps));
    const bump = [{ sql: 'SELECT b FROM t WHERE a = 100' }, { sql: 'UPDATE t SET b = b + 1 WHERE a = 100' }];
    const writers = Array.from({ length: 20 }, (_, index) => others[index % 4]?.batch(bump));
    await Promise.all(writers);
    expect(await db.run('SELECT b FROM t WHERE a = 100')).toEqual([{ b: 20 }]);
    for (const other of others) await other.close();
  });

  test('five openers at once agree on one schema', async () => {
    const fresh = await startSqld();
    try {
      const opened = await Promise.all(
        Array.from({ length: 5 }, () => openDatabase({ url: fresh.url }, databaseDeps)),
      );
      const epochs = await Promise.all(
        opened.map((one) => one.run("SELECT value FROM meta WHERE key = 'epoch'")),
      );
      expect(new Set(epochs.map((rows) => rows[0]?.value)).size).toBe(1);
      for (const one of opened) await one.close();
    } finally {
      await fresh.stop();
    }
  });

  test('survives a killed server: unreachable while it is gone, everything there afterwards', async () => {
    await db.run('INSERT INTO t(a) VALUES (200)');
    await sqld.kill();
    await expect(db.run('SELECT 1')).rejects.toMatchObject({ code: 'database-unreachable' });
    await sqld.restart();
    expect(await db.run('SELECT a FROM t WHERE a = 200')).toEqual([{ a: 200 }]);
  });

  test('speaks WebSocket too', async () => {
    const socket = openRemote({ url: sqld.url.replace('http:', 'ws:') }, databaseDeps);
    expect(await socket.batch([{ sql: 'SELECT :a AS a', args: { a: 3 } }])).toEqual([[{ a: 3 }]]);
    await socket.close();
  });

  test('a server that freezes and dies while a WebSocket connects to it anew is only away', async () => {
    const url = sqld.url.replace('http:', 'ws:');
    const socket = openRemote({ url, answerTimeoutMs: 400 }, databaseDeps);
    await socket.run('SELECT 1');
    await sqld.freeze();
    await expect(socket.run('SELECT 1')).rejects.toMatchObject({ code: 'database-unreachable' });
    await sqld.kill();
    await expect(socket.run('SELECT 1')).rejects.toMatchObject({ code: 'database-unreachable' });
    await sqld.restart();
    await vi.waitFor(async () => expect(await socket.run('SELECT 1 AS one')).toEqual([{ one: 1 }]), {
      timeout: 20_000,
    });
    await socket.close();
  });

  test('a frozen server is given up after the time limit, by HTTP and by WebSocket', async () => {
    const urls = [sqld.url, sqld.url.replace('http:', 'ws:')];
    const slow = urls.map((url) => openRemote({ url, answerTimeoutMs: 800 }, databaseDeps));
    for (const one of slow) await one.run('SELECT 1');
    await sqld.freeze();
    try {
      for (const one of slow)
        await expect(one.run('SELECT 1')).rejects.toMatchObject({ code: 'database-unreachable' });
    } finally {
      sqld.thaw();
    }
    for (const one of slow) expect(await one.run('SELECT 1 AS one')).toEqual([{ one: 1 }]);
    for (const one of slow) await one.close();
  });
});
