// The producer's process: changes projects as a person does, and gives the queue word of each change. It is killed
// like the workers. Argument: a JSON object, see `ProducerTask`.

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { systemClock } from '../../src/host/clock.ts';
import type { ProjectId } from '../../src/model/ids.ts';
import { enqueue } from '../../src/queue/enqueue.ts';
import type { Database, Row } from '../../src/store/database.ts';
import { diceOf } from '../../test/support/journey.ts';
import { changedFile, contentOf } from './changes.ts';
import { openProcess, readTask, type Task, untilAnswered } from './soak-process.ts';

export type ProducerTask = Task & {
  projects: readonly { id: string; path: string }[];
  /** The number of the next change. */
  next: number;
  seed: number;
  /** Changes each project a few times more and ends. */
  last: boolean;
  pauseMs: number;
};

const LAST_ROUNDS = 4;
const LAST_PAUSE_MS = 150;

const task = readTask<ProducerTask>();
const dice = diceOf(task.seed);
const { db, journal } = await openProcess(task, (plant) => plant.producer);
let { next } = task;

/** Reads the generation that was counted for a change in the same transaction. */
function counting(inner: Database, project: string): { db: Database; generation(): number } {
  const sql = `SELECT j.want_gen FROM jobs j JOIN projects p ON p.id = j.project_id WHERE p.project_id = :project`;
  let row: Row | undefined;
  return {
    generation: () => Number(row?.want_gen),
    db: {
      ...inner,
      async batch(statements) {
        const results = await inner.batch([...statements, { sql, args: { project } }]);
        row = results.at(-1)?.[0];
        return results.slice(0, -1);
      },
    },
  };
}

async function change({ id, path }: ProducerTask['projects'][number]): Promise<void> {
  const number = next++;
  const file = join(path, changedFile(number));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, contentOf(number));
  journal.note({ kind: 'saved', project: id, change: number });
  const counted = counting(db, id);
  const usual = { trigger: 'watch', delayMs: 0, force: false, askRemote: false } as const;
  const priority = dice.below(11);
  await untilAnswered(() => enqueue(counted.db, { ...usual, projectIds: [id as ProjectId], priority }));
  journal.note({ kind: 'queued', project: id, change: number, generation: counted.generation() });
}

journal.note({ kind: 'up', who: task.who, pid: process.pid });
process.stdout.write('up\n');
if (task.last) {
  // Several in a row, so that the very last ones come while their projects are at work.
  for (let round = 0; round < LAST_ROUNDS; round++) {
    for (const project of task.projects) await change(project);
    await systemClock.sleep(dice.below(LAST_PAUSE_MS));
  }
  await db.close();
  process.exit(0);
}
for (;;) {
  await change(task.projects[dice.below(task.projects.length)] as ProducerTask['projects'][number]);
  await systemClock.sleep(dice.below(task.pauseMs));
}
