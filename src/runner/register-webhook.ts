// A webhook for the repository of a project: there as it should be, with a secret of its own; or why there is none.

import { randomBytes } from 'node:crypto';
import type { AskGithub } from '../github/api.ts';
import { deleteHook, findHook, HOOK_EVENTS, type Hook, readHook, writeHook } from '../github/hooks.ts';
import type { RepositoryRef } from '../github/repository-path.ts';
import { Failure } from '../model/failure.ts';
import type { Project } from '../model/project.ts';
import type { Webhook } from '../model/webhook.ts';
import { remoteRefOf } from '../projects/remote-ref.ts';
import type { Database } from '../store/database.ts';
import {
  forgetWebhook,
  noteRefused,
  noteRegistered,
  projectsOfRepositories,
  repositoryOfProject,
  switchOff,
  wantWebhook,
  webhooksOfProjects,
} from '../store/webhooks.ts';

export type WebhookPorts = {
  db: Database;
  github: { ask: AskGithub };
  hasApi(host: string): boolean;
  env: Readonly<Record<string, string | undefined>>;
  homeDir: string;
  /** Null: hosts cannot reach this service. */
  publicUrl(): string | null;
};

/** Tells ours from one that a person set up with the same address: hosts keep no other mark. */
const PATH = '/api/webhooks/github?by=gitferry';
const SECRET_BYTES = 32;

/**
 * Idempotent: what is there already is looked at and mended. Null: the project's remote is on no host with a known API.
 * @throws Failure `public-url-missing`, `webhook-refused`, and as every request to the host
 */
export async function registerWebhook(project: Project, ports: WebhookPorts): Promise<Webhook | null> {
  const url = deliveryAddress(ports.publicUrl());
  const place = await placeOf(project, ports);
  if (place === null) return null;
  const { repository, ref } = place;
  const fullName = `${ref.owner}/${ref.name}`;
  const secret = randomBytes(SECRET_BYTES).toString('base64url');
  const known = await webhookOf(project, ports.db);
  // The number of one that a person set up is not ours to change.
  const hookId = known?.state === 'registered' ? known.hookId : null;
  const wanted = await wantWebhook(ports.db, { repository, fullName, secret });
  try {
    const hook = await ensureHook(ports.github.ask, ref, { hookId, url, secret: wanted.secret });
    await noteRegistered(ports.db, { ...wanted, hookId: hook.hookId, url: hook.url, failure: hook.failure });
  } catch (error) {
    if (error instanceof Failure && error.code === 'webhook-refused') {
      await noteRefused(ports.db, { ...wanted, reason: error.reason });
    }
    throw error;
  }
  return webhookOf(project, ports.db);
}

/** Takes it away from the host, and registers none again until somebody asks. */
export async function removeWebhook(project: Project, ports: WebhookPorts): Promise<void> {
  const place = await placeOf(project, ports);
  if (place === null) return;
  const { repository, ref } = place;
  const known = await webhookOf(project, ports.db);
  // One that a person set up is that person's.
  if (known?.state === 'registered' && known.hookId !== null)
    await deleteHook(ports.github.ask, ref, known.hookId);
  await switchOff(ports.db, { repository, fullName: `${ref.owner}/${ref.name}` });
}

/** A webhook of ours that a project leaves behind on its host; `ref` null: why its repository is not known any more. */
export type LeftWebhook = { repository: string; hookId: number } & (
  | { ref: RepositoryRef }
  | { ref: null; why: Failure }
);

/** For a project that is about to be forgotten; asks no host. Null: it leaves none, or another one has its repository too. */
export async function webhookLeftBy(project: Project, ports: WebhookPorts): Promise<LeftWebhook | null> {
  const known = await webhookOf(project, ports.db);
  const repository = await repositoryOfProject(ports.db, project.projectId);
  if (known?.state !== 'registered' || known.hookId === null || repository === null) return null;
  const sharers = await projectsOfRepositories(ports.db, [repository]);
  if (sharers.some((projectId) => projectId !== project.projectId)) return null;
  const { hookId } = known;
  try {
    const place = await placeOf(project, ports);
    if (place !== null) return { repository, hookId, ref: place.ref };
    const why = new Failure('no-github-api', 'Its host is not known any more.');
    return { repository, hookId, ref: null, why };
  } catch (why) {
    if (why instanceof Failure) return { repository, hookId, ref: null, why };
    throw why;
  }
}

/** Takes it away from the host, unless a project has its repository again. @throws Failure as every request to the host */
export async function takeAwayWebhook(
  left: LeftWebhook,
  { db, github, signal }: Pick<WebhookPorts, 'db' | 'github'> & { signal: AbortSignal },
): Promise<void> {
  if (left.ref === null) throw left.why;
  if ((await projectsOfRepositories(db, [left.repository])).length > 0) return;
  await deleteHook(github.ask, { ...left.ref, signal }, left.hookId);
  await forgetWebhook(db, left.repository);
}

export async function webhookOf(
  { projectId }: Pick<Project, 'projectId'>,
  db: Database,
): Promise<Webhook | null> {
  return (await webhooksOfProjects(db, [projectId])).get(projectId) ?? null;
}

async function placeOf(
  project: Project,
  ports: WebhookPorts,
): Promise<{ repository: string; ref: RepositoryRef } | null> {
  const remote = await remoteRefOf(project, ports);
  const repository = await repositoryOfProject(ports.db, project.projectId);
  if (remote === null || repository === null || !ports.hasApi(remote.host)) return null;
  const { host, owner, name } = remote;
  return { repository, ref: { host, owner, name, as: project.github.authentication } };
}

function deliveryAddress(publicUrl: string | null): string {
  if (publicUrl !== null) return `${publicUrl.replace(/\/+$/, '')}${PATH}`;
  throw new Failure('public-url-missing', 'No host can reach this service: its public address is not set.');
}

async function ensureHook(
  ask: AskGithub,
  ref: RepositoryRef,
  wanted: { hookId: number | null; url: string; secret: string },
): Promise<Hook> {
  const { hookId, url, secret } = wanted;
  const known = hookId === null ? null : await readHook(ask, ref, hookId);
  if (known !== null && isAsWanted(known, url)) return known;
  // An earlier one of ours whose number was lost, or that was changed: it gets the secret that is known here. A person's
  // own has another address, and stays as it is.
  const found = known ?? (await findHook(ask, ref, url));
  return writeHook(ask, ref, { hookId: found?.hookId ?? null, url, secret });
}

function isAsWanted(hook: Hook, url: string): boolean {
  return hook.active && hook.url === url && HOOK_EVENTS.every((event) => hook.events.includes(event));
}
