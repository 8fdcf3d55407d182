// Reads status, projects, queue and activity into the store; many events in a row cost one reading.

import { type Api, ApiError, getAll, projectPath } from './api.ts';
import type { Browser } from './browser.ts';
import type { Store } from './store.ts';
import type { Message, Project, Queue, Run, Status } from './wire.ts';

const GATHER_MS = 150;
/** Above so many changed projects the whole list is one cheaper question. */
const FEW_PROJECTS = 8;
const MOST_PROJECTS = 100_000;
const MOST_RUNS = 2_000;
const HOUR_MS = 3_600_000;
const HOURS = 24;
const PAST_EVENTS = 200;

type Ports = { api: Api; store: Store; browser: Browser };

export function createLoader({ api, store, browser }: Ports) {
  async function status(): Promise<void> {
    const answer = await api.get<{ status: Status }>('/api/sync/status');
    const serviceNow = Date.parse(answer.status.startedAt) + answer.status.uptimeMs;
    const now = browser.now();
    store.set({ status: answer.status, freshAt: now, clockAheadMs: serviceNow - now });
  }

  async function allProjects(): Promise<void> {
    const path = '/api/sync/projects';
    const { all } = await getAll<'projects', Project>(api, path, { key: 'projects', most: MOST_PROJECTS });
    store.set({ projects: new Map(all.map((project) => [project.projectId, project])) });
  }

  async function projects(projectIds: readonly string[]): Promise<void> {
    if (projectIds.length > FEW_PROJECTS) return allProjects();
    const read = await Promise.all(projectIds.map((id) => readProject(api, id)));
    const next = new Map(store.get().projects);
    projectIds.forEach((id, index) => {
      const project = read[index];
      if (project) next.set(id, project);
      else next.delete(id);
    });
    store.set({ projects: next });
  }

  async function queue(): Promise<void> {
    store.set({ queue: await api.get<Queue>('/api/sync/queue', { limit: 500 }) });
  }

  async function refreshQueue(): Promise<void> {
    try {
      await queue();
    } catch (error) {
      // The connection's own check finds out.
      if (!(error instanceof ApiError)) throw error;
    }
  }

  async function activity(): Promise<void> {
    const now = browser.now() + store.get().clockAheadMs;
    const since = new Date(now - HOURS * HOUR_MS).toISOString();
    const path = '/api/sync/history';
    const { all } = await getAll<'history', Run>(api, path, {
      key: 'history',
      query: { since },
      most: MOST_RUNS,
    });
    store.set({ activity: countByHour(all, now) });
  }

  const gather = createGathering(browser, async ({ ids, queueToo }) => {
    try {
      await Promise.all([status(), ids.length > 0 && projects(ids), queueToo && queue()]);
    } catch (error) {
      // The connection's own check finds out and reads everything anew.
      if (!(error instanceof ApiError)) throw error;
    }
  });

  return {
    status,
    refreshes: { refresh: projects, refreshAll: allProjects, refreshQueue },
    async everything(): Promise<void> {
      await Promise.all([status(), allProjects(), queue()]);
      await activity();
    },
    past: (id: number) => readPast(api, store, id),
    takeReset(data: Record<string, unknown>): void {
      const all = data.projects as Project[];
      store.set({ projects: new Map(all.map((project) => [project.projectId, project])) });
      store.set({ status: data.status as Status, queue: data.queue as Queue });
    },
    /** Something happened: what it concerns is read anew soon, together with what else happens until then. */
    note(message: Message): void {
      const { type, projectId } = message;
      if (type === 'run.finished' && projectId !== null) countOne(store, projectId);
      gather({ projectId, queueToo: type.startsWith('job.') || type.startsWith('gate.') });
    },
  };
}

type Gathered = { ids: string[]; queueToo: boolean };

/** Reads once for everything that was noted within a short while. */
function createGathering(browser: Browser, read: (gathered: Gathered) => Promise<void>) {
  const dirty = new Set<string>();
  let queueDirty = false;
  let waiting = false;
  const flush = () => {
    const gathered = { ids: [...dirty], queueToo: queueDirty };
    dirty.clear();
    queueDirty = false;
    waiting = false;
    return read(gathered);
  };
  return ({ projectId, queueToo }: { projectId: string | null; queueToo: boolean }): void => {
    if (projectId !== null) dirty.add(projectId);
    queueDirty ||= queueToo;
    if (waiting) return;
    waiting = true;
    browser.timer(GATHER_MS, () => void flush());
  };
}

/** Fills an empty log with what happened before `id`. */
async function readPast(api: Api, store: Store, id: number): Promise<void> {
  if (store.get().messages.length > 0) return;
  const query = { since: Math.max(0, id - PAST_EVENTS), limit: PAST_EVENTS, timeoutMs: 0 };
  const { events } = await api.get<{ events: Message[] }>('/api/sync/events', query);
  const known = store.get().messages;
  const oldest = known.at(-1)?.id ?? Number.POSITIVE_INFINITY;
  const past = events.filter((event) => event.type !== 'reset' && event.id < oldest);
  store.set({ messages: [...known, ...past.reverse()] });
}

/** Null: there is no such project any more. */
async function readProject(api: Api, projectId: string): Promise<Project | null> {
  try {
    return (await api.get<{ project: Project }>(projectPath(projectId))).project;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  }
}

function countByHour(runs: readonly Run[], now: number): Map<string, number[]> {
  const counts = new Map<string, number[]>();
  for (const { projectId, startedAt } of runs) {
    const hour = HOURS - 1 - Math.floor((now - Date.parse(startedAt)) / HOUR_MS);
    if (hour < 0) continue;
    const hours = counts.get(projectId) ?? new Array<number>(HOURS).fill(0);
    const index = Math.min(hour, HOURS - 1);
    hours[index] = (hours[index] ?? 0) + 1;
    counts.set(projectId, hours);
  }
  return counts;
}

function countOne(store: Store, projectId: string): void {
  const activity = new Map(store.get().activity);
  const hours = [...(activity.get(projectId) ?? new Array<number>(HOURS).fill(0))];
  hours[HOURS - 1] = (hours[HOURS - 1] ?? 0) + 1;
  store.set({ activity: activity.set(projectId, hours) });
}
