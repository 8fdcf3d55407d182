// People who may call the API, and what they changed.

import type { Migration } from './migration.ts';

export const people: Migration = {
  version: 11,
  name: 'people',
  statements: [
    // digest: SHA-256 of the secret, which itself is stored nowhere. It is random and long, so no salt is needed.
    `CREATE TABLE access_tokens (
       token_id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, role TEXT NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
       digest TEXT NOT NULL UNIQUE, created_at INTEGER NOT NULL, created_by TEXT NOT NULL,
       expires_at INTEGER, last_used_at INTEGER
     ) WITHOUT ROWID, STRICT`,
    // A name is kept with each entry: the token may be gone.
    `CREATE TABLE audit (
       id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, machine_id TEXT NOT NULL,
       actor TEXT NOT NULL, role TEXT NOT NULL, token_id TEXT, address TEXT, forwarded_for TEXT,
       request_id TEXT NOT NULL, method TEXT NOT NULL, route TEXT NOT NULL, project_id TEXT, subject TEXT,
       keys TEXT NOT NULL CHECK (json_valid(keys)), status INTEGER NOT NULL, code TEXT
     ) STRICT`,
    'CREATE INDEX audit_at ON audit(at)',
    'CREATE INDEX audit_project ON audit(project_id, id) WHERE project_id IS NOT NULL',
  ],
};
