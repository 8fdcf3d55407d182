// Everything that a soak leaves behind, gathered once all is quiet: rows, events, what a listener saw, the journal,
// and what git finds in the work trees and on the remotes. Judges nothing.

import type { Database } from '../../src/store/database.ts';
import { runGit } from '../../test/support/git-repo.ts';
import type { Arena, SoakProject } from './arena.ts';
import { changeIn } from './changes.ts';
import type { Entry } from './journal.ts';
import { untilAnswered } from './soak-process.ts';
import type { Life } from './supervisor.ts';

export type JobEvidence = {
  id: number;
  project: string;
  state: string;
  wanted: number;
  done: number;
  fence: number;
};
export type RunEvidence = {
  id: number;
  jobId: number;
  project: string;
  fence: number;
  worker: string;
  generation: number;
  status: string | null;
  /** Code and text of why it did not succeed. */
  error: string | null;
  startedAt: number;
  finishedAt: number | null;
};
export type EventEvidence = { id: number; type: string; jobId: number | null; from: string | null };
export type ProjectEvidence = {
  project: string;
  /** How many commits of the remote's branch touched the file of each change, and the blob it has now. */
  changes: Map<number, { commits: number; blob: string | null }>;
  localTip: string;
  remoteTip: string;
  /** What `git status` and `git fsck` said; empty when all is well. */
  complaints: string[];
};
export type Evidence = {
  leaseMs: number;
  lives: readonly Life[];
  jobs: JobEvidence[];
  runs: RunEvidence[];
  events: EventEvidence[];
  /** Ids in the order in which a listener got them, live. */
  heard: readonly number[];
  entries: Entry[];
  projects: ProjectEvidence[];
  /** The answers of SQLite's own check; null where the server does not offer it. */
  integrity: string[] | null;
};

export async function gatherEvidence(
  arena: Arena,
  seen: { leaseMs: number; lives: readonly Life[]; heard: readonly number[]; entries: Entry[] },
): Promise<Evidence> {
  const { db } = arena;
  const [jobs, runs, events, forgotten] = await untilAnswered(() =>
    db.batch([
      {
        sql: `SELECT j.id, p.project_id AS project, j.state, j.want_gen AS wanted, j.done_gen AS done, j.fence
              FROM jobs j JOIN projects p ON p.id = j.project_id`,
      },
      {
        sql: `SELECT r.id, r.job_id AS "jobId", p.project_id AS project, r.fence, r.worker_id AS worker,
                r.gen AS generation, r.status,
                r.error ->> '$.code' || ': ' || (r.error ->> '$.detail') AS error, r.started_at AS "startedAt", r.finished_at AS "finishedAt"
              FROM runs r JOIN projects p ON p.id = r.project_id ORDER BY r.job_id, r.fence`,
      },
      { sql: `SELECT id, type, job_id AS "jobId", data ->> '$.from' AS "from" FROM events ORDER BY id` },
      { sql: FORGOTTEN },
    ]),
  );
  return {
    ...seen,
    jobs: jobs as JobEvidence[],
    runs: withForgotten(jobs as JobEvidence[], runs as RunEvidence[], forgotten as Forgotten[]),
    events: events as EventEvidence[],
    projects: await Promise.all(arena.projects.map(lookAt)),
    integrity: await checkIntegrity(db),
  };
}

/** Of a run that stepped back like the one after it, only its events are kept. */
type Forgotten = Pick<RunEvidence, 'id' | 'jobId' | 'startedAt' | 'finishedAt'>;

const FORGOTTEN = `SELECT data ->> '$.runId' AS id, job_id AS "jobId", at AS "finishedAt",
    at - (data ->> '$.durationMs') AS "startedAt"
  FROM events WHERE type = 'run.finished' AND data ->> '$.status' = 'retrying'
    AND data ->> '$.error.code' = 'git-at-work' AND data ->> '$.runId' NOT IN (SELECT id FROM runs) ORDER BY id`;

/** Runs are numbered in the order of their claims, so that those forgotten belong to the claims that have none. */
function withForgotten(
  jobs: readonly JobEvidence[],
  runs: readonly RunEvidence[],
  forgotten: readonly Forgotten[],
): RunEvidence[] {
  const all = [...runs];
  for (const { id, project, fence: claims } of jobs) {
    const there = new Set(runs.filter(({ jobId }) => jobId === id).map(({ fence }) => fence));
    const missing = Array.from({ length: claims }, (_, at) => at + 1).filter((fence) => !there.has(fence));
    forgotten
      .filter(({ jobId }) => jobId === id)
      .sort((a, b) => a.id - b.id)
      .forEach((run, at) => {
        const fence = missing[at];
        if (fence === undefined) return;
        const told = { status: 'retrying', error: 'git-at-work', worker: 'one forgotten', generation: 0 };
        all.push({ ...run, ...told, project, fence });
      });
  }
  return all.sort((a, b) => a.jobId - b.jobId || a.fence - b.fence);
}

async function checkIntegrity(db: Database): Promise<string[] | null> {
  try {
    return (await db.run('PRAGMA integrity_check')).map((row) => String(row.integrity_check));
  } catch (error) {
    // A server may refuse pragmas; a file of our own never does.
    if (db.kind === 'remote') return null;
    throw error;
  }
}

async function lookAt({ id, path, remotePath }: SoakProject): Promise<ProjectEvidence> {
  const changes: ProjectEvidence['changes'] = new Map();
  for (const name of await lines(remotePath, ['log', '--format=', '--name-only', '--root', 'main'])) {
    const change = changeIn(name);
    if (change === null) continue;
    changes.set(change, { commits: (changes.get(change)?.commits ?? 0) + 1, blob: null });
  }
  for (const line of await lines(remotePath, ['ls-tree', '-r', 'main'])) {
    const [meta = '', name = ''] = line.split('\t');
    const found = changes.get(changeIn(name) ?? -1);
    if (found) found.blob = meta.split(' ')[2] ?? null;
  }
  const complaints = [
    ...(await complaintsOf(path, ['status', '--porcelain'])),
    ...(await complaintsOf(path, ['fsck', '--strict', '--no-dangling'])),
    ...(await complaintsOf(remotePath, ['fsck', '--strict', '--no-dangling'])),
  ];
  const [localTip = ''] = await lines(path, ['rev-parse', 'main']);
  const [remoteTip = ''] = await lines(remotePath, ['rev-parse', 'main']);
  return { project: id, changes, localTip, remoteTip, complaints };
}

/** Empty where the branch is not there yet. */
async function lines(cwd: string, args: readonly string[]): Promise<string[]> {
  const out = await runGit(args, { cwd }).then(String, () => '');
  return out.split('\n').filter((line) => line !== '');
}

async function complaintsOf(cwd: string, args: readonly string[]): Promise<string[]> {
  const out = await runGit(args, { cwd }).then(String, (error: Error) => error.message);
  return out.split('\n').flatMap((line) => (line === '' ? [] : [`git ${args[0]}: ${line}`]));
}
