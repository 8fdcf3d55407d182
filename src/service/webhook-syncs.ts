// Which syncs the news of a webhook causes: those of the projects whose remote it is about, on every machine.

import type { EventBus } from '../events/types.ts';
import { normalRemote } from '../git/remote/remote-url.ts';
import type { WebhookNews, WebhookRepository } from '../github/webhook-news.ts';
import type { Log } from '../host/log.ts';
import { matchesBranch } from '../model/branch-match.ts';
import type { FailureCode } from '../model/failure-codes.ts';
import type { WebhookResult } from '../model/webhook.ts';
import { enqueue } from '../queue/enqueue.ts';
import { takesOthersWork } from '../runner/poll-remotes.ts';
import type { Database } from '../store/database.ts';
import { findProjectViews, type ProjectView } from '../store/project-views.ts';
import { projectsOfOwner, projectsOfRepositories, webhookKey } from '../store/webhooks.ts';

export type NewsPorts = {
  db: Database;
  bus: EventBus;
  log: Log;
  /** The queue has something new. */
  wake(): void;
};

const HEADS = 'refs/heads/';
const USUAL_PRIORITY = 5;
/** What may be over when a repository has moved, was unarchived, or the app may reach it again. */
const LIFTED: ReadonlySet<FailureCode> = new Set<FailureCode>([
  ...(['repository-not-found', 'repository-renamed', 'repository-archived', 'redirect-refused'] as const),
  ...(['push-forbidden', 'credential-missing', 'credential-rejected', 'sso-required'] as const),
  'account-suspended',
]);

/** The keys of all addresses of the repository. */
export function keysOf({ urls }: WebhookRepository): string[] {
  return [...new Set(urls.map((url) => webhookKey(normalRemote(url))))];
}

/**
 * `own`: keys of the webhook that delivered it. Its projects may still call the repository by an address from before
 * it moved.
 */
export async function actOnNews(
  news: WebhookNews,
  own: readonly string[],
  ports: NewsPorts,
): Promise<WebhookResult> {
  switch (news.kind) {
    case 'other':
      return nothing('ignored', `Nothing here depends on "${news.what}".`);
    case 'ping':
      return nothing('ping', 'The webhook works.');
    case 'push':
      return pushed(news, own, ports);
    case 'moved': {
      const keys = [...keysOf(news.former), ...keysOf(news.repository), ...own];
      const detail = `${news.former.fullName} is now ${news.repository.fullName}.`;
      return lookAgain(await viewsOf(keys, ports), { detail, lifts: true }, ports);
    }
    case 'archived':
    case 'unarchived':
    case 'deleted': {
      const views = await viewsOf([...keysOf(news.repository), ...own], ports);
      const detail = `${news.repository.fullName} was ${news.kind}.`;
      return lookAgain(views, { detail, lifts: news.kind === 'unarchived' }, ports);
    }
    case 'access':
      return accessChanged(news, ports);
    default:
      return news satisfies never;
  }
}

const nothing = (outcome: WebhookResult['outcome'], detail: string): WebhookResult => ({
  outcome,
  detail,
  queued: [],
});

async function pushed(
  { repository, ref, after, what }: Extract<WebhookNews, { kind: 'push' }>,
  own: readonly string[],
  ports: NewsPorts,
): Promise<WebhookResult> {
  if (!ref.startsWith(HEADS)) return nothing('ignored', `${what}: only branches are synced.`);
  const branch = ref.slice(HEADS.length);
  const views = await viewsOf([...keysOf(repository), ...own], ports);
  if (views.length === 0)
    return nothing('ignored', `No project here has ${repository.fullName} as its remote.`);
  const concerned = views.filter(
    (view) => matchesBranch(view.github.syncBranches, branch) && takesOthersWork(view),
  );
  // What this service pushed itself comes back to it by the same way.
  const news = concerned.filter(({ facts }) => (facts.remoteTips[branch] ?? null) !== after);
  if (news.length > 0) return queue(news, what, ports);
  const why = concerned.length > 0 ? 'it is known already' : 'no project syncs this branch from there';
  return nothing('noted', `${what}: ${why}.`);
}

async function accessChanged(
  { granted, account, host, fullNames, what }: Extract<WebhookNews, { kind: 'access' }>,
  ports: NewsPorts,
): Promise<WebhookResult> {
  const address = (path: string) => webhookKey(normalRemote(`https://${host}/${path}`));
  const ids =
    fullNames === null
      ? await projectsOfOwner(ports.db, `${address(account)}/`)
      : await projectsOfRepositories(ports.db, fullNames.map(address));
  const views = await findProjectViews(ports.db, ids);
  return lookAgain(views, { detail: `${what} by ${account}.`, lifts: granted }, ports);
}

/** The remote is asked what holds now; a person hears of it by the feed. */
async function lookAgain(
  views: readonly ProjectView[],
  { detail, lifts }: { detail: string; lifts: boolean },
  ports: NewsPorts,
): Promise<WebhookResult> {
  if (views.length === 0) return nothing('ignored', `${detail} No project here has it as its remote.`);
  await ports.bus.publish(
    views.map(({ projectId, machineId }) => ({ type: 'notice', projectId, data: { detail, machineId } })),
  );
  const parked = lifts ? views.filter(isLifted) : [];
  const forced = await queue(parked, detail, ports, true);
  const others = await queue(
    views.filter((view) => !parked.includes(view)),
    detail,
    ports,
  );
  return { ...others, queued: [...forced.queued, ...others.queued] };
}

function isLifted({ job }: ProjectView): boolean {
  return job?.state === 'parked' && job.lastError !== null && LIFTED.has(job.lastError.code);
}

async function queue(
  views: readonly ProjectView[],
  detail: string,
  { db, bus, wake }: NewsPorts,
  force = false,
): Promise<WebhookResult> {
  const queued = await enqueue(db, {
    ...{ trigger: 'webhook', delayMs: 0, priority: USUAL_PRIORITY, askRemote: true, force },
    projectIds: views.map(({ projectId }) => projectId),
  });
  if (queued.length > 0) {
    bus.notify();
    wake();
  }
  return { outcome: 'queued', detail, queued: queued.map(({ projectId, jobId }) => ({ projectId, jobId })) };
}

async function viewsOf(keys: readonly string[], { db }: NewsPorts): Promise<ProjectView[]> {
  return findProjectViews(db, await projectsOfRepositories(db, keys));
}
