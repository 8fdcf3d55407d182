import { expect, test } from 'vitest';
import { reasonOf } from '../../src/model/failure.ts';
import type { ProjectId } from '../../src/model/ids.ts';
import { NO_FACTS, needsAttention, type ProjectFacts, type ProjectState } from '../../src/model/project.ts';
import { NO_STATS } from '../../src/model/run.ts';
import { enqueue } from '../../src/queue/enqueue.ts';
import { pauseGate } from '../../src/queue/gates.ts';
import { settleJob } from '../../src/queue/settle.ts';
import { tick } from '../../src/queue/tick.ts';
import type { Database } from '../../src/store/database.ts';
import { countProjectStates, findProjectView, listProjectViews } from '../../src/store/project-views.ts';
import { saveFacts, setPaused } from '../../src/store/projects.ts';
import { addProjectRow, describeDatabases, type ProjectRow } from '../support/database.ts';
import { addRun } from './stored-run.ts';

type Outcome = Parameters<typeof settleJob>[1]['outcome'];

const FAR_MS = 8_640_000_000_000_000;
const SAFE: ProjectFacts = { ...NO_FACTS, branch: 'main', lastSafeAt: 1_000 };

async function addProject(
  db: Database,
  id: string,
  facts: ProjectFacts,
  row: ProjectRow = {},
): Promise<ProjectId> {
  const projectId = await addProjectRow(db, id, row);
  await db.run(
    "UPDATE projects SET config = json_object('enabled', json(iif(enabled, 'true', 'false'))) WHERE project_id = :id",
    {
      id,
    },
  );
  await saveFacts(db, projectId, facts);
  return projectId;
}

function queueOne(db: Database, projectId: ProjectId) {
  return enqueue(db, {
    projectIds: [projectId],
    trigger: 'watch',
    delayMs: 0,
    force: false,
    priority: 5,
    askRemote: false,
  });
}

const limits = {
  workerId: 'w',
  machineId: 'laptop',
  leaseMs: 60_000,
  held: [],
  maxCrashes: 3,
  crashDelayMs: 0,
};

/** Queues, claims and settles the project's job. */
async function runOnce(db: Database, projectId: ProjectId, outcome: Outcome | null, facts = SAFE) {
  await queueOne(db, projectId);
  const { claimed } = await tick(db, { ...limits, freeSlots: 1 });
  const [job] = claimed;
  if (job?.projectId !== projectId) throw new Error(`claimed ${job?.projectId} and not ${projectId}`);
  if (outcome === null) return;
  await settleJob(db, { jobId: job.jobId, fence: job.fence, outcome, facts, stats: NO_STATS });
}

