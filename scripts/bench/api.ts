// How soon the whole service answers for its status at a hundred requests a second, with 1,000 projects and a history of
// a thousand or a million runs. Requests go out by the clock, whether or not the earlier ones were answered: a slow
// answer makes the next ones late, and their wait is counted.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { systemClock, systemRandom } from '../../src/host/clock.ts';
import { silentLog } from '../../src/host/log.ts';
import type { Database } from '../../src/store/database.ts';
import { LANE_ID, laneStatements } from '../../src/store/lanes.ts';
import { openDatabase } from '../../src/store/open.ts';
import { type RunningService, startService } from '../../test/support/service.ts';
import { type Figure, figureOf, type Ratio, ratioOf } from './figures.ts';

export type ApiReport = { figures: Record<string, Figure>; ratios: Ratio[]; notes: string[] };

const PROJECTS = 1_000;
const A_SECOND = 100;
const TARGET_MS = 20;
const WARM_UP = 100;
/** One transaction of the seeding. */
const TOGETHER = 50_000;
const ROUTES = {
  status: '/api/sync/status',
  'a page of the history': '/api/sync/history?limit=50',
  'a page of projects': '/api/sync/projects?limit=50',
} as const;

/** `sizes` are numbers of runs in the history; `lastsMs` is how long each run of the benchmark asks. */
export async function benchApi(input: {
  runs: number;
  sizes: readonly number[];
  lastsMs: number;
  say(text: string): void;
}): Promise<ApiReport> {
  const { runs, sizes, lastsMs, say } = input;
  const p99s = new Map<string, number[]>();
  const medians = new Map<string, number[]>();
  for (const size of sizes) {
    const dataDir = await mkdtemp(join(tmpdir(), 'gitferry-bench-api-'));
    try {
      say(`making a history of ${size} runs …`);
      await seed(join(dataDir, 'queue.db'), size);
      // Scans and pruning would be measured, too, but at other times in each run.
      const service = await startService({ dataDir, env: { SYNC_SCAN_INTERVAL: '86400000' } });
      try {
        for (const [name, path] of Object.entries(ROUTES)) {
          await ask(service, path, WARM_UP);
          for (let run = 0; run < runs; run++) {
            say(`${name}, ${size} runs: run ${run + 1} of ${runs} …`);
            const times = await ask(service, path, (lastsMs / 1_000) * A_SECOND);
            const key = `${name}, ${size} runs`;
            p99s.set(key, [...(p99s.get(key) ?? []), atShare(times, 0.99)]);
            medians.set(key, [...(medians.get(key) ?? []), atShare(times, 0.5)]);
          }
        }
      } finally {
        await service.stop();
      }
    } finally {
      await rm(dataDir, { recursive: true, force: true });
    }
  }
  return { figures: figuresOf(p99s, medians), ratios: ratiosOf(p99s, medians, sizes), notes: [] };
}

/** Milliseconds from the moment at which each request was due to the end of its answer. */
async function ask(service: RunningService, path: string, count: number): Promise<number[]> {
  const began = performance.now();
  const answers: Promise<number>[] = [];
  for (let n = 0; n < count; n++) {
    const dueAt = began + (n * 1_000) / A_SECOND;
    const waitMs = dueAt - performance.now();
    if (waitMs > 0) await setTimeout(waitMs);
    answers.push(
      service.api('GET', path).then(({ status }) => {
        if (status !== 200) throw new Error(`${path} answered ${status}`);
        return performance.now() - dueAt;
      }),
    );
  }
  return Promise.all(answers);
}

function atShare(times: readonly number[], share: number): number {
  const sorted = times.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

function figuresOf(p99s: Map<string, number[]>, medians: Map<string, number[]>): Record<string, Figure> {
  const named = (what: string, all: Map<string, number[]>) =>
    [...all].map(([key, values]) => [`${key}: ${what}`, figureOf(values)] as const);
  return Object.fromEntries([...named('median', medians), ...named('p99', p99s)]);
}

function ratiosOf(
  p99s: Map<string, number[]>,
  medians: Map<string, number[]>,
  sizes: readonly number[],
): Ratio[] {
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)];
  const judged = most >= 1_000_000;
  const p99 = figureOf(p99s.get(`status, ${most} runs`) ?? []).median;
  const ratios = [
    ratioOf(`p99 of status, ${most} runs / ${TARGET_MS} ms`, p99 / TARGET_MS, judged ? 1 : null),
  ];
  if (least === most) return ratios;
  for (const name of Object.keys(ROUTES)) {
    const of = (size: number) => figureOf(medians.get(`${name}, ${size} runs`) ?? []).median;
    ratios.push(ratioOf(`median of ${name}: ${most} runs / ${least} runs`, of(most) / of(least), null));
  }
  return ratios;
}

/** Projects of another machine: this one has nothing to watch or scan, and shows all the same. */
async function seed(path: string, runs: number): Promise<void> {
  const db = await openDatabase({ path }, { clock: systemClock, random: systemRandom, log: silentLog });
  const lane = { machineId: 'desk', hostGate: 'host:github.com', credentialGate: 'cred:github.com' };
  const now = systemClock.now();
  await db.batch([
    ...laneStatements(lane),
    {
      sql: `INSERT INTO projects(project_id, project_name, machine_id, path, lane_id, lock_key, config, branch, last_safe_at,
              created_at)
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${PROJECTS})
            SELECT 'p' || i, 'Project ' || i, :machineId, '/home/ada/p' || i, ${LANE_ID}, 'remote:github.com/ada/p' || i,
              '{"enabled":true}', 'main', :now, :now FROM n`,
      args: { ...lane, now },
    },
    {
      sql: `INSERT INTO jobs(project_id, lane_id, lock_key, state, trigger_kind, updated_at)
            SELECT id, lane_id, lock_key, 'idle', 'watch', :now FROM projects`,
      args: { now },
    },
  ]);
  // Events of a history that nobody listens to are none of the figures.
  const [trigger] = await db.run(
    "SELECT sql FROM sqlite_master WHERE type = 'trigger' AND name = 'runs_finished'",
  );
  await db.run('DROP TRIGGER runs_finished');
  for (let from = 0; from < runs; from += TOGETHER)
    await addRuns(db, from, Math.min(TOGETHER, runs - from), now);
  await db.run(String(trigger?.sql));
  await db.close();
}

/** The newest a second ago, one every 20 s before it: a million of them are eight months. */
async function addRuns(db: Database, from: number, count: number, now: number): Promise<void> {
  await db.run(
    `INSERT INTO runs(project_id, job_id, fence, worker_id, kind, trigger_kind, attempt, gen, status, commit_id, branch,
       files_changed, bytes_pushed, started_at, finished_at)
     WITH RECURSIVE n(i) AS (SELECT :from UNION ALL SELECT i + 1 FROM n WHERE i < :from + :count - 1)
     SELECT 1 + i % ${PROJECTS}, 1 + i % ${PROJECTS}, 1 + i / ${PROJECTS}, 'desk-1', 'sync', 'watch', 1, 1,
       iif(i % 7 = 0, 'no-change', 'success'), '0123456789012345678901234567890123456789', 'main', 1, 800,
       :now - 1000 - i * 20 - i % 97, :now - 1000 - i * 20 FROM n`,
    { from, count, now },
  );
}
