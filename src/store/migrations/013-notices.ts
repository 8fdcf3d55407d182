// Notices to people: what is the matter with which project, what was told of it, and how far each target has come.

import type { Migration } from './migration.ts';

export const notices: Migration = {
  version: 13,
  name: 'notices',
  statements: [
    // state: gathering until it goes out with others. paths: a JSON list, of held files.
    `CREATE TABLE notices (
       id INTEGER PRIMARY KEY AUTOINCREMENT, machine_id TEXT NOT NULL, project_id TEXT NOT NULL,
       project_name TEXT NOT NULL, kind TEXT NOT NULL, code TEXT, detail TEXT NOT NULL, action TEXT,
       paths TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(paths)), at INTEGER NOT NULL,
       state TEXT NOT NULL DEFAULT 'gathering' CHECK (state IN ('gathering', 'released'))
     ) STRICT`,
    `CREATE INDEX notices_machine ON notices(machine_id, state, id)`,
    // What lasts, so that a restart neither repeats nor forgets it. notice_id: what was told of it; null: nothing yet.
    `CREATE TABLE notice_conditions (
       machine_id TEXT NOT NULL, project_id TEXT NOT NULL, kind TEXT NOT NULL, code TEXT, since INTEGER NOT NULL,
       paths TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(paths)), notice_id INTEGER,
       PRIMARY KEY (machine_id, project_id, kind)
     ) WITHOUT ROWID, STRICT`,
    // sent_through: the last notice that it has had.
    `CREATE TABLE notice_targets (
       machine_id TEXT NOT NULL, target TEXT NOT NULL, sent_through INTEGER NOT NULL, sent_at INTEGER,
       attempts INTEGER NOT NULL DEFAULT 0, failing_since INTEGER, next_try_at INTEGER, error TEXT,
       PRIMARY KEY (machine_id, target)
     ) WITHOUT ROWID, STRICT`,
  ],
};