/** One project in each state, by its name. */
async function addEveryState(db: Database): Promise<void> {
  await runOnce(db, await addProject(db, 'safe-1', SAFE), { kind: 'done', status: 'success' });
  await addProject(db, 'safe-2', SAFE);
  await addProject(db, 'pending-never', NO_FACTS);
  await addProject(db, 'pending-files', { ...SAFE, pendingFiles: 2 });
  await addProject(db, 'pending-commits', { ...SAFE, unpushedCommits: 1 });
  const reason = (code: Parameters<typeof reasonOf>[0]) => reasonOf(code, `because of ${code}`);
  const held = await addProject(db, 'blocked-fact', SAFE);
  await runOnce(
    db,
    held,
    { kind: 'blocked', reason: reason('merge-in-progress') },
    {
      ...SAFE,
      blocked: reason('merge-in-progress'),
    },
  );
  await runOnce(db, await addProject(db, 'blocked-parked', SAFE), {
    kind: 'park',
    reason: reason('push-forbidden'),
  });
  await runOnce(db, await addProject(db, 'paused-archived', SAFE), {
    kind: 'park',
    reason: reason('repository-archived'),
  });
  await addProject(db, 'conflict-1', { ...SAFE, blocked: reason('remote-diverged') });
  await addProject(db, 'missing-1', { ...SAFE, blocked: reason('folder-missing') });
  const retrying = { kind: 'retry' as const, delayMs: 3_600_000, reason: reason('remote-timeout') };
  await runOnce(db, await addProject(db, 'retrying-1', SAFE), retrying);
  await setPaused(db, await addProject(db, 'paused-1', { ...SAFE, pendingFiles: 1 }), FAR_MS);
  await setPaused(db, await addProject(db, 'pending-pause-is-over', { ...SAFE, pendingFiles: 1 }), 1_000);
  await addProject(db, 'disabled-1', { ...SAFE, blocked: reason('remote-diverged') }, { enabled: false });
  const offline = await addProject(db, 'offline-1', SAFE, {
    hostGate: 'host:off',
    credentialGate: 'credential:off',
  });
  await pauseGate(db, { key: 'host:off', pauseMs: 60_000, reason: 'offline' });
  await pauseGate(db, { key: 'credential:off', pauseMs: 1_000, reason: 'rate-limited' });
  await queueOne(db, offline);
  const limited = await addProject(db, 'rate-limited-1', SAFE, { credentialGate: 'credential:busy' });
  await pauseGate(db, {
    key: 'credential:busy',
    pauseMs: 60_000,
    reason: 'rate-limited',
    remaining: 0,
    limit: 5_000,
  });
  await queueOne(db, limited);
  const suspended = { credentialGate: 'credential:suspended' };
  await pauseGate(db, { key: suspended.credentialGate, pauseMs: 60_000, reason: 'account-suspended' });
  await queueOne(db, await addProject(db, 'blocked-suspended', SAFE, suspended));
  await addProject(db, 'safe-suspended', SAFE, suspended);
  await runOnce(db, await addProject(db, 'syncing-1', SAFE), null);
  await queueOne(db, await addProject(db, 'pending-queued', SAFE));
  const remote = {
    ...{ name: 'origin', primary: true, url: 'https://h/p.git', branches: ['*'], state: 'safe' as const },
    ...{ tips: {}, reason: null, failures: 0, retryAt: null, lastSafeAt: 1 },
  };
  const mirror = { ...remote, name: 'mirror', primary: false };
  const forbidden = { ...mirror, state: 'blocked' as const, reason: reason('push-forbidden') };
  await addProject(db, 'mirrored-safe', { ...SAFE, remotes: [remote, mirror] });
  const waits = { ...mirror, state: 'retrying' as const, reason: reason('account-suspended') };
  await addProject(db, 'mirrored-suspended', { ...SAFE, remotes: [remote, waits] });
  await addProject(db, 'mirrored-refused', { ...SAFE, remotes: [remote, forbidden] });
  await addProject(db, 'mirrored-pending', { ...SAFE, remotes: [remote, { ...mirror, state: 'pending' }] });
}

const EXPECTED: Record<string, ProjectState> = {
  'blocked-fact': 'blocked',
  'blocked-parked': 'blocked',
  'blocked-suspended': 'blocked',
  'conflict-1': 'conflict',
  'disabled-1': 'disabled',
  'mirrored-pending': 'pending',
  'mirrored-refused': 'blocked',
  'mirrored-safe': 'safe',
  'mirrored-suspended': 'blocked',
  'missing-1': 'missing',
  'offline-1': 'offline',
  'paused-1': 'paused',
  'paused-archived': 'paused',
  'pending-commits': 'pending',
  'pending-files': 'pending',
  'pending-never': 'pending',
  'pending-pause-is-over': 'pending',
  'pending-queued': 'pending',
  'rate-limited-1': 'rate-limited',
  'retrying-1': 'retrying',
  'safe-1': 'safe',
  'safe-2': 'safe',
  'safe-suspended': 'safe',
  'syncing-1': 'syncing',
};

