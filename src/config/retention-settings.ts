// How much of the past is kept: rows of the table of settings.

import { integer, type Setting } from './setting.ts';

export const RETENTION_SETTINGS = {
  historyDays: {
    ...integer(1, 3_650),
    default: 90,
    env: 'SYNC_HISTORY_DAYS',
    applies: 'live',
    doc: 'Days that runs are kept.',
  },
  eventsKept: {
    ...integer(1_000, 10_000_000),
    default: 100_000,
    env: 'SYNC_EVENTS_KEPT',
    applies: 'live',
    doc: 'Feed events kept for replay.',
  },
  auditDays: {
    ...integer(1, 3_650),
    default: 365,
    env: 'SYNC_AUDIT_DAYS',
    applies: 'live',
    doc: 'Days that the record of who changed what is kept.',
  },
} as const satisfies Record<string, Setting>;
