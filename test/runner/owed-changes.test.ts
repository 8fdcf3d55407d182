import { expect, test } from 'vitest';
import { silentLog } from '../../src/host/log.ts';
import { Failure } from '../../src/model/failure.ts';
import type { JobId, ProjectId } from '../../src/model/ids.ts';
import { createBackground } from '../../src/runner/background.ts';
import { createOwedChanges } from '../../src/runner/owed-changes.ts';
import { createManualClock } from '../support/manual-clock.ts';

const id = (name: string) => name as ProjectId;

/** Changes of projects with a quiet period of one second, and a queue that is away until `back` is called. */
function begin() {
  const clock = createManualClock();
  const background = createBackground(silentLog);
  const stop = new AbortController();
  const tries: ProjectId[][] = [];
  const committed: ProjectId[] = [];
  const queued: ProjectId[] = [];
  const doubts = new Set<object>();
  let isAway = true;
  let answer: 'done' | 'again' = 'done';
  const owed = createOwedChanges({
    ...{ clock, background, log: silentLog, random: () => 0.5, signal: stop.signal },
    async queue(projectIds) {
      tries.push([...projectIds]);
      if (isAway) throw new Failure('database-unreachable', 'gone');
      return projectIds.map((projectId) => ({ projectId, jobId: 1 as JobId }));
    },
    async commitHere(projectId) {
      committed.push(projectId);
      return answer;
    },
    timings: () => ({ quietMs: 1_000, maxWaitMs: 5_000 }),
    doubt() {
      const doubt = {};
      doubts.add(doubt);
      return () => void doubts.delete(doubt);
    },
    onQueued: async (projectIds) => void queued.push(...projectIds),
  });
  return {
    ...{ clock, background, stop, owed, tries, committed, queued, doubts },
    back: () => {
      isAway = false;
    },
    stands: (next: 'done' | 'again') => {
      answer = next;
    },
  };
}

test('a change that the queue takes is owed to nobody', async () => {
  const { clock, owed, queued, committed, doubts, background, back } = begin();
  back();
  owed.queue(id('notes'), 1_000);
  await background.settled();
  await clock.advance(10_000);
  expect({ queued, committed, owed: owed.list(), doubts: doubts.size }).toEqual({
    ...{ queued: ['notes'], committed: [], owed: [], doubts: 0 },
  });
});

test('while the queue is away a project is owed once, committed when it is quiet, and queued when it is back', async () => {
  const { clock, owed, queued, committed, doubts, background, back } = begin();
  for (let change = 0; change < 20; change++) {
    owed.queue(id('notes'), 1_000);
    await clock.advance(100);
  }
  expect(owed.list()).toEqual(['notes']);
  expect(committed).toEqual([]);
  expect(doubts.size).toBe(1);
  await clock.advance(2_000);
  expect(committed).toEqual(['notes']);
  expect(queued).toEqual([]);
  back();
  await clock.advance(1_000);
  await background.settled();
  expect({ queued, owed: owed.list(), doubts: doubts.size }).toEqual({
    queued: ['notes'],
    owed: [],
    doubts: 0,
  });
});

test('work that never pauses is committed at the latest after the longest wait, and again for later changes', async () => {
  const { clock, owed, committed, stop } = begin();
  for (let change = 0; change < 60; change++) {
    owed.queue(id('notes'), 1_000);
    await clock.advance(100);
  }
  expect(committed).toEqual(['notes']);
  for (let change = 0; change < 60; change++) {
    owed.queue(id('notes'), 1_000);
    await clock.advance(100);
  }
  expect(committed.length).toBe(2);
  stop.abort();
});

test('what stood in the way of a commit is tried again, without the others having to wait', async () => {
  const { clock, owed, committed, stands, stop } = begin();
  stands('again');
  owed.owe([id('a'), id('b')]);
  await clock.advance(1_700);
  expect([...new Set(committed)]).toEqual(['a', 'b']);
  stands('done');
  await clock.advance(1_000);
  const count = committed.length;
  await clock.advance(5_000);
  expect(committed.length).toBe(count);
  stop.abort();
});

test('a removed project is owed nothing, and a stop ends the settling', async () => {
  const { clock, owed, stop, background, doubts } = begin();
  owed.owe([id('a'), id('b')]);
  owed.forget(id('a'));
  expect(owed.list()).toEqual(['b']);
  expect(doubts.size).toBe(1);
  stop.abort(new Failure('aborted', 'stopping'));
  await clock.advance(1_000);
  await background.settled();
});
