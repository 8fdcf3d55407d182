// GET /metrics: figures of this service for Prometheus. Counters count since the process began; what is in the database is
// read when it is asked for. Knows no process and no runtime: the same on Node and Deno.

import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { EventBus } from '../events/types.ts';
import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import type { FeedEvent } from '../model/event.ts';
import type { Service } from '../model/service.ts';
import { queueStats } from '../queue/reads.ts';
import type { Database } from '../store/database.ts';
import type { StatusDeps } from './status.ts';

export type MetricsDeps = {
  db: Database;
  bus: EventBus;
  service: Pick<Service, 'version' | 'machineId' | 'watcher' | 'scheduler' | 'unsureProjects'>;
  clock: Clock;
  log: Log;
  figures: StatusDeps['figures'];
  feeds: { size(): number };
};

export type Metrics = {
  contentType: string;
  render(): Promise<string>;
  /** A request was answered; `route` is a template, so that the number of series stays small. */
  countRequest(request: { method: string; route: string; status: number; durationMs: number }): void;
  close(): void;
};

const LAG_EVERY_MS = 500;
const COUNTED = ['run.finished', 'gate.paused'];

export function createMetrics(deps: MetricsDeps): Metrics {
  const { service, clock } = deps;
  const registry = new Registry();
  const instruments = createInstruments(registry);
  instruments.info.set({ version: service.version, machine: service.machineId }, 1);
  const subscription = deps.bus.follow({
    isOwn: true,
    types: COUNTED,
    onEvents: (events) => {
      for (const event of events) countEvent(event, instruments);
    },
    // Counters that miss some events are still counters: they never go back.
    onReset: () => {},
    onMissed: () => deps.log.warn('the metrics could not follow the events; some are not counted'),
  });
  const stopLag = measureLag(clock, (lagMs) => instruments.lag.observe(lagMs / 1000));
  return {
    contentType: registry.contentType,
    async render() {
      await readNow(deps, instruments);
      return registry.metrics();
    },
    countRequest({ method, route, status, durationMs }) {
      instruments.requests.observe({ method, route, status: String(status) }, durationMs / 1000);
    },
    close() {
      subscription.close();
      stopLag();
    },
  };
}

type Instruments = ReturnType<typeof createInstruments>;

function createInstruments(registry: Registry) {
  const registers = [registry];
  const gauge = <Label extends string = never>(name: string, help: string, labelNames: Label[] = []) =>
    new Gauge({ name: `gitferry_${name}`, help, labelNames, registers });
  return {
    info: gauge('build_info', 'Always 1; the labels say what runs.', ['version', 'machine']),
    runs: new Histogram({
      ...{
        name: 'gitferry_run_duration_seconds',
        help: 'Finished attempts to sync, of all machines of the queue.',
      },
      ...{
        labelNames: ['status'],
        buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900],
        registers,
      },
    }),
    outcomes: new Counter({
      ...{
        name: 'gitferry_runs_total',
        help: 'Finished attempts by outcome; code is empty without a fault.',
      },
      ...{ labelNames: ['status', 'code', 'trigger'], registers },
    }),
    gatePauses: new Counter({
      ...{ name: 'gitferry_gate_pauses_total', help: 'Pauses of hosts and credentials.' },
      ...{ labelNames: ['reason'], registers },
    }),
    gatesPaused: gauge('gate_paused', '1 while calls to this host or with this credential wait.', [
      'gate',
      'reason',
    ]),
    jobs: gauge('queue_jobs', 'Jobs by state.', ['state']),
    oldestWait: gauge('queue_oldest_wait_seconds', 'Since the oldest change that waits.'),
    projects: gauge('projects', 'Projects by whether they are safe.', ['state']),
    owed: gauge('projects_owed', 'Projects with changes that the queue could not take yet.'),
    watching: gauge('watcher_mode', '1 for the mode that holds.', ['mode']),
    folders: gauge('watcher_projects', 'Projects that are watched by events.'),
    running: gauge('scheduler_running', '1 while syncing is on.'),
    tickAge: gauge('scheduler_tick_age_seconds', 'Since the queue was last looked at.'),
    databaseUp: gauge('database_up', '1 while the database answers.'),
    listeners: gauge('feed_listeners', 'Open live feeds.'),
    lag: new Histogram({
      ...{ name: 'gitferry_event_loop_lag_seconds', help: 'How late a timer of 500 ms came.' },
      ...{ buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5], registers },
    }),
    requests: new Histogram({
      ...{ name: 'gitferry_http_request_duration_seconds', help: 'Answers by route.' },
      ...{
        labelNames: ['method', 'route', 'status'],
        buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5, 30],
        registers,
      },
    }),
  };
}

function countEvent({ type, data }: FeedEvent, { runs, outcomes, gatePauses }: Instruments): void {
  if (type === 'gate.paused') {
    gatePauses.inc({ reason: String(data.reason ?? '') });
    return;
  }
  const { status, trigger, durationMs, error } = data as {
    status: string;
    trigger: string;
    durationMs: number;
    error: { code?: string } | null;
  };
  runs.observe({ status }, Math.max(0, durationMs) / 1000);
  outcomes.inc({ status, trigger, code: error?.code ?? '' });
}

async function readNow({ db, service, figures, feeds, log }: MetricsDeps, to: Instruments): Promise<void> {
  const { mode, watched } = service.watcher();
  for (const known of ['events', 'scan-only'] as const)
    to.watching.set({ mode: known }, known === mode ? 1 : 0);
  to.folders.set(watched);
  const { running, tickAgeMs, owed } = service.scheduler();
  to.running.set(running ? 1 : 0);
  to.tickAge.set((tickAgeMs ?? 0) / 1000);
  to.owed.set(owed.length);
  to.listeners.set(feeds.size());
  try {
    const [stats, { gates, projects }] = await Promise.all([queueStats(db), figures()]);
    const { scheduled, ready, parked, activeSyncs, oldestWaitMs } = stats;
    for (const [state, count] of Object.entries({ scheduled, ready, parked, running: activeSyncs }))
      to.jobs.set({ state }, count);
    to.oldestWait.set(oldestWaitMs / 1000);
    const { safe, pending, needsAttention } = projects;
    for (const [state, count] of Object.entries({ safe, pending, needsAttention }))
      to.projects.set({ state }, count);
    to.gatesPaused.reset();
    for (const { key, reason } of gates) to.gatesPaused.set({ gate: key, reason }, 1);
    to.databaseUp.set(db.outage?.() ? 0 : 1);
  } catch (error) {
    // What the process itself knows is worth the more when the database does not answer.
    log.warn({ err: error }, 'the metrics of the database cannot be read now');
    to.databaseUp.set(0);
  }
}

/** Calls `observe` with how many milliseconds late each timer came. */
function measureLag(clock: Clock, observe: (lagMs: number) => void): () => void {
  let cancel = () => {};
  const beat = () => {
    const dueAt = clock.monotonic() + LAG_EVERY_MS;
    cancel = clock.timer(LAG_EVERY_MS, () => {
      observe(Math.max(0, clock.monotonic() - dueAt));
      beat();
    });
  };
  beat();
  return () => cancel();
}
