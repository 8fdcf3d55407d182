import { expect, test } from 'vitest';
import { reasonOf } from '../../src/model/failure.ts';
import type { ProjectFacts } from '../../src/model/project.ts';
import { NO_STATS, type RunStats } from '../../src/model/run.ts';
import { type JobOutcome, settleJob } from '../../src/queue/settle.ts';
import { unparkAll } from '../../src/queue/unpark.ts';
import { addProjectRow, describeDatabases, readEvents, readJobRow } from '../support/database.ts';
import {
  claimNames,
  claimOne,
  DONE,
  LEASE_MS,
  look,
  OFFLINE,
  PROTECTED,
  put,
  settle,
  T0,
  TIMEOUT,
} from '../support/queue-calls.ts';

const DIVERGED = reasonOf('remote-diverged', 'main has commits on both sides.');

const FACTS: ProjectFacts = {
  branch: 'main',
  pendingFiles: 2,
  unpushedCommits: 1,
  behindCommits: 3,
  heldFiles: [{ path: '.env', reason: 'secret', rule: 'env', line: 1 }],
  refusedDeletions: { deleted: 12, tracked: 20, digest: 'd1' },
  conflictFiles: [{ path: 'notes.md', ours: 'modified', theirs: 'deleted' }],
  remoteTips: { main: 'abc' },
  remotes: [],
  blocked: DIVERGED,
  engine: { name: 'git', reason: 'It has hooks.' },
  lastSafeAt: T0 - 5,
};

const STATS: RunStats = {
  commit: 'abc123',
  branch: 'main',
  filesChanged: 4,
  bytesPushed: 812,
  remotes: [{ name: 'origin', branch: 'main', status: 'pushed', from: null, to: 'abc123' }],
};

const readRuns = (db: { run(sql: string): Promise<Record<string, unknown>[]> }) =>
  db.run('SELECT * FROM runs ORDER BY id');

