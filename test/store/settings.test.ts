import { expect, test } from 'vitest';
import { readSettings, writeSettings } from '../../src/store/settings.ts';
import { describeDatabases } from '../support/database.ts';

describeDatabases('saved settings', (db) => {
  test('writeSettings() saves each dotted key, changes only what is named, and removes what is null', async () => {
    expect(await readSettings(db(), null)).toEqual({});
    await writeSettings(
      db(),
      {
        port: 3_002,
        'schedulerOptions.maxRetries': 5,
        roots: ['/a', '/b c'],
        corsOrigin: 'http://localhost:3000',
        watch: false,
      },
      null,
    );
    await writeSettings(db(), { port: 3_003, watch: null, roots: undefined, missing: null }, null);
    await writeSettings(db(), {}, null);
    expect(await readSettings(db(), null)).toEqual({
      port: 3_003,
      'schedulerOptions.maxRetries': 5,
      roots: ['/a', '/b c'],
      corsOrigin: 'http://localhost:3000',
    });
  });

  test('writeSettings() saves all keys or none', async () => {
    await writeSettings(db(), { port: 1 }, null);
    const broken = { port: 2, roots: { toJSON: () => undefined } };
    await expect(writeSettings(db(), broken, null)).rejects.toThrow();
    expect(await readSettings(db(), null)).toEqual({ port: 1 });
  });

  test('each machine on a shared server has settings of its own', async () => {
    await writeSettings(db(), { port: 1, watch: false }, 'desk');
    await writeSettings(db(), { port: 2 }, 'desk-2');
    await writeSettings(db(), { port: null }, 'desk');
    expect(await readSettings(db(), 'desk')).toEqual({ watch: false });
    expect(await readSettings(db(), 'desk-2')).toEqual({ port: 2 });
    expect(await readSettings(db(), null)).toEqual({});
  });
});
