import { expect, test } from 'vitest';
import { deniedName } from '../../src/guard/deny-names.ts';

test.each([
  ['.env', '.env'],
  ['app/.env', '.env'],
  ['.ENV', '.env'],
  ['.env.local', '.env.*'],
  ['.env.production', '.env.*'],
  ['server.pem', '*.pem'],
  ['keys/Server.PEM', '*.pem'],
  ['id_rsa', 'id_rsa'],
  ['.ssh/id_ed25519', 'id_ed25519'],
  ['cert.p12', '*.p12'],
  ['cert.pfx', '*.pfx'],
  ['passwords.kdbx', '*.kdbx'],
  ['credentials.json', 'credentials.json'],
  ['.aws/credentials', '.aws/credentials'],
  ['data/sync-queue.db.runtime.json', '*.runtime.json'],
  ['data/sync-queue.db', 'sync-queue.db'],
  ['data/sync-queue.db-wal', 'sync-queue.db-*'],
  ['home/.aws/credentials', '.aws/credentials'],
])('deniedName() denies %s by %s', (path, pattern) => {
  expect(deniedName(path)).toBe(pattern);
});

test.each([
  '.env.example',
  '.env.sample',
  'app/.env.template',
  '.env.local.example',
  'environment.ts',
  'env',
  'my.env.ts',
  'id_rsa.pub',
  'id_ed25519.pub',
  'pem.ts',
  'docs/credentials.json.md',
  'x.aws/credentials',
  '.npmrc',
  'credentials',
])('deniedName() lets %s through', (path) => {
  expect(deniedName(path)).toBeNull();
});
