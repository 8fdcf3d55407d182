// A project's webhook as the API controls it: shown with its deliveries, registered, taken away.

import { Failure } from '../model/failure.ts';
import type { ProjectId } from '../model/ids.ts';
import type { Project } from '../model/project.ts';
import type { Service } from '../model/service.ts';
import { registerWebhook, removeWebhook, type WebhookPorts, webhookOf } from '../runner/register-webhook.ts';
import { listDeliveries } from '../store/webhook-deliveries.ts';
import { refuseElsewhere } from './other-machine.ts';

const MOST_DELIVERIES = 50;

export function createWebhookControl(
  ports: WebhookPorts & { machineId: string; findProject(projectId: ProjectId): Promise<Project> },
): Pick<Service, 'webhook' | 'registerWebhook' | 'removeWebhook'> {
  const { db, findProject } = ports;
  const show = async (project: Project) => {
    const webhook = await webhookOf(project, db);
    const asked = webhook && { webhookId: webhook.webhookId, limit: MOST_DELIVERIES };
    return { webhook, deliveries: asked ? await listDeliveries(db, asked) : [] };
  };
  return {
    webhook: async (projectId) => show(await findProject(projectId)),
    async registerWebhook(projectId) {
      const project = await findProject(projectId);
      refuseElsewhere(project, ports);
      if ((await registerWebhook(project, ports)) === null) {
        throw new Failure(
          'no-github-api',
          `The remote of "${projectId}" is on no host whose REST API is known.`,
        );
      }
      return show(project);
    },
    async removeWebhook(projectId) {
      const project = await findProject(projectId);
      refuseElsewhere(project, ports);
      await removeWebhook(project, ports);
      return show(project);
    },
  };
}
