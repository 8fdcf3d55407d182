// Webhooks: which repositories have one, whether it delivers, and which deliveries were acted upon.

import type { Migration } from './migration.ts';

export const webhooks: Migration = {
  version: 10,
  name: 'webhooks',
  statements: [
    // repository: what the lock_key of its projects is in lower case. hook_id: the host's number. secret: of one that was registered here,
    // in the clear, because a signature is checked with it. state: registered by us, found by its deliveries, refused by
    // the host, or off by a person's word.
    `CREATE TABLE webhooks (
       id INTEGER PRIMARY KEY AUTOINCREMENT, repository TEXT NOT NULL UNIQUE, full_name TEXT NOT NULL,
       hook_id INTEGER, url TEXT, secret TEXT,
       state TEXT NOT NULL CHECK (state IN ('wanted', 'registered', 'found', 'refused', 'off')),
       reason TEXT CHECK (json_valid(reason)),
       last_delivery_at INTEGER, last_event TEXT, failed_at INTEGER, failure TEXT,
       checked_at INTEGER, created_at INTEGER NOT NULL
     ) STRICT`,
    `CREATE INDEX webhooks_hook ON webhooks(hook_id)`,
    // outcome is null while it is acted upon.
    `CREATE TABLE webhook_deliveries (
       id INTEGER PRIMARY KEY AUTOINCREMENT, delivery_id TEXT NOT NULL UNIQUE, webhook_id INTEGER, event TEXT NOT NULL,
       received_at INTEGER NOT NULL, outcome TEXT, detail TEXT
     ) STRICT`,
    `CREATE INDEX webhook_deliveries_webhook ON webhook_deliveries(webhook_id, id)`,
    `CREATE INDEX webhook_deliveries_age ON webhook_deliveries(received_at)`,
  ],
};
