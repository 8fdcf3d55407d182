// What the producer's and the workers' processes of a soak have in common: their task, journal and database.

import { systemClock, systemRandom } from '../../src/host/clock.ts';
import { silentLog } from '../../src/host/log.ts';
import { Failure } from '../../src/model/failure.ts';
import type { Database } from '../../src/store/database.ts';
import { type DatabaseLocation, openDatabase } from '../../src/store/open.ts';
import { createStrike, type Sentence, type Strike, withFaultPoints } from './fault-points.ts';
import { type Journal, openJournal } from './journal.ts';
import { loadPlant, type Plant, type PlantedAt } from './plant.ts';

export type Task = {
  who: string;
  location: DatabaseLocation;
  journal: string;
  sentence: Sentence | null;
  plant: PlantedAt | null;
};

const AGAIN_MS = 25;

/** What a server that is killed meanwhile asks of its callers: try again while the failure says so. */
export async function untilAnswered<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof Failure) || !error.retryable) throw error;
      await systemClock.sleep(AGAIN_MS);
    }
  }
}

export function readTask<T extends Task>(): T {
  return JSON.parse(process.argv[2] ?? '{}') as T;
}

/** `wrap` sees the answers before the planted bug does, and after the fault points. */
export async function openProcess(
  task: Task,
  pick: (plant: Plant) => ((db: Database, met: () => void) => Database) | undefined,
  wrap: (db: Database, journal: Journal) => Database = (db) => db,
): Promise<{ db: Database; journal: Journal; strike: Strike; plant: Plant }> {
  const journal = openJournal(task.journal);
  const strike = createStrike(task.who, task.sentence, journal);
  const deps = { clock: systemClock, random: systemRandom, log: silentLog };
  const plain = await untilAnswered(() => openDatabase(task.location, deps));
  const plant = await loadPlant(task.plant);
  let met = false;
  const meet = () => {
    if (!met) journal.note({ kind: 'planted', who: task.who });
    met = true;
  };
  const watched = wrap(withFaultPoints(plain, strike), journal);
  return { db: pick(plant)?.(watched, meet) ?? watched, journal, strike, plant };
}
