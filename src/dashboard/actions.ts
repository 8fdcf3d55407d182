// What a person can do from several views. Only what can be undone is shown before the service has confirmed it.

import { type Api, ApiError, projectPath } from './api.ts';
import type { Browser } from './browser.ts';
import type { Live } from './live.ts';
import type { Store, Toast } from './store.ts';
import type { Project } from './wire.ts';

const TOAST_MS = 6_000;

export type Actions = ReturnType<typeof createActions>;
type Ports = { api: Api; store: Store; browser: Browser; live: Live };

export function createActions({ api, store, browser, live }: Ports) {
  let toastId = 0;

  function tell(toast: Omit<Toast, 'id'>): void {
    toastId += 1;
    const id = toastId;
    const drop = () => store.set({ toasts: store.get().toasts.filter((shown) => shown.id !== id) });
    store.set({ toasts: [...store.get().toasts.slice(-3), { ...toast, id }] });
    browser.timer(toast.tone === 'bad' ? 2 * TOAST_MS : TOAST_MS, drop);
  }

  /** Answers whether it worked; a refusal is shown with what to do about it. */
  async function attempt(done: string | null, work: () => Promise<unknown>): Promise<boolean> {
    try {
      await work();
      if (done !== null) tell({ tone: 'good', text: done });
      return true;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      tell({ tone: 'bad', text: error.message, action: error.action });
      return false;
    }
  }

  function show(projectId: string, change: Partial<Project>): void {
    const project = store.get().projects.get(projectId);
    if (project === undefined) return;
    const projects = new Map(store.get().projects).set(projectId, { ...project, ...change });
    store.set({ projects });
  }

  return {
    tell,
    attempt,
    syncNow: ({ projectId, projectName }: Project) =>
      attempt(`${projectName} is queued.`, async () => {
        await api.send('POST', `/api/sync/trigger/${encodeURIComponent(projectId)}`, { immediate: true });
        await live.refresh([projectId]);
      }),
    syncAll: () => attempt('All projects are looked at.', () => api.send('POST', '/api/sync/trigger', {})),
    async pause({ projectId, projectName }: Project, until: number | null): Promise<void> {
      const pausedUntil = until === null ? null : new Date(until).toISOString();
      show(projectId, { state: 'paused', stateReason: null, pausedUntil });
      const body = until === null ? {} : { untilMs: until };
      const work = () => api.send('POST', projectPath(projectId, '/pause'), body);
      await attempt(`${projectName} is paused.`, work);
      await attempt(null, () => live.refresh([projectId]));
    },
    async resume({ projectId, projectName }: Project): Promise<void> {
      show(projectId, { state: 'pending', pausedUntil: null });
      await attempt(`${projectName} goes on.`, () => api.send('POST', projectPath(projectId, '/resume'), {}));
      await attempt(null, () => live.refresh([projectId]));
    },
    async pauseAll(until: number | null): Promise<void> {
      const body = until === null ? {} : { untilMs: until };
      await attempt('All projects are paused.', () => api.send('POST', '/api/sync/pause', body));
      await attempt(null, live.refreshAll);
    },
    async resumeAll(): Promise<void> {
      await attempt('All projects go on.', () => api.send('POST', '/api/sync/resume', {}));
      await attempt(null, live.refreshAll);
    },
    setRunning: (running: boolean) =>
      attempt(running ? 'Syncing has started.' : 'Syncing has stopped.', () =>
        api.send('POST', running ? '/api/sync/start' : '/api/sync/stop', {}),
      ),
  };
}
