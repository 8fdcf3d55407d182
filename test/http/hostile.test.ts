// Thousands of requests that nobody should send, to the real service over a real repository: it never fails, never answers
// what the contract does not know, and tells no secret, in no answer, log line, event or file of its database.

import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type App, createApp } from '../../src/app.ts';
import { loadHost } from '../../src/host/load.ts';
import { createLog } from '../../src/host/log.ts';
import { createGitRepo } from '../support/git-repo.ts';
import { createContract, type OpenApiDocument } from './contract.ts';
import { createHostileRequests, seeded } from './hostile-requests.ts';

const SEED = Number(process.env.GITFERRY_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
/** The program is the same there; its speed is not. */
const BY_DEFAULT = 'Deno' in globalThis ? 1_000 : 10_000;
const REQUESTS = Number(process.env.GITFERRY_TEST_REQUESTS ?? BY_DEFAULT);

/** What must be nowhere. None has a form by which it could be recognised as a secret. */
const PLANTED = {
  apiToken: 'planted-api-token-Zq7Rw2',
  hostToken: 'planted-host-token-Hb3Kx9',
  webhookSecret: 'planted-webhook-secret-Mv5Tn8',
  content: 'planted-secret-content-Yd4Pf6',
  wrong: 'planted-wrong-token-Lc2Gs1',
  /** A repository beside the root. */
  outside: 'planted-folder-outside-Wx6Jd3',
};

let folder: string;
let app: App;
let end: (() => Promise<void>) | null = null;
const lines: string[] = [];
const secrets: string[] = Object.values(PLANTED);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gitferry-hostile-'));
  const repo = await createGitRepo({ path: join(folder, 'work', 'blog') });
  await repo.write('post.md', 'one\n');
  await repo.git('add', '.');
  await repo.git('commit', '-qm', 'one');
  await repo.write('.env', `KEY=${PLANTED.content}\n`);
  await createGitRepo({ path: join(folder, PLANTED.outside) });
  const host = await loadHost();
  const into = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk));
      done();
    },
  });
  app = await createApp({
    host,
    log: createLog('debug', into),
    layers: {
      flag: {
        ...{ port: 0, apiToken: PLANTED.apiToken, webhookSecret: PLANTED.webhookSecret, discoverDepth: 1 },
        ...{
          tokens: { 'git.example': PLANTED.hostToken },
          roots: [join(folder, 'work')],
          shutdownGraceMs: 0,
        },
        'schedulerOptions.dbPath': join(folder, 'data', 'queue.db'),
      },
    },
  });
  end = () => app.stop();
  await app.start({ folders: [repo.path] });
});
afterAll(async () => {
  await end?.();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

const admin = { authorization: `Bearer ${PLANTED.apiToken}` };
const call = (address: string, init: RequestInit = {}) =>
  app.fetch(new Request(`http://localhost${address}`, init), { remoteAddress: '192.0.2.7' });

function expectNoSecret(text: string, where: string): void {
  for (const secret of secrets) if (text.includes(secret)) expect.fail(`${where} holds ${secret}`);
}

test(`${REQUESTS} hostile requests (GITFERRY_TEST_SEED=${SEED})`, { timeout: 600_000 }, async () => {
  const document = (await (await call('/openapi.json', { headers: admin })).json()) as OpenApiDocument;
  const contract = createContract(document);
  const credentials = [admin.authorization, admin.authorization, '', `Bearer ${PLANTED.wrong}`, 'Basic eDp5'];
  for (const role of ['viewer', 'operator', 'admin']) {
    const body = JSON.stringify({ name: `the ${role}`, role });
    const { secret } = await (
      await call('/api/sync/tokens', { method: 'POST', headers: admin, body })
    ).json();
    secrets.push(secret);
    credentials.push(`Bearer ${secret}`);
  }
  const next = createHostileRequests(document, contract.routes, seeded(SEED));
  const statuses = new Map<number, number>();
  for (let count = 0; count < REQUESTS; count += 1) {
    const { method, address, init } = next(credentials);
    const answer = await call(address, init);
    const text = await answer.text();
    statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
    const shown = `request ${count} of seed ${SEED}: ${method} ${address} ${String(init.body).slice(0, 500)}`;
    const fault = contract.check(method, address, {
      status: answer.status,
      type: answer.headers.get('content-type'),
      text,
    });
    if (fault !== null) expect.fail(`${shown}: ${fault}`);
    if (answer.status >= 500 && answer.status !== 503 && answer.status !== 502)
      expect.fail(`${shown}: ${text} ${lines.at(-1)}`);
    // The secret of a token is answered once, to whoever made it.
    const isNewToken = answer.status === 201 && text.includes('"secret"');
    if (isNewToken) secrets.push(JSON.parse(text).secret);
    else expectNoSecret(text + JSON.stringify([...answer.headers]), shown);
    if (/root:.*:0:0:/.test(text)) expect.fail(`${shown} shows a file of the machine`);
  }
  // Most are refused; some, by chance, are right: otherwise they would never come past the first check.
  expect(statuses.get(400)).toBeGreaterThan(REQUESTS / 50);
  expect(statuses.get(401)).toBeGreaterThan(REQUESTS / 50);
  expect(statuses.get(403)).toBeGreaterThan(REQUESTS / 100);
  expect([...statuses.keys()].some((status) => status < 300)).toBe(true);
  expect((await call('/api/sync/status', { headers: admin })).status).toBe(200);
});

test('no project outside of the roots was added', async () => {
  const { projects } = await (await call('/api/sync/projects', { headers: admin })).json();
  for (const { path } of projects) expect(path.startsWith(join(folder, 'work'))).toBe(true);
});

test('no log line, event or file of the database holds a secret', async () => {
  expect(lines.length).toBeGreaterThan(REQUESTS / 2);
  for (const line of lines) expectNoSecret(line, 'the log');
  let since = 0;
  for (;;) {
    const address = `/api/sync/events?since=${since}&limit=500&timeoutMs=0`;
    const page = await (await call(address, { headers: admin })).json();
    expectNoSecret(JSON.stringify(page), 'an event');
    if (page.events.length === 0 || page.nextSince === since) break;
    since = page.nextSince;
  }
  end = null;
  await app.stop();
  const files = await readdir(join(folder, 'data'), { recursive: true, withFileTypes: true });
  const named = files.filter((entry) => entry.isFile());
  expect(named.map(({ name }) => name)).toContain('queue.db');
  for (const { parentPath, name } of named)
    expectNoSecret((await readFile(join(parentPath, name))).toString('latin1'), name);
  // What is looked for would be found.
  const [database] = named.filter(({ name }) => name === 'queue.db');
  const bytes = await readFile(join(database?.parentPath ?? '', 'queue.db'));
  expect(bytes.includes('the viewer')).toBe(true);
});
