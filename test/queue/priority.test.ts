import { expect, test } from 'vitest';
import { priorityOf } from '../../src/queue/priority.ts';

const now = 1_700_000_000_000;
const MINUTE_MS = 60_000;
const ago = (minutes: number) => now - minutes * MINUTE_MS;
const idle = { lastActivityAt: null, isMainBranch: false, pendingCommits: 0, now };

test.each([
  { what: 'nothing known', input: {}, priority: 2 },
  { what: 'activity a minute ago', input: { lastActivityAt: ago(1) }, priority: 5 },
  { what: 'activity half an hour ago', input: { lastActivityAt: ago(30) }, priority: 4 },
  { what: 'activity half a day ago', input: { lastActivityAt: ago(720) }, priority: 3 },
  { what: 'activity last week', input: { lastActivityAt: ago(10_000) }, priority: 2 },
  { what: 'activity in the future of a skewed clock', input: { lastActivityAt: ago(-60) }, priority: 5 },
  { what: 'the main branch', input: { isMainBranch: true }, priority: 3 },
  { what: 'one unpushed commit', input: { pendingCommits: 1 }, priority: 3 },
  { what: 'five unpushed commits', input: { pendingCommits: 5 }, priority: 4 },
  { what: 'a thousand unpushed commits', input: { pendingCommits: 1000 }, priority: 5 },
  {
    what: 'everything at once',
    input: { lastActivityAt: now, isMainBranch: true, pendingCommits: 50 },
    priority: 9,
  },
  {
    what: 'a caller asking for 0 on a busy project',
    input: { requested: 0, lastActivityAt: now },
    priority: 0,
  },
  { what: 'a caller asking for 10', input: { requested: 10 }, priority: 10 },
  { what: 'a caller asking for 7.4', input: { requested: 7.4 }, priority: 7 },
  { what: 'a caller asking for 99', input: { requested: 99 }, priority: 10 },
  { what: 'a caller asking for -3', input: { requested: -3 }, priority: 0 },
])('priorityOf() gives $priority for $what', ({ input, priority }) => {
  expect(priorityOf({ ...idle, ...input })).toBe(priority);
});
