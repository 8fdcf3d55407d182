// A pull request from one branch of a repository to another: the open one, or a new one.

import { z } from 'zod';
import { Failure } from '../model/failure.ts';
import type { ApiAnswer, AskGithub } from './api.ts';
import { noApi } from './repositories.ts';
import { asked, type RepositoryRef, repositoryPath } from './repository-path.ts';

export type PullRequest = { number: number; url: string; created: boolean };

type WantedPullRequest = RepositoryRef & {
  /** The branch with the work, and the one it is to come to. */
  head: string;
  base: string;
  title: string;
  body: string;
  draft: boolean;
};

const PullSchema = z.object({ number: z.int(), html_url: z.string().min(1) });

/** Idempotent: an open one from this branch is answered as it is. @throws Failure `pull-request-refused`, and as every request */
export async function openPullRequest(ask: AskGithub, wanted: WantedPullRequest): Promise<PullRequest> {
  const known = await findOpen(ask, wanted);
  if (known !== null) return known;
  const { head, base, title, body, draft } = wanted;
  let answer: ApiAnswer | null;
  try {
    const path = `${repositoryPath(wanted)}/pulls`;
    answer = await ask({
      ...asked(wanted),
      ...{ method: 'POST', path, body: { head, base, title, body, draft }, creates: true },
    });
  } catch (error) {
    if (!(error instanceof Failure) || error.data.status !== 422) throw error;
    // Somebody else was first, or there is nothing that could be asked for.
    const other = await findOpen(ask, wanted);
    if (other !== null) return other;
    throw new Failure('pull-request-refused', `${head} to ${base}: ${words(error)}`, {
      data: { host: wanted.host },
      cause: error,
    });
  }
  if (answer === null) throw noApi(wanted.host);
  const made = PullSchema.safeParse(answer.data);
  if (made.success) return { number: made.data.number, url: made.data.html_url, created: true };
  throw new Failure('pull-request-refused', `${wanted.host} took no pull request from ${head} to ${base}.`, {
    data: { host: wanted.host, status: answer.status },
  });
}

async function findOpen(ask: AskGithub, wanted: WantedPullRequest): Promise<PullRequest | null> {
  const query = new URLSearchParams({
    head: `${wanted.owner}:${wanted.head}`,
    ...{ base: wanted.base, state: 'open', per_page: '1' },
  });
  const path = `${repositoryPath(wanted)}/pulls?${query}`;
  const answer = await ask({ ...asked(wanted), method: 'GET', path });
  if (answer === null) throw noApi(wanted.host);
  const open = z.array(PullSchema).safeParse(answer.data);
  const [first] = open.success ? open.data : [];
  return first === undefined ? null : { number: first.number, url: first.html_url, created: false };
}

/** What the host says of each fault; its own message is mostly "Validation Failed". */
function words(error: Failure): string {
  const faults = z
    .object({ errors: z.array(z.object({ message: z.string() })) })
    .safeParse(error.data.answer);
  return faults.success ? faults.data.errors.map(({ message }) => message).join('; ') : error.message;
}
