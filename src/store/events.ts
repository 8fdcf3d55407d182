// The feed as it is stored: append, read on from an id, prune. Ids only grow; one writer at a time means that
// they appear in order, so an id is a safe place to go on from. Also the regular pruning. Knows no listeners.

import type { NewEvent } from '../events/types.ts';
import type { EventType, FeedEvent } from '../model/event.ts';
import type { JobId, ProjectId } from '../model/ids.ts';
import type { Database, Row, SqlStatement } from './database.ts';
import { deleteFinished } from './runs.ts';

const PRUNE_BATCH = 500;

const APPEND = `INSERT INTO events(at, type, project_id, job_id, data)
  SELECT clock.now, e.value ->> 'type', e.value ->> 'projectId', e.value ->> 'jobId', coalesce(e.value -> 'data', '{}')
  FROM json_each(:events) e CROSS JOIN clock ORDER BY e.key`;

/** One statement for any number of events, for use in the transaction that makes them true. */
export function eventStatement(events: readonly NewEvent[]): SqlStatement {
  return { sql: APPEND, args: { events: JSON.stringify(events) } };
}

/** Stores events in this order, all or none. They are read back, with ids, by `readEvents`. */
export async function appendEvents(db: Database, events: readonly NewEvent[]): Promise<void> {
  if (events.length > 0) await db.batch([eventStatement(events)]);
}

/** Up to `limit` events with ids above `after`, in order. */
export async function readEvents(
  db: Database,
  options: { after: number; limit: number },
): Promise<FeedEvent[]> {
  const { after, limit } = options;
  const rows = await db.run(
    'SELECT id, at, type, project_id, job_id, data FROM events WHERE id > :after ORDER BY id LIMIT :limit',
    { after, limit },
  );
  return rows.map(eventOf);
}

function eventOf(row: Row): FeedEvent {
  return {
    id: Number(row.id),
    at: Number(row.at),
    type: row.type as EventType,
    projectId: row.project_id as ProjectId | null,
    jobId: row.job_id as JobId | null,
    data: JSON.parse(String(row.data)),
  };
}

export type EventBounds = {
  /** The first id that is certainly still kept; `latest + 1` when none is. */
  oldest: number;
  /** The last id ever given; 0 before the first. */
  latest: number;
  /** Differs when the database was replaced. */
  epoch: string;
};

/** Whoever has seen everything up to `oldest - 1` or later can go on without a gap. */
export async function eventBounds(db: Database): Promise<EventBounds> {
  const [row] = await db.run(`SELECT
    (SELECT value FROM meta WHERE key = 'events_pruned_through') + 1 AS oldest,
    coalesce((SELECT max(id) FROM events), 0) AS latest,
    (SELECT value FROM meta WHERE key = 'epoch') AS epoch`);
  return { oldest: Number(row?.oldest), latest: Number(row?.latest), epoch: String(row?.epoch) };
}

/**
 * Forgets all but the newest `keep` events, but never the newest itself: ids are counted on from it. Answers how many went. The mark moves first: a reader that could miss
 * something is told to start over before the first row is gone.
 */
export async function pruneEvents(db: Database, options: { keep: number }): Promise<number> {
  await db.run(
    `UPDATE meta SET value = max(value, coalesce((SELECT max(id) FROM events), 0) - max(:keep, 1))
     WHERE key = 'events_pruned_through'`,
    { keep: options.keep },
  );
  for (let pruned = 0; ; ) {
    const rows = await db.run(
      `DELETE FROM events WHERE id IN (
         SELECT id FROM events WHERE id <= (SELECT value FROM meta WHERE key = 'events_pruned_through')
         ORDER BY id LIMIT :batch) RETURNING id`,
      { batch: PRUNE_BATCH },
    );
    pruned += rows.length;
    if (rows.length < PRUNE_BATCH) return pruned;
  }
}

/** Forgets runs that finished at or before `olderThanMs` (an instant, epoch milliseconds); answers how many. */
export async function pruneRuns(db: Database, options: { olderThanMs: number }): Promise<number> {
  return deleteFinished(db, { before: options.olderThanMs });
}
