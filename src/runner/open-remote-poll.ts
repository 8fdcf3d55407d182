// Joins the questions to remotes with the rest: asked as a sync would ask, held back by the same gates, and answered
// by a sync when somebody else pushed.

import { type AskPorts, askTips } from '../git/sync/ask-tips.ts';
import type { Clock, Random } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import type { Failure } from '../model/failure.ts';
import type { ProjectId } from '../model/ids.ts';
import { webhookHealth } from '../model/webhook.ts';
import { type ProjectGates, readProjectGates } from '../queue/strikes.ts';
import type { Database } from '../store/database.ts';
import { webhooksOfProjects } from '../store/webhooks.ts';
import { decideSettle, type SettleRules } from './decide-settle.ts';
import { askAlone, closeGates } from './host-gates.ts';
import { createRemotePoll, type RemotePoll } from './poll-remotes.ts';
import type { ProjectTable } from './project-table.ts';
import type { Queueing } from './queueing.ts';

export type RemotePollInput = {
  db: Database;
  bus: { notify(): void };
  clock: Clock;
  random: Random;
  log: Log;
  projects: ProjectTable;
  sync: AskPorts;
  queue: Queueing;
  isRunning(projectId: ProjectId): boolean;
  publishStates(projectIds: readonly ProjectId[]): Promise<void>;
  settings(): { pollIntervalMs: number } & Pick<
    SettleRules,
    'maxRetries' | 'retryDelayMs' | 'rateLimitDelayMs'
  >;
};

export function openRemotePoll(ports: RemotePollInput): RemotePoll {
  const { db, projects, settings } = ports;
  const hosts = createUnreachableHosts(ports);
  return createRemotePoll({
    ...ports,
    intervalMs: () => settings().pollIntervalMs,
    projects: () => projects.all(),
    slowness: createSlowness(ports),
    async mayAsk({ projectId }) {
      if (ports.isRunning(projectId)) return false;
      const gates = await readProjectGates(db, projectId);
      return gates !== null && !gates.isPaused && !gates.isParked && hosts.mayAsk(gates);
    },
    tipsOf: (project, prefixes, signal) =>
      askAlone(db, project.projectId, () =>
        askTips(project, prefixes, { clock: ports.clock, signal }, ports.sync),
      ),
    async onMoved(projectId) {
      const asked = { trigger: 'schedule', delayMs: 0, force: false, askRemote: true } as const;
      await ports.queue([projectId], asked);
      await ports.publishStates([projectId]);
    },
    onFailure: ({ projectId }, failure) => hosts.noteFailure(projectId, failure),
  });
}

/**
 * A host that cannot be reached closes its gate once. While nobody waits for it, its gate is then not closed anew for
 * every question that failed: an outage is one event, however long it lasts and however many projects are asked about.
 */
function createUnreachableHosts(ports: RemotePollInput) {
  const { db, bus, clock, random, settings } = ports;
  const quiet = new Map<string, { times: number; untilMs: number }>();
  let lastNote: Promise<void> = Promise.resolve();

  async function note(projectId: ProjectId, failure: Failure): Promise<void> {
    const gates = await readProjectGates(db, projectId);
    // Questions that were under way together fail together: the first has closed the gate.
    if (gates === null || gates.isPaused) return;
    const rules = { ...settings(), random, now: clock.now() };
    const times = quiet.get(gates.hostGate)?.times ?? 0;
    const strikes = Math.max(gates.strikes, times);
    const decision = decideSettle({ kind: 'failed', failure }, { attempt: 1, ...gates, strikes }, rules);
    const [pause] = decision.pauses;
    if (pause === undefined) return;
    if (pause.reason === 'offline') {
      quiet.set(gates.hostGate, { times: times + 1, untilMs: rules.now + pause.pauseMs });
      if (gates.strikes > 0) return;
    }
    await closeGates(db, decision);
    bus.notify();
  }

  return {
    mayAsk({ hostGate, strikes }: ProjectGates): boolean {
      // Whoever reached the host took its strikes away.
      if (strikes === 0) quiet.delete(hostGate);
      return (quiet.get(hostGate)?.untilMs ?? 0) <= clock.now();
    },
    /** One after the other, so that each sees what the one before has closed. */
    noteFailure(projectId: ProjectId, failure: Failure): Promise<void> {
      const result = lastNote.then(() => note(projectId, failure));
      lastNote = result.catch(() => undefined);
      return result;
    },
  };
}

/** A webhook that delivers says so at once; the question is asked all the same, because a delivery may be lost. */
const SERVED_SLOWNESS = 6;
const LOOK_AT_WEBHOOKS_MS = 60_000;

function createSlowness({ db, clock }: Pick<RemotePollInput, 'db' | 'clock'>) {
  let served: ReadonlySet<ProjectId> = new Set();
  let lookedAt = Number.NEGATIVE_INFINITY;
  return async () => {
    if (clock.monotonic() - lookedAt >= LOOK_AT_WEBHOOKS_MS) {
      const hooks = [...(await webhooksOfProjects(db, 'all'))];
      const healthy = hooks.filter(([, hook]) => webhookHealth(hook, clock.now()) === 'healthy');
      served = new Set(healthy.map(([projectId]) => projectId));
      lookedAt = clock.monotonic();
    }
    return (projectId: ProjectId) => (served.has(projectId) ? SERVED_SLOWNESS : 1);
  };
}
