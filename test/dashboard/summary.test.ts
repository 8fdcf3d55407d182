import { expect, test } from 'vitest';
import { listProjects } from '../../src/dashboard/project-order.ts';
import type { Connection } from '../../src/dashboard/store.ts';
import { summarize } from '../../src/dashboard/summary.ts';
import type { Project, Status } from '../../src/dashboard/wire.ts';

const NOW = Date.parse('2025-01-31T12:00:00Z');
const LIVE: Connection = { kind: 'live' };
const STATUS = { serviceRunning: true, database: { reachable: true } } as Status;

const project = (state: Project['state'], more: Partial<Project> = {}) =>
  ({
    state,
    stateReason: null,
    heldFiles: [],
    lastSync: { finishedAt: '2025-01-31T11:59:48Z' },
    ...more,
  }) as unknown as Project;

const summary = (projects: Project[], more: Partial<Parameters<typeof summarize>[0]> = {}) =>
  summarize({ status: STATUS, projects, connection: LIVE, now: NOW, ...more });

test.each<[string, Project['state'][], string, string]>([
  ['nobody', [], 'quiet', 'No project is synced yet'],
  ['one', ['safe'], 'good', 'Your project is safe'],
  ['all', ['safe', 'safe', 'disabled'], 'good', 'All 2 projects are safe'],
  ['one on the way', ['safe', 'syncing'], 'wait', '1 project on the way'],
  ['offline', ['offline', 'offline'], 'wait', '2 projects on the way'],
  ['one paused', ['safe', 'paused'], 'wait', '1 project paused'],
  ['two that need a person', ['blocked', 'conflict', 'pending'], 'bad', '2 projects need you'],
])('summarize() of %s', (_name, states, tone, headline) => {
  const projects = states.map((state) => project(state));
  expect(summary(projects)).toMatchObject({ tone, headline });
});

test('summarize() says when the last sync was and how many files are held back', () => {
  const held = project('safe', { heldFiles: [{ path: '.env' }] as Project['heldFiles'] });
  expect(summary([held, project('safe')]).detail).toBe('Last sync 12 s ago, 1 file held back');
});

test('summarize() counts those that are safe beside paused ones', () => {
  expect(summary([project('paused'), project('paused')]).detail).toBe('0 of 2 safe, last sync 12 s ago');
  expect(summary([project('safe'), project('paused')]).detail).toBe('1 of 2 safe, last sync 12 s ago');
});

test('summarize() and the list put a project that its host paused before those that a person did', () => {
  const stateReason = { code: 'repository-archived' } as Project['stateReason'];
  const [byPerson, archived] = [project('paused'), project('paused', { stateReason })];
  expect(summary([byPerson, archived])).toMatchObject({ tone: 'bad', headline: '1 project needs you' });
  const wish = { text: '', order: 'attention', activity: new Map() } as const;
  const named = [
    { ...byPerson, projectName: 'a', projectId: 'a', path: '' },
    { ...archived, projectName: 'b', projectId: 'b', path: '' },
  ] as Project[];
  const ids = (filter: 'all' | 'unsafe' | 'paused') =>
    listProjects(named, { ...wish, filter }).map(({ projectId }) => projectId);
  expect(ids('all')).toEqual(['b', 'a']);
  expect(ids('unsafe')).toEqual(['b']);
  expect(ids('paused')).toEqual(['b', 'a']);
});

test('summarize() never calls anything safe that it cannot know', () => {
  const safe = [project('safe')];
  const lost: Connection = { kind: 'lost', since: NOW, retryAt: null };
  expect(summary(safe, { connection: lost }).tone).toBe('quiet');
  expect(summary(safe, { connection: { kind: 'connecting' } }).tone).toBe('quiet');
  expect(summary(safe, { status: { ...STATUS, serviceRunning: false } }).tone).toBe('bad');
  const database = { ...STATUS.database, reachable: false, reason: null, owed: { total: 2, projectIds: [] } };
  expect(summary(safe, { status: { ...STATUS, database } })).toMatchObject({
    tone: 'bad',
    detail: '2 projects committed here and waiting.',
  });
});
