// Brings the schema up to date. Several processes may try at once: each migration is one transaction that begins by
// inserting its version row, so exactly one of them carries it out.

import { Failure } from '../model/failure.ts';
import type { Database } from './database.ts';
import { isConstraint } from './errors.ts';
import { MIGRATIONS } from './migrations/list.ts';
import type { Migration } from './migrations/migration.ts';

const FOREIGN_TABLES = `
  SELECT count(*) FILTER (WHERE name = 'schema_migrations') AS ours, count(*) AS tables, min(name) AS example
  FROM sqlite_master WHERE type = 'table' AND name NOT GLOB 'sqlite_*' AND name NOT GLOB 'libsql_*' AND name NOT GLOB '_*'`;

/** Refuses a database that another program uses: our tables have no place there. */
async function refuseForeign(db: Database): Promise<void> {
  const [row] = await db.run(FOREIGN_TABLES);
  if (row && row.ours === 0 && Number(row.tables) > 0) {
    throw new Failure('invalid-config', `The database belongs to another program (table "${row.example}").`, {
      action: 'Choose another: --db, SYNC_DB_PATH or SYNC_DB_URL.',
    });
  }
}

async function appliedVersions(db: Database): Promise<Set<number>> {
  const rows = await db.run('SELECT version FROM schema_migrations');
  return new Set(rows.map((row) => Number(row.version)));
}

async function apply(db: Database, migration: Migration): Promise<void> {
  const { version, name, statements } = migration;
  const mark = {
    sql: `INSERT INTO schema_migrations(version, name, applied_at)
          VALUES (:version, :name, CAST(round(unixepoch('now', 'subsec') * 1000) AS INTEGER))`,
    args: { version, name },
  };
  try {
    await db.batch([mark, ...statements.map((sql) => ({ sql }))]);
  } catch (error) {
    // Lost the race (or the answer of an earlier try): fine if the version is there, a bug otherwise.
    if (!isConstraint(error) || !(await appliedVersions(db)).has(version)) throw error;
  }
}

/** @throws Failure `database-newer`, `database-older`, `database-missing` unless the schema is the one known here */
export async function checkVersion(db: Database): Promise<void> {
  await refuseForeign(db);
  const [table] = await db.run("SELECT 1 FROM sqlite_master WHERE name = 'schema_migrations'");
  if (table === undefined) throw new Failure('database-missing', 'The database is empty.');
  const applied = await appliedVersions(db);
  refuseNewer(applied, MIGRATIONS);
  const missing = MIGRATIONS.filter(({ version }) => !applied.has(version));
  if (missing.length === 0) return;
  throw new Failure(
    'database-older',
    `The database has schema ${Math.max(0, ...applied)}; this version reads ${missing.at(-1)?.version}.`,
  );
}

function refuseNewer(applied: ReadonlySet<number>, migrations: readonly Migration[]): void {
  const newest = Math.max(0, ...applied);
  const known = Math.max(0, ...migrations.map((migration) => migration.version));
  if (newest <= known) return;
  throw new Failure(
    'database-newer',
    `The database has schema ${newest}; this version knows up to ${known}.`,
  );
}

/**
 * Applies what is missing; idempotent, safe when many processes do it at once.
 * @throws Failure `database-newer` when a later version of the product wrote the database,
 *   `invalid-config` when it belongs to another program
 */
export async function migrate(db: Database, migrations: readonly Migration[] = MIGRATIONS): Promise<void> {
  await refuseForeign(db);
  await db.run(`CREATE TABLE IF NOT EXISTS schema_migrations (
    version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT`);
  const applied = await appliedVersions(db);
  refuseNewer(applied, migrations);
  for (const migration of migrations) {
    if (!applied.has(migration.version)) await apply(db, migration);
  }
}
