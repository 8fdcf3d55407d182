// Repositories by the REST API: look one up, make one. Must not know git or projects.

import { z } from 'zod';
import type { CredentialWish } from '../model/credential-key.ts';
import { Failure } from '../model/failure.ts';
import type { ApiAnswer, AskGithub } from './api.ts';
import { asked, type RepositoryRef, repositoryPath } from './repository-path.ts';

/** A repository as the host describes it to this token. */
export type FoundRepository = {
  fullName: string;
  cloneUrl: string;
  archived: boolean;
  private: boolean;
  defaultBranch: string;
  /** Whether the token may write; false without a token. */
  canPush: boolean;
  /** Whether the token may change its settings. */
  isAdmin: boolean;
};

export type RepositoryLookup =
  | ({ kind: 'found' } & FoundRepository)
  /** It answers under another name now. */
  | { kind: 'renamed'; cloneUrl: string; fullName: string }
  /** Not there, or not for this token. */
  | { kind: 'absent' }
  /** Nobody told the address of this host's API. */
  | { kind: 'no-api' };

/** `owner` null: the account that asks. */
export type NewRepository = {
  host: string;
  as?: CredentialWish;
  owner: string | null;
  name: string;
  private: boolean;
  description?: string;
  signal?: AbortSignal;
};

const RepositorySchema = z.object({
  full_name: z.string().min(1),
  clone_url: z.string().min(1),
  archived: z.boolean().default(false),
  private: z.boolean(),
  default_branch: z.string().min(1),
  permissions: z.object({ push: z.boolean(), admin: z.boolean().default(false) }).optional(),
});

export async function lookUpRepository(ask: AskGithub, ref: RepositoryRef): Promise<RepositoryLookup> {
  const answer = await ask({ ...asked(ref), method: 'GET', path: repositoryPath(ref) });
  if (answer === null) return { kind: 'no-api' };
  if (answer.status === 404) return { kind: 'absent' };
  const found = repositoryOf(answer, ref.host);
  const { fullName, cloneUrl } = found;
  if (fullName.toLowerCase() !== `${ref.owner}/${ref.name}`.toLowerCase())
    return { kind: 'renamed', cloneUrl, fullName };
  return { kind: 'found', ...found };
}

/**
 * Makes an empty repository. One with this name that is there already, empty and writable, counts as made: the answer
 * to an earlier request may have been lost.
 * @throws Failure `repository-exists`, `repository-refused`, `no-github-api`, and as every request
 */
export async function createRepository(
  ask: AskGithub,
  wanted: NewRepository,
): Promise<{ created: boolean; repository: FoundRepository }> {
  const { host } = wanted;
  const who = asked(wanted);
  const login = await loginOf(ask, who);
  const owner = wanted.owner ?? login;
  const isOwn = owner.toLowerCase() === login.toLowerCase();
  const { description } = wanted;
  const body = {
    name: wanted.name,
    private: wanted.private,
    ...(description !== undefined && { description }),
  };
  const path = isOwn ? '/user/repos' : `/orgs/${encodeURIComponent(owner)}/repos`;
  let answer: ApiAnswer | null;
  try {
    answer = await ask({ ...who, method: 'POST', path, body, creates: true });
  } catch (error) {
    if (!isNameTaken(error)) throw refused(error, `${owner}/${wanted.name}`);
    return { created: false, repository: await adopt(ask, { ...who, owner, name: wanted.name }) };
  }
  if (answer === null) throw noApi(host);
  if (answer.status === 404) {
    const detail = `${host} lets this account make no repository for ${owner}.`;
    throw new Failure('repository-refused', detail, { data: { host } });
  }
  return { created: true, repository: repositoryOf(answer, host) };
}

/** @throws Failure `repository-exists` when it holds something, or is not for this account */
async function adopt(ask: AskGithub, ref: RepositoryRef): Promise<FoundRepository> {
  const found = await lookUpRepository(ask, ref);
  const isOurs = found.kind === 'found' && found.canPush && !found.archived;
  if (isOurs && (await isEmpty(ask, ref))) return found;
  const detail = `${ref.host} has a repository ${ref.owner}/${ref.name} already, and it is not empty.`;
  throw new Failure('repository-exists', detail, { data: { host: ref.host } });
}

async function isEmpty(ask: AskGithub, ref: RepositoryRef): Promise<boolean> {
  const answer = await ask({
    ...asked(ref),
    method: 'GET',
    path: `${repositoryPath(ref)}/branches?per_page=1`,
  });
  return Array.isArray(answer?.data) && answer.data.length === 0;
}

async function loginOf(ask: AskGithub, who: Pick<RepositoryRef, 'host' | 'as'>): Promise<string> {
  const answer = await ask({ ...who, method: 'GET', path: '/user' });
  if (answer === null) throw noApi(who.host);
  const parsed = z.object({ login: z.string().min(1) }).safeParse(answer.data);
  if (parsed.success) return parsed.data.login;
  throw new Failure('remote-invalid-answer', `${who.host} did not say whose account this is.`, {
    data: { host: who.host, status: answer.status },
  });
}

export function noApi(host: string): Failure {
  return new Failure('no-github-api', `${host} has no GitHub API that is known here.`, { data: { host } });
}

function isNameTaken(error: unknown): error is Failure {
  if (!(error instanceof Failure) || error.data.status !== 422) return false;
  return /already exists/i.test(JSON.stringify(error.data.answer ?? error.message));
}

/** What the host has against it, in its own words. */
function refused(error: unknown, name: string): unknown {
  if (!(error instanceof Failure)) return error;
  const { status } = error.data;
  if (error.code === 'push-forbidden' || status === 422) {
    const detail = `${name} was not made: ${error.message}`;
    return new Failure('repository-refused', detail, { data: error.data, cause: error });
  }
  return error;
}

function repositoryOf(answer: ApiAnswer, host: string): FoundRepository {
  const found = RepositorySchema.safeParse(answer.data);
  if (!found.success) {
    const what = `${host} answered ${answer.status} with something that is no repository.`;
    throw new Failure('remote-invalid-answer', what, { data: { host, status: answer.status } });
  }
  const { full_name, clone_url, archived, default_branch, permissions } = found.data;
  return {
    fullName: full_name,
    cloneUrl: clone_url,
    archived,
    private: found.data.private,
    defaultBranch: default_branch,
    canPush: permissions?.push ?? false,
    isAdmin: permissions?.admin ?? false,
  };
}
