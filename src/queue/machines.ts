// The machines that share the queue: whether they are there, and how much of it is theirs. Reads only.

import type { Database, Row } from '../store/database.ts';
import { SILENT_FOR_SURE_MS } from '../store/silent-machines.ts';

/** `dead` was not heard of any more; `stopped` said so: its process ended, or its syncing is stopped. */
export const MACHINE_STATES = ['alive', 'stopped', 'dead'] as const;

/** Instants are epoch milliseconds of the database's clock; null for a machine of which only projects are known. */
export type MachineView = {
  machineId: string;
  state: (typeof MACHINE_STATES)[number];
  version: string | null;
  startedAt: number | null;
  lastHeartbeatAt: number | null;
  projects: number;
  /** Jobs that will run by themselves, that run, and that wait for a person. */
  queue: { waiting: number; running: number; parked: number };
};

// Of several processes of one machine the one that was seen last speaks for it.
const MACHINES = `WITH
  latest AS (SELECT w.*, row_number() OVER (PARTITION BY machine_id ORDER BY state = 'up' DESC, seen_at DESC, id) AS place
    FROM workers w),
  work AS (SELECT p.machine_id, count(*) AS projects, sum(coalesce(j.state IN ('scheduled', 'ready'), 0)) AS waiting,
      sum(coalesce(j.state = 'running', 0)) AS running, sum(coalesce(j.state = 'parked', 0)) AS parked
    FROM projects p LEFT JOIN jobs j ON j.project_id = p.id AND j.kind = 'sync' GROUP BY p.machine_id)
  SELECT m.machine_id, w.state, w.version, w.started_at, w.seen_at, coalesce(work.projects, 0) AS projects,
    coalesce(work.waiting, 0) AS waiting, coalesce(work.running, 0) AS running, coalesce(work.parked, 0) AS parked,
    coalesce(:now, clock.now) AS now
  FROM (SELECT machine_id FROM projects UNION SELECT machine_id FROM workers) m CROSS JOIN clock
  LEFT JOIN latest w ON w.machine_id = m.machine_id AND w.place = 1
  LEFT JOIN work ON work.machine_id = m.machine_id ORDER BY m.machine_id`;

/** Every machine that has a project or a process on this database, by name; one statement. */
export async function listMachines(db: Database, options: { now?: number } = {}): Promise<MachineView[]> {
  return (await db.run(MACHINES, { now: options.now ?? null })).map(machineOf);
}

function machineOf(row: Row): MachineView {
  const { state, version, started_at, seen_at } = row;
  return {
    machineId: String(row.machine_id),
    state: state === 'up' && Number(seen_at) > Number(row.now) - SILENT_FOR_SURE_MS ? 'alive' : gone(state),
    version: version as string | null,
    startedAt: started_at as number | null,
    lastHeartbeatAt: seen_at as number | null,
    projects: Number(row.projects),
    queue: { waiting: Number(row.waiting), running: Number(row.running), parked: Number(row.parked) },
  };
}

function gone(state: unknown): MachineView['state'] {
  return state === 'stopped' || state === null ? 'stopped' : 'dead';
}
