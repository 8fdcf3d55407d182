import { expect, test } from 'vitest';
import { silentLog } from '../../src/host/log.ts';
import { Failure, reasonOf } from '../../src/model/failure.ts';
import type { ProjectId } from '../../src/model/ids.ts';
import { NO_FACTS, NO_RELEASES, type Project, type ProjectFacts } from '../../src/model/project.ts';
import { GithubConfigSchema } from '../../src/model/project-config.ts';
import { createRemotePoll, type RemotePollPorts } from '../../src/runner/poll-remotes.ts';
import { createManualClock } from '../support/manual-clock.ts';
import { seededRandom } from '../support/random-trees.ts';

const MINUTE = 60_000;
const TIP = 'a'.repeat(40);
const OTHER = 'b'.repeat(40);

function project(
  name: string,
  facts: Partial<ProjectFacts> = {},
  github: Record<string, unknown> = {},
): Project {
  return {
    projectId: name as ProjectId,
    projectName: name,
    machineId: 'laptop',
    path: `/home/u/${name}`,
    configHome: 'database',
    github: GithubConfigSchema.parse({ enabled: true, ...github }),
    pausedUntil: null,
    releases: NO_RELEASES,
    conflictChoice: null,
    facts: { ...NO_FACTS, lastSafeAt: 1, remoteTips: { main: TIP }, ...facts },
  };
}

/** Plays the remotes over a hand-moved clock and notes who was asked when, and who has moved. */
function createBench(projects: Project[], more: Partial<RemotePollPorts> = {}) {
  const clock = createManualClock();
  const start = clock.now();
  const asked: { name: string; atMs: number; prefixes: readonly string[] }[] = [];
  const moved: string[] = [];
  const failed: string[] = [];
  const poll = createRemotePoll({
    clock,
    random: seededRandom(5),
    log: silentLog,
    intervalMs: () => 5 * MINUTE,
    projects: () => projects,
    slowness: async () => () => 1,
    mayAsk: async () => true,
    async tipsOf({ projectId }, prefixes) {
      asked.push({ name: projectId, atMs: clock.now() - start, prefixes });
      return new Map([['refs/heads/main', TIP]]);
    },
    onMoved: async (projectId) => void moved.push(projectId),
    onFailure: async ({ projectId }, { code }) => void failed.push(`${projectId}: ${code}`),
    ...more,
  });
  return { clock, poll, asked, moved, failed };
}

test('createRemotePoll() asks less often where a webhook tells of pushes, and as before once it no longer does', async () => {
  const projects = ['plain', 'served'].map((name) => project(name));
  let slow = 6;
  const { clock, poll, asked } = createBench(projects, {
    slowness: async () => (projectId) => (projectId === 'served' ? slow : 1),
  });
  const count = (name: string) => asked.filter((each) => each.name === name).length;
  poll.start();
  await clock.advance(180 * MINUTE);
  expect(count('plain')).toBeGreaterThanOrEqual(28);
  expect(count('served')).toBeGreaterThanOrEqual(4);
  expect(count('served')).toBeLessThanOrEqual(9);
  slow = 1;
  asked.length = 0;
  await clock.advance(60 * MINUTE);
  await poll.stop();
  expect(count('served')).toBeGreaterThanOrEqual(8);
});

test('createRemotePoll() asks every project once an interval, each at its own time', async () => {
  const projects = Array.from({ length: 40 }, (_, n) => project(`p${n}`));
  const { clock, poll, asked, moved } = createBench(projects);
  poll.start();
  await clock.advance(60 * MINUTE);
  await poll.stop();
  const counts = projects.map(({ projectId }) => asked.filter(({ name }) => name === projectId).length);
  expect(Math.min(...counts)).toBeGreaterThanOrEqual(9);
  expect(Math.max(...counts)).toBeLessThanOrEqual(17);
  const busiest = Math.max(...asked.map(({ atMs }) => asked.filter((each) => each.atMs === atMs).length));
  expect(busiest).toBeLessThan(10);
  expect(moved).toEqual([]);
  const before = asked.length;
  await clock.advance(60 * MINUTE);
  expect(asked.length).toBe(before);
});

