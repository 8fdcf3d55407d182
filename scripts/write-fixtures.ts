// Keeps a database and a project.json of every schema version under test/fixtures, to see that each can be upgraded:
// `npm run fixtures`. Writes what is missing and never what is there: a released version does not change any more.

import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { systemClock, systemRandom } from '../src/host/clock.ts';
import { silentLog } from '../src/host/log.ts';
import { openLocal } from '../src/store/local.ts';
import { migrate } from '../src/store/migrate.ts';
import { MIGRATIONS } from '../src/store/migrations/list.ts';

const FOLDER = fileURLToPath(new URL('../test/fixtures', import.meta.url));
/** All that is dated, is of then: a fixture that is made again holds the same. */
const THEN = 1_790_000_000_000;

/** What a version's database holds; each entry since the version that has its columns. */
const CONTENTS: { since: number; sql: string }[] = [
  { since: 1, sql: "UPDATE meta SET value = 'fixture' WHERE key = 'epoch'" },
  {
    since: 1,
    sql: `INSERT INTO settings VALUES ('schedulerOptions.maxRetries', '5', ${THEN})`,
  },
  { since: 1, sql: "INSERT INTO gates(key) VALUES ('host:github.com'), ('cred:github.com')" },
  {
    since: 1,
    sql: "INSERT INTO gates(key, paused_until, strikes, reason) VALUES ('host:example.com', 1, 2, 'offline')",
  },
  {
    since: 1,
    sql: `INSERT INTO lanes(machine_id, host_gate, credential_gate)
      VALUES ('laptop', 'host:github.com', 'cred:github.com')`,
  },
  {
    since: 1,
    sql: `INSERT INTO workers(id, machine_id, pid, version, started_at, seen_at, state)
      VALUES ('laptop-1', 'laptop', 1, '0.1.0', ${THEN}, ${THEN}, 'stopped')`,
  },
  {
    since: 1,
    sql: `INSERT INTO projects(project_id, project_name, machine_id, path, lane_id, lock_key, enabled, config, created_at,
        branch, last_safe_at, remote_tips)
      SELECT value, upper(value), 'laptop', '/home/ada/' || value, 1, 'remote:github.com/ada/' || value, value <> 'attic',
        json_object('enabled', json(iif(value <> 'attic', 'true', 'false')), 'futureKey', 1, 'remoteUrl', 'https://github.com/ada/' || value || '.git'), ${THEN}, 'main', ${THEN},
        '{"main":"0123456789012345678901234567890123456789"}'
      FROM json_each('["blog","notes","attic","thesis"]')`,
  },
  {
    since: 1,
    sql: `INSERT INTO jobs(project_id, lane_id, lock_key, state, trigger_kind, want_gen, dirty_since, run_at, updated_at)
      SELECT id, lane_id, lock_key, 'scheduled', 'watch', 1, ${THEN}, ${THEN}, ${THEN} FROM projects WHERE enabled`,
  },
  ...['blog', 'thesis'].map((name) => ({
    since: 1,
    sql: `UPDATE jobs SET state = 'running', worker_id = 'laptop-1', fence = 1, claimed_gen = 1, dirty_since = NULL,
        attempt = 1, started_at = ${THEN}, lease_until = ${THEN}, run_at = NULL, updated_at = ${THEN}
      WHERE project_id = (SELECT id FROM projects WHERE project_id = '${name}')`,
  })),
  {
    since: 1,
    sql: `UPDATE jobs SET state = 'idle', worker_id = NULL, lease_until = NULL, done_gen = 1, attempt = 0,
        last_status = 'success', last_stats = '{"commit":"0123456","branch":"main","filesChanged":2,"bytesPushed":800}',
        updated_at = ${THEN + 61}
      WHERE project_id = (SELECT id FROM projects WHERE project_id = 'blog')`,
  },
  {
    since: 1,
    sql: `UPDATE jobs SET state = 'parked', worker_id = NULL, lease_until = NULL, dirty_since = ${THEN},
        last_status = 'failed', updated_at = ${THEN + 99},
        last_error = '{"code":"push-forbidden","detail":"No.","action":"Ask.","retryable":false}'
      WHERE project_id = (SELECT id FROM projects WHERE project_id = 'thesis')`,
  },
  {
    since: 3,
    sql: `UPDATE projects SET engine = '{"name":"builtin","reason":null}' WHERE project_id = 'blog'`,
  },
  {
    since: 8,
    sql: `UPDATE projects SET cron = '["0 3 * * *",null]', cron_due_at = ${THEN + 9} WHERE project_id = 'blog'`,
  },
  {
    since: 11,
    sql: `INSERT INTO access_tokens(token_id, name, role, digest, created_at, created_by)
      VALUES ('t1', 'ci', 'viewer', 'digest', ${THEN}, 'operator')`,
  },
  { since: 1, sql: `UPDATE events SET at = ${THEN}` },
  { since: 1, sql: `UPDATE schema_migrations SET applied_at = ${THEN}` },
];

/** Version 1 had no `version`. Keys that nobody knows stay. */
const PROJECT_FILES = {
  1: {
    projectId: 'blog',
    projectName: 'Blog',
    github: {
      enabled: true,
      remoteUrl: 'https://github.com/ada/blog.git',
      syncBranches: ['main', 'auto/*'],
      authentication: { type: 'token', configured: true },
    },
    editor: { theme: 'dark' },
  },
  2: {
    version: 2,
    projectId: 'blog',
    projectName: 'Blog',
    github: {
      enabled: true,
      remoteUrl: 'https://github.com/ada/blog.git',
      syncBranches: ['main', 'auto/*'],
      authentication: { type: 'token', configured: true, credential: 'work' },
      mode: 'commit',
      integrate: 'merge',
      onRejected: 'side-branch',
      remotes: [{ name: 'mirror', url: 'https://git.example.com/ada/blog.git' }],
      schedule: { cron: '0 3 * * *', timezone: 'Europe/Berlin', quietMs: 2_000 },
      guard: { allow: ['docs/sample.env'], secrets: true },
    },
    editor: { theme: 'dark' },
  },
};

async function databaseOf(version: number): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), 'gitferry-fixture-'));
  try {
    const source = join(folder, 'source.db');
    const db = await openLocal(source, { clock: systemClock, random: systemRandom, log: silentLog });
    await migrate(db, MIGRATIONS.slice(0, version));
    for (const { since, sql } of CONTENTS) if (since <= version) await db.run(sql);
    await db.close();
    return gzipSync(await readFile(source), { level: 9 });
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function keep(name: string, make: () => Promise<string | Buffer>): Promise<void> {
  const path = join(FOLDER, name);
  if (!existsSync(path)) await writeFile(path, await make());
}

await mkdir(FOLDER, { recursive: true });
for (const { version } of MIGRATIONS) {
  await keep(`schema-${String(version).padStart(3, '0')}.db.gz`, () => databaseOf(version));
}
for (const [version, file] of Object.entries(PROJECT_FILES)) {
  await keep(`project-${version}.json`, async () => `${JSON.stringify(file, null, 2)}\n`);
}