describeDatabases('settleJob()', (db) => {
  async function claimBlog(now = T0, row = {}) {
    await addProjectRow(db(), 'blog', row);
    await put(db(), 'blog', now);
    return claimOne(db(), now + Number((row as { quietMs?: number }).quietMs ?? 0));
  }

  test('records run, facts, totals and event together', async () => {
    const job = await claimBlog();
    const before = await db().run("SELECT runs, duration_ms FROM run_totals WHERE status = 'success'");
    const settled = settleJob(db(), { ...job, outcome: DONE, facts: FACTS, stats: STATS, now: T0 + 61 });
    expect(await settled).toBe('settled');
    const [run] = await readRuns(db());
    expect(run).toMatchObject({
      status: 'success',
      commit_id: 'abc123',
      branch: 'main',
      files_changed: 4,
      bytes_pushed: 812,
      error: null,
      started_at: T0,
      finished_at: T0 + 61,
      attempt: 1,
    });
    expect(JSON.parse(String(run?.remotes))).toEqual(STATS.remotes);
    const [project] = await db().run('SELECT * FROM projects');
    expect(project).toMatchObject({
      branch: 'main',
      pending_files: 2,
      unpushed_commits: 1,
      behind_commits: 3,
    });
    expect(project).toMatchObject({ last_safe_at: T0 - 5, remote_tips: '{"main":"abc"}' });
    expect(JSON.parse(String(project?.held_files))).toEqual(FACTS.heldFiles);
    expect(JSON.parse(String(project?.blocked))).toEqual(DIVERGED);
    const after = await db().run("SELECT runs, duration_ms FROM run_totals WHERE status = 'success'");
    expect(Number(after[0]?.runs) - Number(before[0]?.runs)).toBe(1);
    expect(Number(after[0]?.duration_ms) - Number(before[0]?.duration_ms)).toBe(61);
    const finished = (await readEvents(db())).find((event) => event.type === 'run.finished');
    expect(finished?.data).toEqual({
      runId: run?.id,
      status: 'success',
      trigger: 'watch',
      attempt: 1,
      durationMs: 61,
      commit: 'abc123',
      branch: 'main',
      filesChanged: 4,
      bytesPushed: 812,
      error: null,
    });
  });

  test('a change during the run is run again, after the quiet period and the least interval', async () => {
    const job = await claimBlog(T0, { quietMs: 2_000, minIntervalMs: 10_000 });
    await put(db(), 'blog', T0 + 2_500);
    expect(await readJobRow(db(), 'blog')).toMatchObject({ state: 'running', want_gen: 2 });
    await settle(db(), job, T0 + 3_000);
    expect(await readJobRow(db(), 'blog')).toMatchObject({
      state: 'scheduled',
      run_at: T0 + 12_000,
      done_gen: 1,
    });
    const again = await claimOne(db(), T0 + 12_000);
    expect(again).toMatchObject({ fence: 2, attempt: 1, trigger: 'watch' });
    await settle(db(), again, T0 + 12_001);
    expect(await readJobRow(db(), 'blog')).toMatchObject({ state: 'idle', done_gen: 2 });
  });

  test('its run says why it was begun, whatever comes while it runs', async () => {
    const job = await claimBlog();
    await put(db(), 'blog', T0 + 1, { trigger: 'api' });
    await settle(db(), job, T0 + 2);
    await settle(db(), await claimOne(db(), T0 + 2), T0 + 3);
    expect(await readRuns(db())).toMatchObject([
      { fence: 1, trigger_kind: 'watch' },
      { fence: 2, trigger_kind: 'api' },
    ]);
  });

  test('a forced request during the run is ready at the look after it ends', async () => {
    const job = await claimBlog(T0, { quietMs: 2_000, minIntervalMs: 10_000 });
    expect(await put(db(), 'blog', T0 + 2_500, { force: true })).toMatchObject([{ state: 'running' }]);
    await settle(db(), job, T0 + 3_000);
    await look(db(), T0 + 3_000, { freeSlots: 0 });
    expect(await readJobRow(db(), 'blog')).toMatchObject({ state: 'ready', run_at: T0 + 3_000 });
  });

  test('a forced request during the run beats backoff and parking', async () => {
    const job = await claimBlog();
    await put(db(), 'blog', T0 + 1, { force: true });
    await settle(db(), job, T0 + 2, { kind: 'park', reason: PROTECTED });
    const again = await claimOne(db(), T0 + 2);
    expect(again.attempt).toBe(1);
    await put(db(), 'blog', T0 + 3, { force: true });
    await settle(db(), again, T0 + 4, { kind: 'retry', delayMs: 60_000, reason: TIMEOUT });
    expect(await claimOne(db(), T0 + 4)).toMatchObject({ attempt: 1 });
  });

  test('a retry waits for its delay and counts attempts; its run says so', async () => {
    const job = await claimBlog();
    await settle(db(), job, T0 + 10, { kind: 'retry', delayMs: 30_000.4, reason: TIMEOUT });
    expect(await readJobRow(db(), 'blog')).toMatchObject({
      state: 'scheduled',
      run_at: T0 + 30_011,
      attempt: 1,
    });
    expect(await claimNames(db(), T0 + 30_010)).toEqual([]);
    const again = await claimOne(db(), T0 + 30_011);
    expect(again).toMatchObject({ attempt: 2, trigger: 'retry' });
    await settle(db(), again, T0 + 30_012);
    expect(await readJobRow(db(), 'blog')).toMatchObject({ state: 'idle', attempt: 0, last_error: null });
    const [first, second] = await readRuns(db());
    expect(first).toMatchObject({ status: 'retrying', attempt: 1, trigger_kind: 'watch' });
    expect(JSON.parse(String(first?.error))).toEqual({ ...TIMEOUT, retryable: true });
    expect(second).toMatchObject({ status: 'success', attempt: 2, trigger_kind: 'retry' });
  });

  test('a sync that steps back comes again after its delay and has cost no attempt', async () => {
    const job = await claimBlog();
    await settle(db(), job, T0 + 10, { kind: 'later', delayMs: 1_500, reason: TIMEOUT });
    const row = { state: 'scheduled', run_at: T0 + 1_510, attempt: 0 };
    expect(await readJobRow(db(), 'blog')).toMatchObject(row);
    expect(await claimNames(db(), T0 + 1_509)).toEqual([]);
    expect(await claimOne(db(), T0 + 1_510)).toMatchObject({ attempt: 1, trigger: 'watch' });
    expect((await readRuns(db()))[0]).toMatchObject({ status: 'retrying' });
  });

  test('stepping back again and again leaves one run, all of its events and the figures', async () => {
    const totals = () => db().run("SELECT runs FROM run_totals WHERE status = 'retrying'");
    const [before] = await totals();
    const later = { kind: 'later', delayMs: 0, reason: TIMEOUT } as const;
    await settle(db(), await claimBlog(), T0 + 1, later);
    const second = await claimOne(db(), T0 + 1);
    await settle(db(), second, T0 + 2, later);
    const third = await claimOne(db(), T0 + 2);
    expect(await settle(db(), third, T0 + 3, later)).toBe('settled');
    expect(await readRuns(db())).toMatchObject([{ fence: third.fence, status: 'retrying' }]);
    // Answers that were lost on their way.
    expect(await settle(db(), third, T0 + 4, later)).toBe('settled');
    expect(await settle(db(), second, T0 + 4, later)).toBe('settled');
    expect(await readRuns(db())).toMatchObject([{ fence: third.fence, finished_at: T0 + 3 }]);
    await settle(db(), await claimOne(db(), T0 + 3), T0 + 5);
    expect(await readRuns(db())).toMatchObject([{ status: 'retrying' }, { status: 'success' }]);
    const events = (await readEvents(db())).filter(({ type }) => type === 'run.finished');
    expect(events.map(({ data }) => data.status)).toEqual(['retrying', 'retrying', 'retrying', 'success']);
    expect(Number((await totals())[0]?.runs) - Number(before?.runs)).toBe(3);
  });

  test('stepping back forgets no run of another reason or that has done something', async () => {
    const later = { kind: 'later', delayMs: 0, reason: TIMEOUT } as const;
    await settle(db(), await claimBlog(), T0 + 1, { ...later, reason: OFFLINE });
    const second = await claimOne(db(), T0 + 1);
    await settleJob(db(), { ...second, outcome: later, facts: FACTS, stats: STATS, now: T0 + 2 });
    await settle(db(), await claimOne(db(), T0 + 2), T0 + 3, later);
    expect(await readRuns(db())).toMatchObject([
      { finished_at: T0 + 1 },
      { finished_at: T0 + 2, commit_id: 'abc123' },
      { finished_at: T0 + 3 },
    ]);
  });

  test('a run that steps back after its lease was lost forgets nothing', async () => {
    const later = { kind: 'later', delayMs: 0, reason: TIMEOUT } as const;
    await settle(db(), await claimBlog(), T0 + 1, later);
    const second = await claimOne(db(), T0 + 1);
    await look(db(), T0 + 2 + LEASE_MS, { freeSlots: 0 });
    expect(await settle(db(), second, T0 + 3 + LEASE_MS, later)).toBe('lost');
    expect(await readRuns(db())).toMatchObject([{ status: 'retrying' }, { status: 'crashed' }]);
  });

  test('asking the remote survives a failed attempt and ends with success', async () => {
    await addProjectRow(db(), 'blog');
    await put(db(), 'blog', T0, { trigger: 'api', askRemote: true });
    await settle(db(), await claimOne(db(), T0), T0, { kind: 'retry', delayMs: 0, reason: TIMEOUT });
    const again = await claimOne(db(), T0);
    expect(again.askRemote).toBe(true);
    await settle(db(), again, T0);
    await put(db(), 'blog', T0 + 1);
    expect((await claimOne(db(), T0 + 1)).askRemote).toBe(false);
  });

  test('blocked and conflict go idle with their reason, and the next change tries again', async () => {
    const job = await claimBlog();
    await settle(db(), job, T0 + 1, { kind: 'conflict', reason: DIVERGED });
    expect(await readJobRow(db(), 'blog')).toMatchObject({ state: 'idle', attempt: 0 });
    expect(await claimNames(db(), T0 + 10 ** 9)).toEqual([]);
    await put(db(), 'blog', T0 + 2);
    const again = await claimOne(db(), T0 + 2);
    await settle(db(), again, T0 + 3, {
      kind: 'blocked',
      reason: reasonOf('index-locked', 'index.lock is there.'),
    });
    const runs = await readRuns(db());
    expect(runs).toMatchObject([{ status: 'conflict' }, { status: 'blocked' }]);
    expect(JSON.parse(String(runs[0]?.error))).toMatchObject({ code: 'remote-diverged', retryable: false });
  });

  test('what scan after scan finds blocked by the same is one run, the newest; figures count each', async () => {
    await addProjectRow(db(), 'blog');
    const before = await db().run("SELECT runs FROM run_totals WHERE status = 'blocked'");
    const missing = { kind: 'blocked', reason: reasonOf('remote-missing', 'blog has no remote.') } as const;
    let at = T0;
    const settled = async (trigger: 'scan' | 'watch', outcome: JobOutcome, stats = NO_STATS) => {
      at += 10;
      await put(db(), 'blog', at, { trigger, delayMs: 0 });
      const job = await claimOne(db(), at);
      const closing = { ...job, outcome, facts: null, stats, now: at + 1 };
      expect(await settleJob(db(), closing)).toBe('settled');
      return closing;
    };
    await settled('watch', missing);
    const first = await settled('scan', missing);
    await settled('scan', missing);
    const third = await settled('scan', missing);
    const told = async () =>
      (await readRuns(db())).map((run) => `${run.trigger_kind} ${JSON.parse(String(run.error)).code}`);
    expect(await told()).toEqual(['watch remote-missing', 'scan remote-missing']);
    expect((await readRuns(db()))[1]).toMatchObject({ finished_at: third.now });
    // The answer to one that is forgotten since was lost: asked again, it is settled all the same.
    expect(await settleJob(db(), first)).toBe('settled');
    // News: another reason, another text, or something that was done.
    await settled('scan', { ...missing, reason: reasonOf('identity-missing', 'Nobody.') });
    await settled('scan', { ...missing, reason: reasonOf('identity-missing', 'Nobody here.') });
    await settled('scan', { ...missing, reason: reasonOf('identity-missing', 'Nobody here.') }, STATS);
    await settled('scan', { ...missing, reason: reasonOf('identity-missing', 'Nobody here.') });
    expect((await told()).slice(2)).toEqual(new Array(4).fill('scan identity-missing'));
    const after = await db().run("SELECT runs FROM run_totals WHERE status = 'blocked'");
    expect(Number(after[0]?.runs) - Number(before[0]?.runs)).toBe(8);
  });

  test('parked jobs fail visibly and wait until unparked', async () => {
    const job = await claimBlog();
    await settle(db(), job, T0 + 1, { kind: 'park', reason: PROTECTED });
    const row = await readJobRow(db(), 'blog');
    expect(row).toMatchObject({ state: 'parked', attempt: 1 });
    expect((await readEvents(db())).at(-1)).toMatchObject({
      type: 'job.parked',
      data: { from: 'running', error: { code: PROTECTED.code } },
    });
    expect(JSON.parse(String(row.last_error))).toMatchObject(PROTECTED);
    expect(await readRuns(db())).toMatchObject([{ status: 'failed' }]);
    expect(await unparkAll(db(), { machineId: 'desktop', now: T0 + 2 })).toBe(0);
    expect(await unparkAll(db(), { machineId: 'laptop', reason: 'credential-rejected', now: T0 + 2 })).toBe(
      0,
    );
    expect(await unparkAll(db(), { machineId: 'laptop', now: T0 + 2 })).toBe(1);
    expect(await claimOne(db(), T0 + 2)).toMatchObject({ attempt: 1 });
  });

  test('a released job uses no attempt, is ready again at the next look and keeps its place', async () => {
    const job = await claimBlog();
    await addProjectRow(db(), 'newer');
    await put(db(), 'newer', T0 + 1);
    await settle(db(), job, T0 + 2, { kind: 'release', reason: OFFLINE });
    await look(db(), T0 + 2, { freeSlots: 0 });
    expect(await readJobRow(db(), 'blog')).toMatchObject({ state: 'ready', attempt: 0 });
    expect(await readRuns(db())).toMatchObject([{ status: 'retrying' }]);
    expect((await look(db(), T0 + 3, { freeSlots: 2 })).claimed).toMatchObject([
      { projectId: 'blog', attempt: 1, trigger: 'watch' },
      { projectId: 'newer' },
    ]);
  });

  test('saves nothing once the lease is lost, not even facts', async () => {
    const job = await claimBlog();
    await look(db(), T0 + LEASE_MS, { freeSlots: 0 });
    const now = T0 + LEASE_MS + 1;
    expect(await settleJob(db(), { ...job, outcome: DONE, facts: FACTS, stats: STATS, now })).toBe('lost');
    expect(await db().run('SELECT branch, pending_files FROM projects')).toEqual([
      { branch: null, pending_files: 0 },
    ]);
    expect(await readRuns(db())).toMatchObject([{ status: 'crashed', commit_id: null }]);
    expect(await readJobRow(db(), 'blog')).toMatchObject({ state: 'ready' });
  });

  test('says settled when it is repeated because an answer was lost, also after the next claim', async () => {
    const job = await claimBlog();
    expect(await settle(db(), job, T0 + 1)).toBe('settled');
    expect(await settle(db(), job, T0 + 2)).toBe('settled');
    await put(db(), 'blog', T0 + 3);
    const next = await claimOne(db(), T0 + 3);
    expect(await settle(db(), job, T0 + 4)).toBe('settled');
    expect(await readJobRow(db(), 'blog')).toMatchObject({ state: 'running', fence: next.fence });
    expect(await readRuns(db())).toMatchObject([{ finished_at: T0 + 1 }]);
  });

  test('says lost when the project was removed meanwhile', async () => {
    const job = await claimBlog();
    await db().run('DELETE FROM projects');
    expect(await settle(db(), job, T0 + 1)).toBe('lost');
    // A project added later never gets the old job's number.
    await addProjectRow(db(), 'blog');
    const [again] = await put(db(), 'blog', T0 + 2);
    expect(again?.jobId).toBeGreaterThan(job.jobId);
  });
});
