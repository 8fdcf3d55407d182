import { expect, test } from 'vitest';
import { SETTING_KEYS, settingOf } from '../../src/config/settings.ts';
import { unknownVariables } from '../../src/config/unknown-variables.ts';

test.each([
  ['SYNC_API_PROT', 'SYNC_API_PORT'],
  ['SYNC_TOKEN', 'SYNC_TOKENS'],
  ['SYNC_POLL_INTERVAL', 'SYNC_POLL_INTERVAL_MS'],
  ['SYNC_MAX_CONCURENT', 'SYNC_MAX_CONCURRENT'],
  ['SYNC_HISTORY_DAY', 'SYNC_HISTORY_DAYS'],
])('unknownVariables() names %s and that %s is most like it', (variable, nearest) => {
  expect(unknownVariables({ [variable]: '1', PATH: '/bin' })).toEqual([{ variable, nearest }]);
});

test('unknownVariables() says nothing of what a setting reads, of other programs or of what is not set', () => {
  const known = SETTING_KEYS.flatMap((key) => settingOf(key).env ?? []);
  const env = Object.fromEntries(known.map((name) => [name, 'x']));
  expect(unknownVariables({ ...env, RSYNC_PROXY: 'x', SYNCTHING: 'x', SYNC_GONE: undefined })).toEqual([]);
});
