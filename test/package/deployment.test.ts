// The files that deploy: each is read as its program reads it, and says nothing that the program does not know.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { createClient } from '@libsql/client';
import { parse as parseToml } from 'smol-toml';
import { expect, test } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { SETTINGS, settingOf } from '../../src/config/settings.ts';
import { foreignToken, sqldMissing, startSqld } from '../support/sqld.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string) => readFileSync(`${ROOT}${path}`, 'utf8');
const VARIABLES = new Set<string>(Object.values(SETTINGS).flatMap(({ env }) => env ?? []));
/** Variables of the service that are no settings: the runtime's, and the token of a host. */
const OTHERS = ['NODE_ENV', 'GITHUB_TOKEN', 'XDG_STATE_HOME'];
const isVariable = (name: string) => VARIABLES.has(name) || OTHERS.includes(name);
const GRACE_MS = settingOf('shutdownGraceMs').default as number;
/** What an end takes beyond the grace: feeds, connections, database. */
const CLOSING_MS = 15_000;

/** Keys of fly.toml by section, from Fly's own reference: https://fly.io/docs/reference/configuration/ (2026-11). */
const FLY_KEYS: Record<string, readonly string[]> = {
  '': ['app', 'primary_region', 'kill_signal', 'kill_timeout', 'swap_size_mb', 'console_command'],
  build: [
    ...['builder', 'buildpacks', 'image', 'dockerfile', 'ignorefile', 'build-target', 'args'],
    ...['compression', 'compression_level'],
  ],
  http_service: [
    ...['processes', 'internal_port', 'force_https', 'auto_stop_machines', 'auto_start_machines'],
    ...['min_machines_running', 'concurrency', 'http_options', 'tls_options', 'checks', 'machine_checks'],
  ],
  'http_service.checks': [
    ...['grace_period', 'interval', 'timeout', 'method', 'path', 'protocol', 'tls_server_name'],
    ...['tls_skip_verify', 'headers'],
  ],
  mounts: [
    ...['source', 'destination', 'processes', 'initial_size', 'snapshot_retention', 'scheduled_snapshots'],
    ...['auto_extend_size_threshold', 'auto_extend_size_increment', 'auto_extend_size_limit'],
  ],
  restart: ['policy', 'retries', 'processes'],
  vm: ['size', 'memory', 'cpus', 'cpu_kind', 'gpus', 'gpu_kind', 'host_dedication_id', 'processes'],
};

type Section = Record<string, unknown>;

/** Keys that the reference does not have, with their section. The variables of `env` are looked at apart. */
function unknownFlyKeys(section: Section, name = ''): string[] {
  return Object.entries(section).flatMap(([key, value]) => {
    const path = name === '' ? key : `${name}.${key}`;
    if (path === 'env') return [];
    const isSection = path in FLY_KEYS;
    if (!isSection && !FLY_KEYS[name]?.includes(key)) return [path];
    return isSection ? [value].flat().flatMap((one) => unknownFlyKeys(one as Section, path)) : [];
  });
}