describeDatabases('project views', (db) => {
  test('a project whose account another one found suspended says so, with what can be done', async () => {
    await pauseGate(db(), { key: 'credential:gone', pauseMs: 60_000, reason: 'account-suspended' });
    const projectId = await addProject(db(), 'other', SAFE, { credentialGate: 'credential:gone' });
    await queueOne(db(), projectId);
    expect(await findProjectView(db(), projectId)).toMatchObject({
      state: 'blocked',
      stateReason: { code: 'account-suspended', action: expect.stringMatching(/Contact the host/) },
      job: { waitingFor: 'gate:credential:gone' },
    });
  });

  async function allIds(filter: { state?: ProjectState; q?: string; limit: number }) {
    const ids: string[] = [];
    let cursor: string | null = null;
    do {
      const page: Awaited<ReturnType<typeof listProjectViews>> = await listProjectViews(db(), {
        ...filter,
        cursor,
      });
      expect(page.projects.length).toBeLessThanOrEqual(filter.limit);
      ids.push(...page.projects.map((project) => project.projectId));
      cursor = page.nextCursor;
    } while (cursor !== null);
    return ids;
  }

  test('listProjectViews() names the state of each, and countProjectStates() counts the same', async () => {
    await addEveryState(db());
    const { projects, nextCursor } = await listProjectViews(db(), { limit: 100, cursor: null });
    expect(Object.fromEntries(projects.map(({ projectId, state }) => [projectId, state]))).toEqual(EXPECTED);
    expect(nextCursor).toBeNull();
    const states = projects.map((project) => project.state);
    const people = projects.filter(({ state, stateReason }) => needsAttention(state, stateReason));
    expect(people.map(({ projectId }) => projectId)).toContain('paused-archived');
    // Whom a host paused, a person has to be told.
    const outside = states.filter((state) => state === 'disabled' || state === 'paused').length - 1;
    const safe = states.filter((state) => state === 'safe').length;
    const total = states.length;
    const pending = total - outside - safe - people.length;
    expect(await countProjectStates(db())).toEqual({ total, safe, pending, needsAttention: people.length });
    // Not called safe: counted as pending, whatever else waits.
    const doubted = projects.map(({ projectId }) => projectId);
    const unsure = { total, safe: 0, pending: pending + safe, needsAttention: people.length };
    expect(await countProjectStates(db(), { unsure: doubted })).toEqual(unsure);
    expect({ total, safe, pending, needsAttention: people.length }).toEqual({
      total: 24,
      safe: 4,
      pending: 10,
      needsAttention: 8,
    });
  });

  test('a view joins the job, the closed gate, the reason and the last run', async () => {
    await addEveryState(db());
    const view = (id: string) => findProjectView(db(), id as ProjectId);
    expect(await view('nobody')).toBeNull();
    expect(await view('safe-1')).toMatchObject({
      job: { state: 'idle', waitingFor: null },
      gate: null,
      lastRun: { projectId: 'safe-1', status: 'success', trigger: 'watch', attempt: 1 },
      stateReason: null,
    });
    expect(await view('safe-2')).toMatchObject({ job: null, lastRun: null });
    expect(await view('blocked-parked')).toMatchObject({
      job: { state: 'parked', lastError: { code: 'push-forbidden', detail: 'because of push-forbidden' } },
      lastRun: { status: 'failed', error: { code: 'push-forbidden', retryable: false } },
      stateReason: { code: 'push-forbidden' },
    });
    expect(await view('offline-1')).toMatchObject({
      gate: { key: 'host:off', reason: 'offline' },
      job: { waitingFor: 'gate:host:off' },
    });
    expect(await view('rate-limited-1')).toMatchObject({
      gate: { key: 'credential:busy', reason: 'rate-limited' },
      job: { waitingFor: 'gate:credential:busy' },
    });
    expect(await view('retrying-1')).toMatchObject({
      job: { attempt: 1, waitingFor: null, lastError: { code: 'remote-timeout' } },
      lastRun: { status: 'retrying' },
    });
    expect(await view('syncing-1')).toMatchObject({
      job: { state: 'running', startedAt: expect.any(Number), waitingFor: null },
      lastRun: null,
    });
    expect((await view('safe-1'))?.job?.startedAt).toBeNull();
  });

  test('the last run is the one that finished last, not the one that is running', async () => {
    const projectId = await addProject(db(), 'blog', SAFE);
    await addRun(db(), 'blog', [
      { finishedAt: 100 },
      { finishedAt: 300, status: 'failed' },
      { finishedAt: 200 },
    ]);
    await addRun(db(), 'blog', [{ finishedAt: null, startedAt: 400 }]);
    expect((await findProjectView(db(), projectId))?.lastRun).toMatchObject({
      finishedAt: 300,
      status: 'failed',
    });
  });

  test('a state depends on now: pauses and gates end', async () => {
    const projectId = await addProject(db(), 'blog', { ...SAFE, pendingFiles: 1 });
    await setPaused(db(), projectId, 5_000);
    const states = [4_999, 5_000].map(
      async (now) => (await findProjectView(db(), projectId, { now }))?.state,
    );
    expect(await Promise.all(states)).toEqual(['paused', 'pending']);
    const { projects } = await listProjectViews(db(), {
      limit: 1,
      cursor: null,
      state: 'paused',
      now: 4_999,
    });
    expect(projects).toHaveLength(1);
  });

  test('listProjectViews() pages by id; a state is filtered before the paging', async () => {
    await addEveryState(db());
    const ids = Object.keys(EXPECTED);
    for (const limit of [1, 4, 17, 18]) expect(await allIds({ limit })).toEqual(ids);
    const pending = ids.filter((id) => EXPECTED[id] === 'pending');
    for (const limit of [1, 2, 5, 6]) expect(await allIds({ limit, state: 'pending' })).toEqual(pending);
    expect(await allIds({ limit: 3, q: 'BLOCKED' })).toEqual([
      ...['blocked-fact', 'blocked-parked', 'blocked-suspended'],
    ]);
    expect(await allIds({ limit: 1, q: '/p/safe-' })).toEqual(['safe-1', 'safe-2', 'safe-suspended']);
    expect(await allIds({ limit: 1, q: '-1', state: 'conflict' })).toEqual(['conflict-1']);
    expect(await allIds({ limit: 1, q: '%' })).toEqual([]);
  });

  test('listProjectViews() refuses a cursor that is not its own', async () => {
    await expect(listProjectViews(db(), { limit: 1, cursor: 'bm9uZQ' })).rejects.toMatchObject({
      code: 'invalid-request',
    });
  });

  test('a filtered page is found among more projects than one read holds', async () => {
    await db().batch([
      { sql: `INSERT INTO gates(key) VALUES ('host:h'), ('credential:c') ON CONFLICT DO NOTHING` },
      {
        sql: `INSERT INTO lanes(machine_id, host_gate, credential_gate) VALUES ('laptop', 'host:h', 'credential:c')`,
      },
      {
        sql: `WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 1200)
          INSERT INTO projects(project_id, project_name, machine_id, path, lane_id, lock_key, config, last_safe_at,
            unpushed_commits, created_at)
          SELECT printf('p%04d', i), 'x', 'laptop', '/p/' || i, (SELECT max(id) FROM lanes), i, '{"enabled":true}', 1,
            i IN (3, 700, 1199), 0 FROM n`,
      },
    ]);
    expect(await allIds({ limit: 2, state: 'pending' })).toEqual(['p0003', 'p0700', 'p1199']);
    expect(await countProjectStates(db())).toEqual({
      total: 1_200,
      safe: 1_197,
      pending: 3,
      needsAttention: 0,
    });
    expect((await allIds({ limit: 500 })).length).toBe(1_200);
  });
});
