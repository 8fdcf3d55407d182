// Registers webhooks for this machine's projects where the service has a public address, and looks now and then whether
// they are still there and deliver. Some in each round; a host that cannot be reached ends the round.

import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import { Failure } from '../model/failure.ts';
import type { Project } from '../model/project.ts';
import { type Webhook, webhookHealth } from '../model/webhook.ts';
import { webhooksOfProjects } from '../store/webhooks.ts';
import type { ProjectTable } from './project-table.ts';
import { registerWebhook, type WebhookPorts } from './register-webhook.ts';

const MOST_A_ROUND = 20;
const LOOK_EVERY_MS = 3_600_000;
/** Rights of a token change rarely; a delivery lifts a refusal at once. */
const ASK_AGAIN_MS = 86_400_000;

export function createWebhookKeeper(
  ports: WebhookPorts & { clock: Clock; log: Log; projects: ProjectTable },
): () => Promise<void> {
  const { db, clock, log, projects } = ports;
  /** Projects without a webhook, and when they were looked at: those on hosts without an API are not looked at each time. */
  const looked = new Map<string, number>();
  return async () => {
    if (ports.publicUrl() === null) return;
    const known = await webhooksOfProjects(db, 'all');
    const now = clock.now();
    const isDue = (project: Project) => {
      const hook = known.get(project.projectId);
      if (hook !== undefined) return isToLookAt(hook, now);
      return (looked.get(project.projectId) ?? 0) <= now - LOOK_EVERY_MS;
    };
    const due = projects.all().filter((project) => project.github.enabled && isDue(project));
    for (const project of due.slice(0, MOST_A_ROUND)) {
      looked.set(project.projectId, now);
      try {
        await registerWebhook(project, ports);
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        log.info({ projectId: project.projectId, code: error.code }, 'a webhook could not be registered');
        // Refused is this repository's matter alone; what else fails is the host's or the network's.
        if (error.code !== 'webhook-refused') return;
      }
    }
  };
}

function isToLookAt(hook: Webhook, now: number): boolean {
  const { state, checkedAt } = hook;
  switch (state) {
    case 'off':
      return false;
    case 'wanted':
      return true;
    case 'found':
      // Somebody's own webhook serves: a second one would only say everything twice.
      return webhookHealth(hook, now) !== 'healthy';
    case 'refused':
      return (checkedAt ?? 0) <= now - ASK_AGAIN_MS;
    case 'registered':
      return (checkedAt ?? 0) <= now - LOOK_EVERY_MS;
    default:
      return state satisfies never;
  }
}
