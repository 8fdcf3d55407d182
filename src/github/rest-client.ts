// The questions to GitHub's REST API, put together. Must not know git or projects.

import { type Account, readAccount } from './account.ts';
import { type AskGithub, createGithubApi, type GithubApiInput } from './api.ts';
import { type BranchRules, readBranchRules } from './branch-rules.ts';
import { openPullRequest, type PullRequest } from './pull-requests.ts';
import {
  createRepository,
  type FoundRepository,
  lookUpRepository,
  type NewRepository,
  type RepositoryLookup,
} from './repositories.ts';
import type { RepositoryRef } from './repository-path.ts';

export type GithubClient = {
  /** Any request, for what has no function of its own. */
  ask: AskGithub;
  /** Changes nothing. @throws Failure as `ask` does; so do all of these */
  lookUpRepository(repository: RepositoryRef): Promise<RepositoryLookup>;
  createRepository(wanted: NewRepository): Promise<{ created: boolean; repository: FoundRepository }>;
  readAccount(who: Parameters<typeof readAccount>[1]): Promise<Account | null>;
  readBranchRules(ref: Parameters<typeof readBranchRules>[1]): Promise<BranchRules>;
  openPullRequest(wanted: Parameters<typeof openPullRequest>[1]): Promise<PullRequest>;
};

/** Makes the client that all projects share. */
export function createGithubClient(input: GithubApiInput): GithubClient {
  const ask = createGithubApi(input);
  return {
    ask,
    lookUpRepository: (repository) => lookUpRepository(ask, repository),
    createRepository: (wanted) => createRepository(ask, wanted),
    readAccount: (who) => readAccount(ask, who),
    readBranchRules: (ref) => readBranchRules(ask, ref),
    openPullRequest: (wanted) => openPullRequest(ask, wanted),
  };
}
