// Files whose name alone says that they hold secrets. Pure; knows names only, never content.

import { matchesName } from './path-pattern.ts';

/** Binary: a search of the content finds nothing in them. */
const KEY_STORES = ['*.p12', '*.pfx', '*.jks', '*.kdb', '*.kdbx'];

/** Names as people write them; compared in lower case with the file's own name. */
const DENIED_NAMES = [
  '.env',
  '.env.*',
  '.dev.vars',
  '*.pem',
  '*.ppk',
  ...KEY_STORES,
  'id_rsa',
  'id_dsa',
  'id_ecdsa',
  'id_ecdsa_sk',
  'id_ed25519',
  'id_ed25519_sk',
  'credentials.json',
  '.git-credentials',
  '.netrc',
  '_netrc',
  '.pgpass',
  '.htpasswd',
  '.vault-token',
  // What a service of ours keeps where it was started: the token of its run, and secrets of webhooks.
  '*.runtime.json',
  'sync-queue.db',
  'sync-queue.db-*',
];

/** Folder and name together. */
const DENIED_PLACES = ['.aws/credentials', '.config/gh/hosts.yml', '.docker/config.json', '.kube/config'];

/** Files that show which settings exist, made to be shared. Their content is scanned all the same. */
const SHARED_EXAMPLE = /\.(?:example|sample|template)$/;

/** The name pattern that denies this path, or null. `path` has `/` between parts. */
export function deniedName(path: string): string | null {
  const lower = path.toLowerCase();
  const name = lower.slice(lower.lastIndexOf('/') + 1);
  if (SHARED_EXAMPLE.test(name)) return null;
  const place = DENIED_PLACES.find((denied) => lower === denied || lower.endsWith(`/${denied}`));
  return place ?? DENIED_NAMES.find((pattern) => matchesName(pattern, name)) ?? null;
}

/** The name pattern of a key store, whose content cannot be searched for secrets; or null. */
export function keyStoreName(path: string): string | null {
  const name = path.toLowerCase().slice(path.lastIndexOf('/') + 1);
  return KEY_STORES.find((pattern) => matchesName(pattern, name)) ?? null;
}
