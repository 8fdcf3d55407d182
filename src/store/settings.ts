// Settings saved by the API, one row for each dotted key. Knows neither their meaning nor their bounds.

import type { Database } from './database.ts';

/** Everything saved, by dotted key (`schedulerOptions.maxRetries`). */
export async function readSettings(db: Database): Promise<Record<string, unknown>> {
  const rows = await db.run('SELECT key, value FROM settings ORDER BY key');
  return Object.fromEntries(rows.map((row) => [String(row.key), JSON.parse(String(row.value))]));
}

/** Saves the named keys together, all or none; null removes a key, the others stay. Values must be JSON. */
export async function writeSettings(db: Database, patch: Readonly<Record<string, unknown>>): Promise<void> {
  const entries = Object.entries(patch).filter(([, value]) => value !== undefined);
  if (entries.length === 0) return;
  await db.batch(
    entries.map(([key, value]) =>
      value === null
        ? { sql: 'DELETE FROM settings WHERE key = :key', args: { key } }
        : {
            sql: `INSERT INTO settings(key, value, updated_at) SELECT :key, :value, now FROM clock WHERE true
                  ON CONFLICT(key) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at`,
            args: { key, value: JSON.stringify(value) },
          },
    ),
  );
}
