import { expect, test } from 'vitest';
import { readSettings, writeSettings } from '../../src/store/settings.ts';
import { describeDatabases } from '../support/database.ts';

describeDatabases('saved settings', (db) => {
  test('writeSettings() saves each dotted key, changes only what is named, and removes what is null', async () => {
    expect(await readSettings(db())).toEqual({});
    await writeSettings(db(), {
      port: 3_002,
      'schedulerOptions.maxRetries': 5,
      roots: ['/a', '/b c'],
      corsOrigin: 'http://localhost:3000',
      watch: false,
    });
    await writeSettings(db(), { port: 3_003, watch: null, roots: undefined, missing: null });
    await writeSettings(db(), {});
    expect(await readSettings(db())).toEqual({
      port: 3_003,
      'schedulerOptions.maxRetries': 5,
      roots: ['/a', '/b c'],
      corsOrigin: 'http://localhost:3000',
    });
  });

  test('writeSettings() saves all keys or none', async () => {
    await writeSettings(db(), { port: 1 });
    const broken = { port: 2, roots: { toJSON: () => undefined } };
    await expect(writeSettings(db(), broken)).rejects.toThrow();
    expect(await readSettings(db())).toEqual({ port: 1 });
  });
});
