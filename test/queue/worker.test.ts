import { expect, onTestFinished, test } from 'vitest';
import { Failure } from '../../src/model/failure.ts';
import type { JobId, ProjectId } from '../../src/model/ids.ts';
import type { ClaimedJob } from '../../src/model/job.ts';
import type { Lease } from '../../src/queue/heartbeat.ts';
import { createWorker, type WorkerOptions } from '../../src/queue/worker.ts';
import { createManualClock } from '../support/manual-clock.ts';

const LEASE_MS = 30_000;

function job(id: number, fence = 1): ClaimedJob {
  return {
    jobId: id as JobId,
    fence,
    projectId: `p${id}` as ProjectId,
    trigger: 'watch',
    attempt: 1,
    askRemote: false,
    leaseUntil: 0,
  };
}

type Answer = { claimed?: ClaimedJob[]; lost?: Lease[]; nextWakeMs?: number | null };
type Look = { at: number; freeSlots: number; held: string[] };

/** A worker over a hand-moved clock; `answer` plays the queue, `runs` holds every run until it is released. */
function setup(options: Partial<WorkerOptions> & { answer?: (look: Look) => Answer | Promise<Answer> } = {}) {
  const clock = createManualClock();
  const looks: Look[] = [];
  const errors: { error: unknown; job: ClaimedJob | undefined }[] = [];
  const runs: { job: ClaimedJob; signal: AbortSignal; at: number; end(error?: unknown): void }[] = [];
  const backlog: ClaimedJob[] = [];
  const worker = createWorker({
    async fetch(freeSlots, held) {
      const look = { at: clock.monotonic(), freeSlots, held: held.map((l) => `${l.jobId}:${l.fence}`) };
      looks.push(look);
      const answer = options.answer ? await options.answer(look) : { claimed: backlog.splice(0, freeSlots) };
      return { claimed: [], lost: [], nextWakeMs: null, ...answer };
    },
    run: (claimed, signal) =>
      new Promise((resolve, reject) => {
        const end = (error?: unknown) => (error === undefined ? resolve() : reject(error));
        runs.push({ job: claimed, signal, at: clock.monotonic(), end });
      }),
    onError: (error, failed) => errors.push({ error, job: failed }),
    clock,
    maxConcurrent: () => 3,
    leaseMs: LEASE_MS,
    jobTimeoutMs: () => 600_000,
    idlePollMs: 60_000,
    ...options,
  });
  onTestFinished(async () => {
    const stopped = worker.stop(0);
    for (const run of runs) run.end();
    await clock.advance(LEASE_MS);
    await stopped;
  });
  return { clock, looks, errors, runs, backlog, worker };
}

const codes = (errors: { error: unknown }[]) =>
  errors.map(({ error }) => (error instanceof Failure ? error.code : error));
const reason = (signal: AbortSignal | undefined) => (signal?.reason as Failure | undefined)?.code;

test('start() looks at once and asks for as many jobs as there are slots', async () => {
  const { worker, clock, looks, runs, backlog } = setup();
  backlog.push(job(1), job(2), job(3), job(4));
  worker.start();
  worker.start();
  await clock.advance(0);
  expect(looks).toEqual([{ at: 0, freeSlots: 3, held: [] }]);
  expect(runs.map((run) => run.job.jobId)).toEqual([1, 2, 3]);
  expect(worker.active()).toBe(3);
});

test('a job that ends frees its slot for the next one at once', async () => {
  const { worker, clock, looks, runs, backlog } = setup();
  backlog.push(job(1), job(2), job(3), job(4));
  worker.start();
  await clock.advance(0);
  runs[0]?.end();
  await clock.advance(0);
  expect(looks.at(-1)).toEqual({ at: 0, freeSlots: 1, held: ['2:1', '3:1'] });
  expect(runs.at(-1)?.job.jobId).toBe(4);
});

test('it looks exactly when something is due, and after idlePollMs when nothing is known', async () => {
  const due = [7_300, null, 0];
  const { worker, clock, looks } = setup({ answer: () => ({ nextWakeMs: due.shift() ?? null }) });
  worker.start();
  await clock.advance(7_299);
  expect(looks).toHaveLength(1);
  await clock.advance(1);
  expect(looks.map((look) => look.at)).toEqual([0, 7_300]);
  await clock.advance(60_000);
  expect(looks.map((look) => look.at)).toEqual([0, 7_300, 67_300]);
});

test('a job that is due but cannot be claimed makes no spin', async () => {
  const { worker, clock, looks } = setup({ answer: () => ({ nextWakeMs: 0 }) });
  worker.start();
  await clock.advance(1_000);
  expect(looks.map((look) => look.at)).toEqual([0, 250, 500, 750, 1_000]);
});

