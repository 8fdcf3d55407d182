// The methods of the client for what concerns the hosts: credentials, repositories, pull requests.

import type { z } from 'zod';
import type {
  CredentialsAnswerSchema,
  PreviewAnswerSchema,
  PullRequestAnswerSchema,
  PullRequestBodySchema,
  RepositoryAnswerSchema,
} from '../http/schemas/repository.ts';
import type { GithubConfigPatch } from '../model/project-config.ts';
import type { CallOptions } from './call-options.ts';

type Answer<Schema extends z.ZodType> = Promise<z.infer<Schema>>;

export type HostMethods = {
  /** `refresh` asks the hosts now. Holds no secrets. */
  credentials(
    query?: { refresh?: 'true' | 'false' },
    options?: CallOptions,
  ): Answer<typeof CredentialsAnswerSchema>;
  /** What adding the folder would upload; changes nothing. */
  previewProject(
    input: { path: string; github?: GithubConfigPatch },
    options?: CallOptions,
  ): Answer<typeof PreviewAnswerSchema>;
  repository(projectId: string, options?: CallOptions): Answer<typeof RepositoryAnswerSchema>;
  openPullRequest(
    projectId: string,
    input?: z.input<typeof PullRequestBodySchema>,
    options?: CallOptions,
  ): Answer<typeof PullRequestAnswerSchema>;
};
