// The webhooks of a repository by the REST API: look at one, make one, change one, take one away. Must not know which
// projects they serve.

import { z } from 'zod';
import { Failure } from '../model/failure.ts';
import type { ApiAnswer, AskGithub } from './api.ts';
import { asked, type RepositoryRef, repositoryPath } from './repository-path.ts';

/** A webhook as the host describes it. */
export type Hook = {
  hookId: number;
  url: string;
  active: boolean;
  events: string[];
  /** What became of the last delivery, where the host says so: null when it was taken, or there was none. */
  failure: string | null;
};

/** What we want to be told. */
export const HOOK_EVENTS = ['push', 'repository'];

const HookSchema = z.object({
  id: z.int(),
  active: z.boolean(),
  events: z.array(z.string()),
  config: z.object({ url: z.string().default('') }),
  last_response: z
    .object({ code: z.int().nullable(), status: z.string().nullable(), message: z.string().nullable() })
    .partial()
    .nullish(),
});

/** Null: there is none of this number. */
export async function readHook(ask: AskGithub, ref: RepositoryRef, hookId: number): Promise<Hook | null> {
  const path = `${repositoryPath(ref)}/hooks/${hookId}`;
  const answer = await askHooks(ask, ref, { method: 'GET', path });
  return answer.status === 404 ? null : hookOf(answer, ref.host);
}

/** The one that delivers to this address; null: none does. @throws Failure `webhook-refused` where the token may not look */
export async function findHook(ask: AskGithub, ref: RepositoryRef, url: string): Promise<Hook | null> {
  const path = `${repositoryPath(ref)}/hooks?per_page=100`;
  const answer = await askHooks(ask, ref, { method: 'GET', path });
  if (answer.status === 404) throw mayNot(ref, 'it shows the token no webhooks of the repository');
  const found = z.array(HookSchema).safeParse(answer.data);
  if (!found.success) throw strange(ref.host, answer.status);
  const hook = found.data.find(({ config }) => config.url === url);
  return hook === undefined ? null : described(hook);
}

/** With a `hookId` that one is changed, otherwise one is made. @throws Failure `webhook-refused` */
export async function writeHook(
  ask: AskGithub,
  ref: RepositoryRef,
  { hookId, url, secret }: { hookId: number | null; url: string; secret: string },
): Promise<Hook> {
  const path = `${repositoryPath(ref)}/hooks`;
  const config = { url, secret, content_type: 'json', insecure_ssl: '0' };
  const body = { active: true, events: HOOK_EVENTS, config };
  const answer =
    hookId === null
      ? await askHooks(ask, ref, { method: 'POST', path, body: { name: 'web', ...body }, creates: true })
      : await askHooks(ask, ref, { method: 'PATCH', path: `${path}/${hookId}`, body });
  if (answer.status === 404) throw mayNot(ref, 'it takes none from this token');
  return hookOf(answer, ref.host);
}

/** One that is gone already is no fault. */
export async function deleteHook(ask: AskGithub, ref: RepositoryRef, hookId: number): Promise<void> {
  await askHooks(ask, ref, { method: 'DELETE', path: `${repositoryPath(ref)}/hooks/${hookId}` });
}

type HookRequest = Omit<Parameters<AskGithub>[0], 'host' | 'as' | 'signal'>;

async function askHooks(ask: AskGithub, ref: RepositoryRef, request: HookRequest): Promise<ApiAnswer> {
  try {
    const answer = await ask({ ...asked(ref), ...request });
    if (answer !== null) return answer;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    // A token that may push need not be one that may see or set up webhooks.
    if (error.code === 'push-forbidden') throw mayNot(ref, error.message, error);
    if (error.code === 'remote-invalid-answer' && error.data.status === 422) {
      throw mayNot(ref, wordsOf(error), error);
    }
    throw error;
  }
  throw new Failure('no-github-api', `Nobody told the address of the REST API of ${ref.host}.`);
}

function mayNot({ host, owner, name }: RepositoryRef, why: string, cause?: Failure): Failure {
  return new Failure('webhook-refused', `${host} has no webhook for ${owner}/${name}: ${why}`, {
    data: { host },
    ...(cause && { cause }),
  });
}

/** What the host says of each fault; its own message is mostly "Validation Failed". */
function wordsOf(error: Failure): string {
  const faults = z
    .object({ errors: z.array(z.object({ message: z.string() })) })
    .safeParse(error.data.answer);
  return faults.success ? faults.data.errors.map(({ message }) => message).join('; ') : error.message;
}

function hookOf({ data, status }: ApiAnswer, host: string): Hook {
  const hook = HookSchema.safeParse(data);
  if (!hook.success) throw strange(host, status);
  return described(hook.data);
}

function strange(host: string, status: number): Failure {
  return new Failure(
    'remote-invalid-answer',
    `${host} answered ${status} with something that is no webhook.`,
    {
      data: { host, status },
    },
  );
}

function described({ id, active, events, config, last_response }: z.infer<typeof HookSchema>): Hook {
  const { code, status, message } = last_response ?? {};
  const failed = typeof code === 'number' && (code < 200 || code > 299);
  const failure = failed ? `${code} ${message ?? status ?? ''}`.trim() : null;
  return { hookId: id, url: config.url, active, events, failure };
}