test('with all slots taken, what is due does not matter: only heartbeats go out', async () => {
  const { worker, clock, looks } = setup({
    maxConcurrent: () => 1,
    answer: ({ freeSlots }) => ({ claimed: freeSlots > 0 ? [job(1)] : [], nextWakeMs: 1 }),
  });
  worker.start();
  await clock.advance(25_000);
  expect(looks).toEqual([
    { at: 0, freeSlots: 1, held: [] },
    { at: 10_000, freeSlots: 0, held: ['1:1'] },
    { at: 20_000, freeSlots: 0, held: ['1:1'] },
  ]);
});

test('wake() makes one look at a time; many calls during a look make one more', async () => {
  let answer = () => {};
  const open = () =>
    new Promise<Answer>((resolve) => {
      answer = () => resolve({});
    });
  const { worker, clock, looks } = setup({ answer: open });
  worker.start();
  for (let i = 0; i < 50; i += 1) worker.wake();
  await clock.advance(5_000);
  expect(looks).toHaveLength(1);
  answer();
  await clock.advance(0);
  expect(looks).toHaveLength(2);
  answer();
  await clock.advance(0);
  expect(looks).toHaveLength(2);
  worker.wake();
  await clock.advance(0);
  expect(looks).toHaveLength(3);
  answer();
});

test('maxConcurrent() is asked at every look, so a change applies live', async () => {
  let slots = 1;
  const { worker, clock, runs, backlog } = setup({ maxConcurrent: () => slots });
  backlog.push(job(1), job(2), job(3));
  worker.start();
  await clock.advance(0);
  expect(runs).toHaveLength(1);
  slots = 3;
  worker.wake();
  await clock.advance(0);
  expect(runs).toHaveLength(3);
  slots = 1;
  runs[0]?.end();
  await clock.advance(0);
  expect(worker.active()).toBe(2);
});

test('a job runs on as long as heartbeats keep its lease', async () => {
  const { worker, clock, runs, backlog } = setup();
  backlog.push(job(1));
  worker.start();
  await clock.advance(10 * LEASE_MS);
  expect(runs[0]?.signal.aborted).toBe(false);
});

test('a job whose lease the database took away is aborted with lease-lost and no longer heartbeaten', async () => {
  let lost: Lease[] = [];
  const { worker, clock, runs, looks } = setup({
    answer: ({ at }) => ({ claimed: at === 0 ? [job(1), job(2)] : [], lost }),
  });
  worker.start();
  await clock.advance(0);
  lost = [{ jobId: 1 as JobId, fence: 1 }];
  await clock.advance(10_000);
  expect(reason(runs[0]?.signal)).toBe('lease-lost');
  expect(runs[1]?.signal.aborted).toBe(false);
  await clock.advance(10_000);
  expect(looks.at(-1)?.held).toEqual(['2:1']);
  expect(worker.active()).toBe(2);
});

test('an unreachable database costs a job its lease, counted from before the last good request', async () => {
  const { worker, clock, runs, errors } = setup({
    async answer({ at }) {
      if (at > 10_000) throw new Failure('database-unreachable', 'no answer');
      if (at === 0) {
        await clock.sleep(4_000);
        return { claimed: [job(1)] };
      }
      return {};
    },
  });
  worker.start();
  await clock.advance(10_000 + LEASE_MS - 1);
  expect(runs[0]?.at).toBe(4_000);
  expect(runs[0]?.signal.aborted).toBe(false);
  await clock.advance(1);
  expect(reason(runs[0]?.signal)).toBe('lease-lost');
  expect(codes(errors)).toContain('database-unreachable');
});

test('a job whose lease ended before the answer came is not run', async () => {
  const { worker, clock, runs, errors } = setup({
    async answer({ at }) {
      if (at > 0) return {};
      await clock.sleep(LEASE_MS + 1);
      return { claimed: [job(1)] };
    },
  });
  worker.start();
  await clock.advance(LEASE_MS + 1);
  expect(runs).toEqual([]);
  expect(codes(errors)).toEqual(['lease-lost']);
  expect(errors[0]?.job?.jobId).toBe(1);
  expect(worker.active()).toBe(0);
});

test('a lease that is won back waits for the end of the run that lost it', async () => {
  let step = 0;
  const { worker, clock, runs } = setup({
    answer() {
      step += 1;
      if (step === 1) return { claimed: [job(1, 1)] };
      if (step === 2) return { claimed: [job(1, 2)], lost: [job(1, 1)] };
      return {};
    },
  });
  worker.start();
  await clock.advance(10_000);
  expect(runs).toHaveLength(1);
  expect(reason(runs[0]?.signal)).toBe('lease-lost');
  runs[0]?.end();
  await clock.advance(0);
  expect(runs.map((run) => run.job.fence)).toEqual([1, 2]);
  expect(runs[1]?.signal.aborted).toBe(false);
});

