// Questions to GitHub's REST API. The only file that knows Octokit. One request at a time, no retries of its own:
// pauses and retries belong to the gates and the queue. Must not know git or projects.

import { Octokit } from '@octokit/rest';
import { z } from 'zod';
import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import { networkFailure } from '../host/network-failure.ts';
import { Failure } from '../model/failure.ts';
import { refusalFailure } from './answer-failures.ts';

/** `host` is the git host, for example `github.com`. */
export type RepositoryRef = { host: string; owner: string; name: string; signal?: AbortSignal };

export type RepositoryLookup =
  | {
      kind: 'found';
      fullName: string;
      cloneUrl: string;
      archived: boolean;
      private: boolean;
      defaultBranch: string;
      /** Whether the token may write; false without a token. */
      canPush: boolean;
    }
  /** It answers under another name now. */
  | { kind: 'renamed'; cloneUrl: string; fullName: string }
  /** Not there, or not for this token. */
  | { kind: 'absent' }
  /** Nobody told the address of this host's API. */
  | { kind: 'no-api' };

export type GithubClient = {
  /**
   * Looks a repository up. Changes nothing.
   * @throws Failure `rate-limited` (with `retryAfterMs` and `gate`), `credential-rejected`, `credential-missing`,
   * `sso-required`, `account-suspended`, `push-forbidden`, `insecure-remote`, `offline`, `remote-timeout`,
   * `remote-error`, `remote-invalid-answer`, `redirect-refused`, `aborted`
   */
  lookUpRepository(repository: RepositoryRef): Promise<RepositoryLookup>;
};

export type GithubClientInput = {
  /** The API's address without a slash at the end; null: this host has none that is known. */
  apiUrlFor(host: string): string | null;
  /** The token for a git host. */
  tokenFor(host: string): string | null;
  userAgent: string;
  /** Default: the runtime's own. */
  fetch?: typeof fetch;
  /** For one request and its answer, milliseconds; default 15000. */
  timeoutMs?: number;
  clock: Clock;
  log: Pick<Log, 'debug'>;
};

const MOST_REDIRECTS = 3;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 307, 308]);

const RepositorySchema = z.object({
  full_name: z.string().min(1),
  clone_url: z.string().min(1),
  archived: z.boolean().default(false),
  private: z.boolean(),
  default_branch: z.string().min(1),
  permissions: z.object({ push: z.boolean() }).optional(),
});

type Answer = { status: number; headers: Record<string, unknown>; data: unknown };

/** Makes the client that all projects share. */
export function createGithubClient(input: GithubClientInput): GithubClient {
  let last: Promise<unknown> = Promise.resolve();
  return {
    lookUpRepository(repository) {
      // GitHub asks for serial requests. A failed one must not stop the next, and its caller hears of it anyway.
      const lookup = last.then(() => lookUp(input, repository));
      last = lookup.then(
        () => undefined,
        () => undefined,
      );
      return lookup;
    },
  };
}

async function lookUp(input: GithubClientInput, repository: RepositoryRef): Promise<RepositoryLookup> {
  const apiUrl = input.apiUrlFor(repository.host);
  if (apiUrl === null) return { kind: 'no-api' };
  const asked = `${repository.owner}/${repository.name}`;
  const path = `/repos/${encodeURIComponent(repository.owner)}/${encodeURIComponent(repository.name)}`;
  const answer = await ask(input, repository, apiUrl, path);
  if (answer === null) return { kind: 'absent' };
  const found = RepositorySchema.safeParse(answer.data);
  if (!found.success) {
    const what = `${hostOf(apiUrl)} answered ${answer.status} with something that is no repository.`;
    throw new Failure('remote-invalid-answer', what, {
      data: { host: hostOf(apiUrl), status: answer.status },
    });
  }
  const { full_name: fullName, clone_url: cloneUrl, archived, permissions } = found.data;
  if (fullName.toLowerCase() !== asked.toLowerCase()) return { kind: 'renamed', cloneUrl, fullName };
  return {
    kind: 'found',
    fullName,
    cloneUrl,
    archived,
    private: found.data.private,
    defaultBranch: found.data.default_branch,
    canPush: permissions?.push ?? false,
  };
}

