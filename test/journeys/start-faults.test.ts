// What cannot start says why, by what setting, and changes nothing.

import { chmod, mkdir, readFile, watch, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { beginJourney, type Journey } from '../support/journey.ts';
import { runToEnd } from '../support/service.ts';

let journey: Journey;
beforeEach(async () => {
  journey = await beginJourney();
});
afterEach(async () => {
  await journey.end();
});

test('a port in use ends with 1 and names the settings', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => other.once('listening', resolve));
  const { port } = other.address() as AddressInfo;
  const ended = await runToEnd({ dataDir: journey.dataDir, args: ['--port', String(port)] });
  expect(ended.code).toBe(1);
  expect(ended.err).toContain(String(port));
  expect(ended.err).toContain('SYNC_API_PORT');
  await new Promise((resolve) => other.close(resolve));
});

test('a database in use by another gitferry is refused with its process id', async () => {
  const service = await journey.start();
  const ended = await runToEnd({ dataDir: journey.dataDir });
  expect(ended.code).toBe(1);
  expect(ended.err).toContain(String(service.pid));
  expect(ended.err).toContain('database-in-use');
  expect((await service.api('GET', '/health')).status).toBe(200);
});

test('a corrupt database is refused, named, and left as it is', async () => {
  const file = join(journey.dataDir, 'queue.db');
  await mkdir(journey.dataDir, { recursive: true });
  await writeFile(file, 'this is no database, but it is somebody’s file\n'.repeat(200));
  const before = await readFile(file);
  const ended = await runToEnd({ dataDir: journey.dataDir });
  expect(ended.code).toBe(1);
  expect(ended.err).toContain(file);
  expect(ended.err).toContain('database-corrupt');
  expect(await readFile(file)).toEqual(before);
});

test('every faulty setting is listed at once, and nothing starts', async () => {
  const config = join(journey.folder, 'settings.json');
  await writeFile(config, JSON.stringify({ prot: 1, schedulerOptions: { maxConcurrentSyncs: 0 } }));
  const ended = await runToEnd({
    dataDir: journey.dataDir,
    args: ['--config', config],
    env: { SYNC_SCAN_INTERVAL: 'soon', SYNC_TOKENS: '{"h":"secret-value' },
  });
  expect(ended.code).toBe(1);
  for (const text of ['prot', 'maxConcurrentSyncs', 'SYNC_SCAN_INTERVAL', 'SYNC_TOKENS'])
    expect(ended.err).toContain(text);
  expect(ended.err).not.toContain('secret-value');
});

test('an address beyond this machine needs a token', async () => {
  const ended = await runToEnd({ dataDir: journey.dataDir, args: ['--host', '0.0.0.0'] });
  expect(ended.code).toBe(1);
  expect(ended.err).toContain('SYNC_API_TOKEN');
});

test('a named folder that is no repository ends with 1', async () => {
  const folder = join(journey.folder, 'plain');
  await mkdir(folder);
  const ended = await runToEnd({ dataDir: journey.dataDir, folders: [folder] });
  expect(ended.code).toBe(1);
  expect(ended.err).toContain('not-a-repository');
});

test('a root lists what it holds and syncs only what says so', async () => {
  const consenting = await journey.addProject('roots/yes');
  const silent = await journey.addProject('roots/no');
  await silent.repo.git('rm', '--quiet', 'project.json');
  await silent.repo.git('commit', '--quiet', '--message', 'no settings');
  const service = await journey.start({ folders: [join(journey.folder, 'roots')] });
  await service.until('the consenting one', async () => {
    const { body } = await service.api('GET', '/api/sync/projects');
    return (
      body.projects.length === 1 &&
      body.projects[0].path === consenting.path &&
      body.projects[0].state === 'safe'
    );
  });
  const { body } = await service.api('GET', '/api/sync/discover');
  expect(JSON.stringify(body)).toContain(silent.path);
  expect(await journey.server.refOf(silent.remotePath, 'refs/heads/main')).toBeNull();
});

test.runIf(process.getuid?.() !== 0)('a read-only data folder is refused by name', async () => {
  await mkdir(journey.dataDir, { recursive: true });
  await chmod(journey.dataDir, 0o555);
  const ended = await runToEnd({ dataDir: journey.dataDir });
  await chmod(journey.dataDir, 0o755);
  expect(ended.code).toBe(1);
  expect(ended.err).toContain('database-read-only');
});

test('a variable that only looks like a setting is named at the start together with the nearest one', async () => {
  const service = await journey.start({ env: { SYNC_API_PROT: '4000' } });
  expect((await service.api('GET', '/health')).status).toBe(200);
  expect(service.output.err).toMatch(/"level":"warn".*SYNC_API_PROT is no setting.*SYNC_API_PORT/);
});

test('the start says how each named project stands', async () => {
  const good = await journey.addProject('good');
  const broken = await journey.addProject('broken');
  await writeFile(join(broken.path, 'project.json'), '{ oops');
  const off = await journey.addProject('off');
  await writeFile(join(off.path, 'project.json'), '{"version": 2, "github": {"enabled": false}}\n');
  const folders = [good, broken, off].map(({ path }) => path);
  const service = await journey.start({ folders });
  const { out } = service.output;
  expect(out).toContain(`good: syncing ${good.path}`);
  expect(out).toMatch(/broken: blocked \S+: .*project\.json/);
  expect(out).not.toContain('broken: syncing');
  expect(out).toContain(`off: disabled ${off.path}`);
  await service.stop();
  const idle = await journey.start({ folders: [good.path], env: { SYNC_AUTO_START: 'false' } });
  expect(idle.output.out).toContain(`good: not started ${good.path}`);
});

test('a stop ends the program politely while it still starts, and the next start finds nothing in its way', async () => {
  const good = await journey.addProject('good');
  const options = { dataDir: journey.dataDir, folders: [good.path] };
  await mkdir(journey.dataDir, { recursive: true });
  const ended = await runToEnd(options, async (child) => {
    // The database appears: the program is past its settings and far from its first line.
    for await (const { filename } of watch(journey.dataDir)) {
      if (filename === 'queue.db') break;
    }
    child.kill('SIGTERM');
  });
  expect(ended).toMatchObject({ code: 0, out: '' });
  expect(ended.err).toContain('"signal":"SIGTERM"');
  const service = await journey.start({ folders: [good.path], env: { SYNC_AUTO_START: 'false' } });
  expect(await service.stop()).toBe(0);
});
