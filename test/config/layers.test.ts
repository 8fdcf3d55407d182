import { expect, test } from 'vitest';
import { checkBind, createConfigAccess } from '../../src/config/access.ts';
import { flatten, type Layers, mergeLayers, readEnvironment } from '../../src/config/layers.ts';
import { SETTING_KEYS, settingOf } from '../../src/config/settings.ts';
import { Failure } from '../../src/model/failure.ts';

function issuesOf(run: () => unknown): { path: string; message: string }[] {
  try {
    run();
  } catch (error) {
    if (error instanceof Failure) return error.data.issues as { path: string; message: string }[];
    throw error;
  }
  throw new Error('It was accepted.');
}

test('mergeLayers() gives the documented defaults', () => {
  const { config, sources } = mergeLayers({});
  expect(config).toMatchObject({
    port: 3001,
    host: 'localhost',
    corsOrigin: 'http://localhost:3000',
    'schedulerOptions.scanInterval': 300_000,
    'schedulerOptions.maxConcurrentSyncs': 3,
    'schedulerOptions.maxRetries': 3,
    'schedulerOptions.retryDelay': 30_000,
    'schedulerOptions.rateLimitDelay': 60_000,
    'schedulerOptions.dbPath': './data/sync-queue.db',
  });
  expect(new Set(Object.values(sources))).toEqual(new Set(['default']));
});

test('mergeLayers() lets a later layer win: file, environment, flag, saved', () => {
  const layers: Layers = {
    file: { port: 1 },
    environment: { port: 2 },
    flag: { port: 3 },
    saved: { port: 4 },
  };
  const order = ['file', 'environment', 'flag', 'saved'] as const;
  for (const [at, source] of order.entries()) {
    const given = Object.fromEntries(order.slice(0, at + 1).map((name) => [name, layers[name]]));
    const { config, sources } = mergeLayers(given);
    expect([config.port, sources.port]).toEqual([at + 1, source]);
  }
});

test('mergeLayers() names every fault at once, with its source and value', () => {
  const issues = issuesOf(() =>
    mergeLayers(
      { file: { port: 'x' }, environment: { 'schedulerOptions.maxConcurrentSyncs': 0 }, flag: { host: '' } },
      [{ path: 'SYNC_ROOTS', message: 'found before' }],
    ),
  );
  expect(issues.map((issue) => issue.path)).toEqual(['SYNC_ROOTS', 'port', 'host', 'SYNC_MAX_CONCURRENT']);
  expect(issues[1]?.message).toContain('file: "x"');
});

test('mergeLayers() never shows a secret that it refuses', () => {
  const issues = issuesOf(() =>
    mergeLayers({ environment: { apiToken: 'short', tokens: { 'bad host': 'hidden' } } }),
  );
  expect(issues).toHaveLength(2);
  expect(JSON.stringify(issues)).not.toMatch(/short|hidden/);
});

test('flatten() names unknown settings and keeps the historic nesting', () => {
  const { layer, issues } = flatten(
    { port: 1, schedulerOptions: { retryDelay: 5, nope: 1 }, prot: 2 },
    'a file',
  );
  expect(layer).toEqual({ port: 1, 'schedulerOptions.retryDelay': 5 });
  expect(issues.map((issue) => issue.path)).toEqual(['schedulerOptions.nope', 'prot']);
});

test('readEnvironment() reads every variable in its form, and DEBUG=1', () => {
  const { layer, issues } = readEnvironment({
    SYNC_API_PORT: '4000',
    SYNC_WATCH: 'no',
    SYNC_ROOTS: '/a:/b',
    SYNC_TOKENS: '{"git.example.com:8443":"t"}',
    SYNC_ALLOWED_HOSTS: 'a.example.com, b.example.com',
    SYNC_DB_PATH: '',
    DEBUG: '1',
  });
  expect(issues).toEqual([]);
  expect(layer).toEqual({
    port: 4000,
    watch: false,
    roots: ['/a', '/b'],
    tokens: { 'git.example.com:8443': 't' },
    allowedHosts: ['a.example.com', 'b.example.com'],
    logLevel: 'debug',
  });
});