/** The answer after redirects; null for 404. Redirects are followed by hand: the token stays with its API. */
async function ask(
  input: GithubClientInput,
  repository: RepositoryRef,
  apiUrl: string,
  path: string,
): Promise<Answer | null> {
  const token = input.tokenFor(repository.host);
  if (token !== null) refuseInsecure(apiUrl);
  const octokit = openOctokit(input, token);
  let url = `${apiUrl}${path}`;
  for (let redirects = 0; ; redirects++) {
    const answer = await request(input, octokit, url, { repository, token });
    if (answer === null || !REDIRECTS.has(answer.status)) return answer;
    const target = new URL(String(answer.headers.location ?? ''), url);
    if (target.origin !== new URL(apiUrl).origin || redirects === MOST_REDIRECTS) {
      const why = redirects === MOST_REDIRECTS ? `more than ${MOST_REDIRECTS} times` : `to ${target.origin}`;
      throw new Failure('redirect-refused', `${hostOf(apiUrl)} redirects ${why}.`, {
        data: { host: hostOf(apiUrl), status: answer.status },
      });
    }
    url = target.href;
  }
}

type Asking = { repository: RepositoryRef; token: string | null };

async function request(
  input: GithubClientInput,
  octokit: Octokit,
  url: string,
  { repository, token }: Asking,
): Promise<Answer | null> {
  const apiHost = hostOf(url);
  const limit = startTimeLimit(input, apiHost, repository.signal);
  try {
    const answer = await octokit.request({
      method: 'GET',
      url,
      request: { signal: limit.signal, redirect: 'manual' },
    });
    // A body that breaks off arrives as text: the time limit is the better reason.
    limit.signal.throwIfAborted();
    return answer;
  } catch (error) {
    const response = responseOf(error);
    if (!response || limit.signal.aborted) throw networkFailure(limit.signal.reason ?? error, apiHost);
    if (response.status === 404) return null;
    throw refusalFailure({
      apiHost,
      status: response.status,
      headers: headersOf(response.headers),
      message: error instanceof Error ? error.message : '',
      hasToken: token !== null,
      now: input.clock.now(),
    });
  } finally {
    limit.stop();
  }
}

function openOctokit(input: GithubClientInput, token: string | null): Octokit {
  const debug = (message: string) => input.log.debug(message);
  return new Octokit({
    userAgent: input.userAgent,
    ...(token !== null && { auth: token }),
    ...(input.fetch && { request: { fetch: input.fetch } }),
    // Only the texts: the second argument holds the request with its headers.
    log: { debug: () => undefined, info: debug, warn: debug, error: debug },
  });
}

function startTimeLimit(
  { clock, timeoutMs = 15_000 }: GithubClientInput,
  apiHost: string,
  outer?: AbortSignal,
) {
  const controller = new AbortController();
  const stop = clock.timer(timeoutMs, () =>
    controller.abort(
      new Failure('remote-timeout', `${apiHost} did not answer within ${timeoutMs} ms.`, {
        data: { host: apiHost },
      }),
    ),
  );
  const aborted = () => controller.abort(new Failure('aborted', 'The question was called off.'));
  if (outer?.aborted) aborted();
  outer?.addEventListener('abort', aborted, { once: true });
  return {
    signal: controller.signal,
    stop() {
      stop();
      outer?.removeEventListener('abort', aborted);
    },
  };
}

function responseOf(error: unknown): Answer | null {
  if (!(error instanceof Error) || !('response' in error)) return null;
  return (error.response as Answer | undefined) ?? null;
}

function headersOf(plain: Record<string, unknown>): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(plain))
    if (value !== undefined) headers.set(name, String(value));
  return headers;
}

function refuseInsecure(apiUrl: string): void {
  const { protocol, hostname } = new URL(apiUrl);
  if (protocol === 'https:' || ['127.0.0.1', 'localhost', '[::1]'].includes(hostname)) return;
  throw new Failure('insecure-remote', `The API address ${apiUrl} is not https; no token is sent there.`);
}

function hostOf(url: string): string {
  return new URL(url).host;
}