test('createRemotePoll() tells which remotes have moved, and looks at synced branches only', async () => {
  const tips = new Map([
    ['refs/heads/main', OTHER],
    ['refs/heads/private', OTHER],
  ]);
  const projects = [
    project('moved'),
    project('elsewhere', { remoteTips: { main: OTHER, private: TIP } }),
    project('gone', { remoteTips: { 'auto/old': TIP } }),
  ];
  const { clock, poll, moved } = createBench(projects, { tipsOf: async () => tips });
  poll.start();
  await clock.advance(6 * MINUTE);
  await poll.stop();
  expect(new Set(moved)).toEqual(new Set(['moved']));
});

test('createRemotePoll() leaves out who is disabled, paused, never safe, held back or could not take changes in', async () => {
  const projects = [
    project('disabled', {}, { enabled: false }),
    project('off', {}, { integrate: 'off' }),
    project('never-safe', { lastSafeAt: null }),
    { ...project('paused'), pausedUntil: 8_640_000_000_000_000 },
    project('held-back'),
    project('snapshots', {}, { mode: 'snapshot' }),
    project('merging', { blocked: reasonOf('merge-in-progress', 'A merge is in progress.') }),
    project('asked', { engine: { name: 'git', reason: 'it says so' } }),
  ];
  const { clock, poll, asked } = createBench(projects, {
    mayAsk: async ({ projectId }) => projectId !== 'held-back',
  });
  poll.start();
  await clock.advance(30 * MINUTE);
  await poll.stop();
  expect(new Set(asked.map(({ name }) => name))).toEqual(new Set(['asked']));
  expect(asked[0]?.prefixes).toEqual(['refs/heads/main']);
});

test('createRemotePoll() asks a few at once, and one that fails stops no other', async () => {
  const projects = Array.from({ length: 20 }, (_, n) => project(`p${n}`));
  let running = 0;
  let most = 0;
  const waiting: (() => void)[] = [];
  const { clock, poll, failed, moved } = createBench(projects, {
    async tipsOf({ projectId }) {
      running++;
      most = Math.max(most, running);
      await new Promise<void>((resolve) => waiting.push(resolve));
      running--;
      if (projectId === 'p3') throw new Failure('offline', 'No network.');
      return new Map([['refs/heads/main', OTHER]]);
    },
  });
  poll.start();
  await clock.advance(1);
  // The machine slept: all are due at the same time.
  clock.set(clock.now() + 60 * MINUTE);
  for (let round = 0; round < 60; round++) {
    await clock.advance(15_000 / 60);
    for (const go of waiting.splice(0)) go();
    await clock.advance(0);
  }
  expect(most).toBe(4);
  expect(new Set(moved).size).toBe(19);
  expect(failed).toContain('p3: offline');
  const stopped = poll.stop();
  for (const go of waiting.splice(0)) go();
  await stopped;
});

test('createRemotePoll() asks nobody while the interval is 0, and again when it is not', async () => {
  let interval = 0;
  const { clock, poll, asked } = createBench([project('p')], { intervalMs: () => interval });
  poll.start();
  await clock.advance(30 * MINUTE);
  expect(asked).toEqual([]);
  interval = MINUTE;
  await clock.advance(5 * MINUTE);
  await poll.stop();
  expect(asked.length).toBeGreaterThan(1);
});

test('createRemotePoll() tells a project in conflict once of each tip, and any other until it has taken it in', async () => {
  let tip = OTHER;
  const conflict = { blocked: reasonOf('content-conflict', 'Both sides changed a.md.') };
  const { clock, poll, moved } = createBench([project('clash', conflict), project('free')], {
    tipsOf: async () => new Map([['refs/heads/main', tip]]),
  });
  const toldTo = (name: string) => moved.filter((each) => each === name).length;
  poll.start();
  await clock.advance(30 * MINUTE);
  expect(toldTo('clash')).toBe(1);
  expect(toldTo('free')).toBeGreaterThan(3);
  tip = 'c'.repeat(40);
  await clock.advance(30 * MINUTE);
  await poll.stop();
  expect(toldTo('clash')).toBe(2);
});

test('createRemotePoll() does not stay awake for a project whose time is over and that is not to be asked', async () => {
  const waiting = project('p');
  const { clock, poll, asked } = createBench([waiting]);
  poll.start();
  await clock.advance(1);
  waiting.pausedUntil = 8_640_000_000_000_000;
  await clock.advance(10 * MINUTE);
  expect(asked).toEqual([]);
  expect(clock.nextTimerMs()).toBeGreaterThan(1_000);
  await poll.stop();
});