test.each([
  ['SYNC_API_PORT', '4001', 'port', 4_001],
  ['SYNC_API_HOST', '0.0.0.0', 'host', '0.0.0.0'],
  ['SYNC_CORS_ORIGIN', 'https://a.example', 'corsOrigin', 'https://a.example'],
  ['SYNC_DB_PATH', '/x/queue.db', 'schedulerOptions.dbPath', '/x/queue.db'],
  ['SYNC_SCAN_INTERVAL', '60000', 'schedulerOptions.scanInterval', 60_000],
  ['SYNC_MAX_CONCURRENT', '7', 'schedulerOptions.maxConcurrentSyncs', 7],
  ['SYNC_MAX_RETRIES', '0', 'schedulerOptions.maxRetries', 0],
  ['SYNC_RETRY_DELAY', '1000', 'schedulerOptions.retryDelay', 1_000],
  ['SYNC_RATE_LIMIT_DELAY', '2000', 'schedulerOptions.rateLimitDelay', 2_000],
  ['SYNC_DB_URL', 'http://127.0.0.1:8080', 'dbUrl', 'http://127.0.0.1:8080'],
  ['SYNC_DB_AUTH_TOKEN', 'db-token', 'dbAuthToken', 'db-token'],
  ['SYNC_API_TOKEN', 'a-token-of-enough-letters', 'apiToken', 'a-token-of-enough-letters'],
  ['SYNC_ROOTS', '/a:/b', 'roots', ['/a', '/b']],
  ['SYNC_TOKENS', '{"h":"t"}', 'tokens', { h: 't' }],
  ['SYNC_MACHINE_ID', 'desk', 'machineId', 'desk'],
  ['SYNC_LOG_LEVEL', 'warn', 'logLevel', 'warn'],
  ['DEBUG', '1', 'logLevel', 'debug'],
])('the documented variable %s=%s sets %s', (name, text, key, value) => {
  const { layer, issues } = readEnvironment({ [name]: text });
  expect(issues).toEqual([]);
  const { config, sources } = mergeLayers({ environment: layer });
  expect(config).toMatchObject({ [key]: value });
  expect(sources).toMatchObject({ [key]: 'environment' });
});

test.each([
  ['SYNC_API_PORT', '12ab'],
  ['SYNC_WATCH', 'perhaps'],
  ['SYNC_TOKENS', '{"host":'],
])('readEnvironment() refuses %s=%s by the name of the variable', (name, value) => {
  expect(readEnvironment({ [name]: value }).issues).toEqual([expect.objectContaining({ path: name })]);
});

test('every setting has words for people, and every environment name is used once', () => {
  const names = SETTING_KEYS.map((key) => settingOf(key).env).filter((name) => name !== undefined);
  expect(new Set(names).size).toBe(names.length);
  for (const key of SETTING_KEYS) expect(settingOf(key).doc).toMatch(/\.$/);
});

function accessOver(layers: Layers) {
  const saved: Record<string, unknown>[] = [];
  const changed: string[][] = [];
  const access = createConfigAccess({
    layers,
    save: async (values) => void saved.push(values),
    onChange: (keys) => void changed.push(keys),
  });
  return { access, saved, changed };
}

test('update() applies live settings at once and says which need a restart', async () => {
  const { access, saved, changed } = accessOver({});
  const answer = await access.update({ port: 4000, schedulerOptions: { maxConcurrentSyncs: 7 } });
  expect(answer.restartRequired).toEqual(['port']);
  expect(access.current()).toMatchObject({ port: 3001, 'schedulerOptions.maxConcurrentSyncs': 7 });
  expect(access.view()).toMatchObject({ config: { port: 4000 }, sources: { port: 'saved' } });
  expect(saved).toEqual([{ port: 4000, 'schedulerOptions.maxConcurrentSyncs': 7 }]);
  expect(changed).toEqual([['port', 'schedulerOptions.maxConcurrentSyncs']]);
});

test('update() changes nothing when one value is wrong', async () => {
  const { access, saved } = accessOver({});
  await expect(access.update({ port: 4000, schedulerOptions: { maxRetries: -1 } })).rejects.toMatchObject({
    code: 'invalid-config',
  });
  expect(saved).toEqual([]);
  expect(access.view().config).toMatchObject({ port: 3001 });
});

test('update() refuses what the database cannot hold: its own path and secrets', async () => {
  const { access } = accessOver({});
  await expect(access.update({ schedulerOptions: { dbPath: 'x' } })).rejects.toThrow('SYNC_DB_PATH');
  await expect(access.update({ apiToken: 'a-long-enough-token' })).rejects.toThrow('SYNC_API_TOKEN');
});

test('update() with null takes the saved value back', async () => {
  const { access } = accessOver({ environment: { port: 2000 }, saved: { port: 4000 } });
  await access.update({ port: null });
  expect(access.view()).toMatchObject({ config: { port: 2000 }, sources: { port: 'environment' } });
});

test('view() masks secrets', () => {
  const { access } = accessOver({
    environment: { apiToken: 'a-long-enough-token', tokens: { 'github.com': 't' } },
  });
  expect(access.view().config).toMatchObject({ apiToken: '********', tokens: { 'github.com': '********' } });
});

test.each([
  ['localhost', null, true],
  ['127.0.0.1', null, true],
  ['127.9.9.9', null, true],
  ['::1', null, true],
  ['0.0.0.0', null, false],
  ['192.168.1.5', null, false],
  ['127.0.0.1.example.com', null, false],
  ['0.0.0.0', 'a-long-enough-token', true],
])('checkBind() for %s with token %s: %s', (host, apiToken, allowed) => {
  const check = () => checkBind({ host, apiToken });
  if (allowed) expect(check).not.toThrow();
  else expect(check).toThrow(Failure);
});
