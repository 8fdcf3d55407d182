// What creates content against a server that enforces GitHub's documented limits by the same clock: 80 in any minute, 500
// in any hour. Three machines share the account and the queue's database; only time is played.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPace } from '../../src/github/pace.ts';
import { createGithubClient } from '../../src/github/rest-client.ts';
import { silentLog } from '../../src/host/log.ts';
import { createCallGate } from '../../src/queue/gated-call.ts';
import { passGates } from '../../src/runner/github-tools.ts';
import type { Database, SqlArgs } from '../../src/store/database.ts';
import { openDatabase } from '../../src/store/open.ts';
import { databaseDeps, temporaryFolder } from '../support/database.ts';
import { createManualClock } from '../support/manual-clock.ts';

const A_MINUTE = { most: 80, ms: 60_000 };
const AN_HOUR = { most: 500, ms: 3_600_000 };
const MACHINES = 3;
const EACH = 190;
/** The way to the server is not always equally long. */
const LONGEST_WAY_MS = 900;

const clock = createManualClock();
/** What is really under way: time stands still until it is over. */
let underWay = 0;
async function really<T>(act: () => Promise<T>): Promise<T> {
  underWay += 1;
  try {
    return await act();
  } finally {
    underWay -= 1;
  }
}

let folder: { path: string; remove(): Promise<void> };
let stored: Database;
beforeAll(async () => {
  folder = await temporaryFolder();
  stored = await openDatabase({ path: join(folder.path, 'queue.db') }, databaseDeps);
});
afterAll(async () => {
  await stored.close();
  await folder.remove();
});

/** The database, at the time of the clock. */
function atClock(db: Database): Database {
  const timed = (args: SqlArgs = {}) => ('now' in args ? { ...args, now: clock.now() } : args);
  return {
    ...db,
    run: (sql, args) => really(() => db.run(sql, timed(args))),
    batch: (statements) =>
      really(() => db.batch(statements.map((each) => ({ ...each, args: timed(each.args) })))),
  };
}

async function strictServer() {
  const created: number[] = [];
  const refused: string[] = [];
  const server = createServer((request, response) => {
    const answer = (status: number, body: object) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    request.resume().on('end', () => {
      if (request.method === 'GET') return answer(200, { login: 'octocat' });
      const at = clock.monotonic();
      created.push(at);
      for (const { most, ms } of [A_MINUTE, AN_HOUR]) {
        const count = created.filter((each) => each > at - ms).length;
        if (count <= most) continue;
        refused.push(`${count} within ${ms} ms`);
        return answer(403, { message: 'You have exceeded a secondary rate limit.' });
      }
      const name = `octocat/r${created.length}`;
      const address = `https://github.com/${name}.git`;
      answer(201, { full_name: name, clone_url: address, private: true, default_branch: 'main' });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return { created, refused, close, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

function machine(url: string, number: number) {
  const db = atClock(stored);
  const settings = () => ({ rateLimitDelayMs: 60_000 });
  const gates = createCallGate({ db, clock, random: () => 0.5, log: silentLog, settings });
  let sent = number * 311;
  return createGithubClient({
    apiUrlFor: () => url,
    tokenFor: async () => ({ key: 'github.com', token: 'a-token' }),
    userAgent: 'gitferry/test',
    async fetch(address, init) {
      sent += 1;
      await clock.sleep((sent * 397) % LONGEST_WAY_MS);
      return really(async () => {
        const response = await fetch(address, init);
        return new Response(await response.text(), response);
      });
    },
    ...{ clock, log: silentLog, pace: createPace({ clock }), pass: passGates(gates) },
  });
}

async function runOut(work: Promise<unknown>): Promise<void> {
  let isDone = false;
  const done = work.finally(() => {
    isDone = true;
  });
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  while (!isDone) {
    await settle();
    if (underWay === 0 && !isDone) await clock.advance(clock.nextTimerMs() ?? 0);
  }
  await done;
}

test('three machines never create more than 80 in a minute and 500 in an hour, and lose none', async () => {
  const server = await strictServer();
  const machines = Array.from({ length: MACHINES }, (_, number) => machine(server.url, number));
  const wanted = machines.flatMap((client, at) =>
    Array.from({ length: EACH }, (_, number) =>
      client.createRepository({ host: 'github.com', owner: null, name: `m${at}-${number}`, private: true }),
    ),
  );
  await runOut(Promise.all(wanted));
  await server.close();
  expect(server.refused).toEqual([]);
  expect(server.created).toHaveLength(MACHINES * EACH);
  // As fast as it may be, but for three in a hundred.
  const span = (server.created.at(-1) ?? 0) - (server.created[0] ?? 0);
  expect(span).toBeLessThan(((MACHINES * EACH) / AN_HOUR.most) * AN_HOUR.ms * 1.03);
}, 120_000);
