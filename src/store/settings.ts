// Settings saved by the API, one row for each dotted key. Knows neither their meaning nor their bounds.
// On a shared server each machine has its own: addresses, folders and limits of one mean nothing on another.

import type { Database } from './database.ts';

/** The machine whose settings are meant, or null for a file that belongs to one service. */
export function settingsScope(db: Pick<Database, 'kind'>, machineId: string): string | null {
  return db.kind === 'remote' ? machineId : null;
}

// No setting's key holds a slash.
const prefixOf = (scope: string | null) => (scope === null ? '' : `${scope}/`);

/** Everything saved for the scope, by dotted key (`schedulerOptions.maxRetries`). */
export async function readSettings(db: Database, scope: string | null): Promise<Record<string, unknown>> {
  const prefix = prefixOf(scope);
  const rows = await db.run(
    `SELECT substr(key, length(:prefix) + 1) AS key, value FROM settings
     WHERE substr(key, 1, length(:prefix)) = :prefix AND instr(substr(key, length(:prefix) + 1), '/') = 0
     ORDER BY key`,
    { prefix },
  );
  return Object.fromEntries(rows.map((row) => [String(row.key), JSON.parse(String(row.value))]));
}

/** Saves the named keys together, all or none; null removes a key, the others stay. Values must be JSON. */
export async function writeSettings(
  db: Database,
  patch: Readonly<Record<string, unknown>>,
  scope: string | null,
): Promise<void> {
  const entries = Object.entries(patch).filter(([, value]) => value !== undefined);
  if (entries.length === 0) return;
  await db.batch(
    entries.map(([name, value]) => {
      const key = prefixOf(scope) + name;
      if (value === null) return { sql: 'DELETE FROM settings WHERE key = :key', args: { key } };
      return {
        sql: `INSERT INTO settings(key, value, updated_at) SELECT :key, :value, now FROM clock WHERE true
              ON CONFLICT(key) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at`,
        args: { key, value: JSON.stringify(value) },
      };
    }),
  );
}