test('a job beyond its time limit is aborted with job-timeout and keeps its lease to settle', async () => {
  const { worker, clock, runs, looks, errors, backlog } = setup({ jobTimeoutMs: () => 45_000 });
  backlog.push(job(1));
  worker.start();
  await clock.advance(44_999);
  expect(runs[0]?.signal.aborted).toBe(false);
  await clock.advance(1);
  expect(reason(runs[0]?.signal)).toBe('job-timeout');
  await clock.advance(10_000);
  expect(looks.at(-1)?.held).toEqual(['1:1']);
  runs[0]?.end();
  await clock.advance(0);
  expect(worker.active()).toBe(0);
  expect(errors).toEqual([]);
});

test('a job that goes on after it was told to end is reported', async () => {
  const { worker, clock, errors, backlog } = setup({ jobTimeoutMs: () => 1_000 });
  backlog.push(job(1));
  worker.start();
  await clock.advance(1_000 + LEASE_MS);
  expect(codes(errors)).toEqual(['internal-error']);
  expect(String(errors[0]?.error)).toContain('p1 still runs 30000 ms');
});

test('a run that throws is reported with its job and frees the slot', async () => {
  const { worker, clock, runs, errors, backlog } = setup();
  backlog.push(job(1));
  worker.start();
  await clock.advance(0);
  runs[0]?.end(new TypeError('a bug'));
  await clock.advance(0);
  expect(errors).toEqual([{ error: new TypeError('a bug'), job: job(1) }]);
  expect(worker.active()).toBe(0);
});

test('a failing fetch is reported, retried with growing bounded delays, and never ends the loop', async () => {
  let broken = true;
  const backlog = [job(1)];
  const { worker, clock, looks, errors, runs } = setup({
    answer() {
      if (broken) throw new Failure('database-busy', 'busy');
      return { claimed: backlog.splice(0) };
    },
  });
  worker.start();
  await clock.advance(0);
  worker.wake();
  await clock.advance(20_000);
  const gaps = looks.slice(1).map((look, i) => look.at - (looks[i]?.at ?? 0));
  expect(gaps).toEqual([100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
  expect(errors).toHaveLength(looks.length);
  broken = false;
  await clock.advance(5_000);
  expect(runs).toHaveLength(1);
});

test('stop() claims no more, keeps leases alive and lets running jobs finish', async () => {
  const { worker, clock, runs, looks, backlog } = setup();
  backlog.push(job(1));
  worker.start();
  await clock.advance(0);
  backlog.push(job(2));
  let stopped = false;
  const stopping = worker.stop(60_000).then(() => {
    stopped = true;
  });
  worker.wake();
  await clock.advance(25_000);
  expect(looks.slice(1).every((look) => look.freeSlots === 0 && look.held[0] === '1:1')).toBe(true);
  expect(looks.length).toBeGreaterThan(2);
  expect(stopped).toBe(false);
  expect(runs[0]?.signal.aborted).toBe(false);
  runs[0]?.end();
  await stopping;
  expect(runs).toHaveLength(1);
  expect(clock.nextTimerMs()).toBeNull();
});

test('stop() aborts what runs beyond the grace and waits for its end', async () => {
  const { worker, clock, runs, backlog } = setup();
  backlog.push(job(1), job(2));
  worker.start();
  await clock.advance(0);
  let stopped = false;
  const stopping = worker.stop(5_000).then(() => {
    stopped = true;
  });
  await clock.advance(4_999);
  expect(runs[0]?.signal.aborted).toBe(false);
  await clock.advance(1);
  expect(runs.map((run) => reason(run.signal))).toEqual(['aborted', 'aborted']);
  runs[0]?.end();
  await clock.advance(0);
  expect(stopped).toBe(false);
  runs[1]?.end();
  await stopping;
  expect(worker.active()).toBe(0);
});

test('a job claimed at the moment of stopping is run with an aborted signal, to be given back', async () => {
  let answer: (value: Answer) => void = () => {};
  const first = new Promise<Answer>((resolve) => {
    answer = resolve;
  });
  const { worker, clock, runs, looks } = setup({ answer: () => (looks.length === 1 ? first : {}) });
  worker.start();
  const stopping = worker.stop(60_000);
  answer({ claimed: [job(1)] });
  await clock.advance(0);
  expect(reason(runs[0]?.signal)).toBe('aborted');
  runs[0]?.end();
  await stopping;
});

test('stop() ends a wait after an error at once; start() works again afterwards, not before', async () => {
  let broken = true;
  const { worker, clock, looks } = setup({
    answer() {
      if (broken) throw new Failure('database-busy', 'busy');
      return {};
    },
  });
  worker.start();
  await clock.advance(3_000);
  const stopping = worker.stop(1_000);
  expect(() => worker.start()).toThrow('wait for stop()');
  await stopping;
  await worker.stop(0);
  const before = looks.length;
  broken = false;
  worker.start();
  await clock.advance(0);
  expect(looks).toHaveLength(before + 1);
});