test('fly.toml has keys that Fly documents, and keeps one machine with a volume always on', () => {
  // biome-ignore lint/suspicious/noExplicitAny: sections of many shapes
  const fly = parseToml(read('fly.toml')) as Record<string, any>;
  expect(unknownFlyKeys(fly)).toEqual([]);
  expect(unknownFlyKeys({ ...fly, vm: [{ memmory: '1gb' }], mount: [] })).toEqual(['vm.memmory', 'mount']);
  const { env, http_service: service, mounts, restart, kill_signal, kill_timeout } = fly;
  expect(Object.keys(env).filter((name) => !isVariable(name))).toEqual([]);
  for (const secret of ['SYNC_API_TOKEN', 'GITHUB_TOKEN', 'SYNC_TOKENS', 'SYNC_DB_AUTH_TOKEN'])
    expect(env).not.toHaveProperty(secret);
  expect(service).toMatchObject({
    ...{ internal_port: Number(env.SYNC_API_PORT), force_https: true },
    ...{ auto_stop_machines: 'off', min_machines_running: 1, checks: [{ method: 'GET', path: '/health' }] },
  });
  expect(mounts).toEqual([{ source: 'data', destination: '/data' }]);
  expect(env.SYNC_DB_PATH).toMatch(/^\/data\//);
  expect(restart).toEqual([{ policy: 'always' }]);
  expect(kill_signal).toBe('SIGTERM');
  expect(Number(kill_timeout) * 1000).toBeGreaterThan(GRACE_MS);
});

type Service = {
  image?: string;
  build?: string;
  environment: Record<string, string>;
  volumes: string[];
  ports: string[];
  [key: string]: unknown;
};
type Compose = { services: { queue: Service; gitferry: Service }; volumes: Record<string, null> };

/** Keys of a service that we use, from https://github.com/compose-spec/compose-spec/blob/main/05-services.md (2026-11). */
const SERVICE_KEYS = [
  ...['image', 'build', 'restart', 'depends_on', 'environment', 'volumes', 'ports', 'read_only', 'tmpfs'],
  ...['cap_drop', 'security_opt', 'stop_grace_period'],
];
const compose = () => parseYaml(read('compose.yaml'), { strict: true, uniqueKeys: true }) as Compose;

test('compose.yaml names variables that the service and the image know, and volumes that it makes', () => {
  const file = compose();
  expect(Object.keys(file).sort()).toEqual(['name', 'services', 'volumes']);
  const { queue, gitferry } = file.services;
  for (const service of [queue, gitferry]) {
    expect(Object.keys(service).filter((key) => !SERVICE_KEYS.includes(key))).toEqual([]);
    for (const volume of service.volumes) expect(file.volumes).toHaveProperty([volume.split(':')[0] ?? '']);
    for (const port of service.ports)
      expect(port, 'no port is open to the network').toMatch(/^127\.0\.0\.1:/);
  }
  expect(Object.keys(gitferry.environment).filter((name) => !isVariable(name))).toEqual([]);
  // No secret has a default, and none is written there.
  for (const name of ['SYNC_DB_AUTH_TOKEN', 'SYNC_API_TOKEN', 'SYNC_MACHINE_ID'])
    expect(gitferry.environment[name]).toMatch(new RegExp(`^\\$\\{${name}:\\?.+\\}$`));
  const [, port] = /0\.0\.0\.0:(\d+)/.exec(queue.environment.SQLD_HTTP_LISTEN_ADDR ?? '') ?? [];
  expect(gitferry.environment.SYNC_DB_URL).toContain(`http://queue:${port}`);
});

test('compose.yaml gives the service a root that cannot be written, and the time that its end takes', () => {
  const { gitferry } = compose().services;
  expect(gitferry).toMatchObject({ build: '.', read_only: true, tmpfs: ['/tmp'], cap_drop: ['ALL'] });
  const image = read('Dockerfile');
  // All that the service writes is below its volume.
  for (const name of ['SYNC_DB_PATH', 'XDG_STATE_HOME'])
    expect(image).toMatch(new RegExp(`\\b${name}=/data/`));
  expect(gitferry.volumes).toEqual(['data:/data']);
  const [, seconds] = /^(\d+)s$/.exec(String(gitferry.stop_grace_period)) ?? [];
  expect(Number(seconds) * 1000).toBeGreaterThanOrEqual(GRACE_MS + CLOSING_MS);
});

test.each(['.dockerignore', '.gitignore'])(
  '%s leaves out the file that compose.yaml has its secrets from',
  (path) => {
    expect(read(path).split('\n')).toContain('.env*');
  },
);

test('the process file of pm2 starts one process, and leaves it the time that its end takes', () => {
  const { apps } = createRequire(import.meta.url)(`${ROOT}ecosystem.config.cjs`);
  expect(apps).toHaveLength(1);
  expect(apps[0]).toMatchObject({ script: './dist/main.js', args: 'start', exec_mode: 'fork', instances: 1 });
  expect(apps[0].kill_timeout).toBeGreaterThan(GRACE_MS);
  expect(Object.keys(apps[0].env).filter((name) => !isVariable(name))).toEqual([]);
});

test.skipIf(sqldMissing !== null)(
  'a server with the key that is made for compose.yaml takes its token, and no other',
  async () => {
    const lines = execFileSync(process.execPath, [`${ROOT}scripts/queue-keys.mjs`]).toString();
    const { SQLD_AUTH_JWT_KEY = '', SYNC_DB_AUTH_TOKEN = '' } = Object.fromEntries(
      lines
        .trim()
        .split('\n')
        .map((line) => line.split(/=(.*)/)),
    );
    expect(compose().services.queue.environment.SQLD_AUTH_JWT_KEY).toMatch(/^\$\{SQLD_AUTH_JWT_KEY:\?/);
    const sqld = await startSqld({ env: { SQLD_AUTH_JWT_KEY } });
    try {
      const ask = (authToken: string) =>
        createClient({ url: sqld.url, authToken }).execute('SELECT 1 AS one');
      expect((await ask(SYNC_DB_AUTH_TOKEN)).rows).toMatchObject([{ one: 1 }]);
      await expect(ask(foreignToken())).rejects.toThrow();
      await expect(ask('')).rejects.toThrow();
    } finally {
      await sqld.stop();
    }
  },
);
