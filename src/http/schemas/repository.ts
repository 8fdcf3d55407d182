// Credentials without their secrets, repositories on their host, pull requests, and what an upload would be.

import { z } from '@hono/zod-openapi';
import { CREDENTIAL_STATES, REPOSITORY_STATES } from '../../model/github.ts';
import { InstantSchema, orNull, ReasonSchema, SuccessSchema } from './common.ts';
import { HeldFileSchema } from './held.ts';

const CredentialSchema = z
  .object({
    key: z.string().openapi({ description: '`host`, or `name@host`.', example: 'work@github.com' }),
    name: z.string().nullable().openapi({ description: 'As `github.authentication.credential` names it.' }),
    host: z.string(),
    source: z
      .enum(['SYNC_TOKENS', 'environment', 'secret-file', 'app', 'keyring', 'gh', 'git', 'file'])
      .nullable(),
    from: z.string().nullable().openapi({ description: 'The variable, file or program; never the secret.' }),
    state: z.enum(CREDENTIAL_STATES),
    stateReason: orNull(ReasonSchema),
    login: z.string().nullable(),
    scopes: z
      .array(z.string())
      .nullable()
      .openapi({ description: 'Null: the host does not say (fine-grained tokens, apps).' }),
    expiresAt: InstantSchema.nullable().openapi({
      description:
        'Of a token that is renewed by itself: until when it may be. Null: it does not end, or nobody says when.',
    }),
    checkedAt: InstantSchema.nullable(),
    projectIds: z.array(z.string()).openapi({ description: 'The projects of this machine that need it.' }),
  })
  .openapi('Credential');
export type WireCredential = z.infer<typeof CredentialSchema>;

export const CredentialsQuerySchema = z.object({
  refresh: z
    .enum(['true', 'false'])
    .optional()
    .openapi({ description: 'Ask the hosts now; otherwise an answer of the last ten minutes is good.' }),
});
export const CredentialsAnswerSchema = z
  .object({ success: SuccessSchema, credentials: z.array(CredentialSchema) })
  .openapi('CredentialsAnswer');

export const WantedRepositorySchema = z
  .strictObject({
    host: z.string().min(1).max(255).optional().openapi({ description: 'Default github.com.' }),
    owner: z
      .string()
      .regex(/^[A-Za-z0-9](?:[A-Za-z0-9-]{0,98})$/, 'must be the name of an account or organisation')
      .optional()
      .openapi({ description: 'An organisation; default the account itself.' }),
    name: z
      .string()
      .regex(/^[A-Za-z0-9._-]{1,100}$/, 'must be letters, digits, ".", "-" and "_"')
      .optional()
      .openapi({ description: 'Default the name of the folder.' }),
    private: z.boolean().optional().openapi({ description: 'Default true.' }),
    description: z.string().max(350).optional(),
  })
  .openapi('WantedRepository');

export const UploadPreviewSchema = z
  .object({
    isRepository: z.boolean().openapi({ description: 'False: adding it needs `init`.' }),
    branch: z.string().nullable(),
    remoteUrl: z.string().nullable(),
    files: z.int().openapi({ description: 'New on the remote, held ones left out.' }),
    bytes: z.int().openapi({ description: 'Of those, not compressed.' }),
    uncommittedFiles: z.int(),
    unpushedCommits: z.int(),
    sample: z.array(z.string()).openapi({ description: 'The first of the files.' }),
    heldCount: z.int().openapi({ description: 'Files, each counted once.' }),
    held: z.array(HeldFileSchema).openapi({
      description:
        'What would stay on the machine, each path once; at most 500. With a `commit`, all of the branch waits.',
    }),
  })
  .openapi('UploadPreview');
export type WireUpload = z.infer<typeof UploadPreviewSchema>;
export const PreviewAnswerSchema = z
  .object({ success: SuccessSchema, upload: UploadPreviewSchema })
  .openapi('PreviewAnswer');

const RepositorySchema = z
  .object({
    state: z.enum(REPOSITORY_STATES),
    stateReason: orNull(ReasonSchema),
    remoteUrl: z.string(),
    host: z.string(),
    fullName: z.string().nullable(),
    private: z.boolean().nullable(),
    defaultBranch: z.string().nullable(),
    refusedPush: z
      .string()
      .nullable()
      .openapi({ description: 'Why the host would refuse a push to the branch that is checked out.' }),
  })
  .openapi('Repository');
export const RepositoryAnswerSchema = z
  .object({ success: SuccessSchema, repository: RepositorySchema })
  .openapi('RepositoryAnswer');

export const PullRequestBodySchema = z
  .strictObject({
    branch: z
      .string()
      .min(1)
      .max(250)
      .optional()
      .openapi({ description: 'The branch whose work waits, or the one that has it; default the first.' }),
    title: z.string().min(1).max(250).optional(),
    body: z.string().max(60_000).optional(),
    draft: z.boolean().optional(),
  })
  .openapi('PullRequestRequest');
export const PullRequestAnswerSchema = z
  .object({
    success: SuccessSchema,
    pullRequest: z.object({
      number: z.int(),
      url: z.string(),
      created: z.boolean().openapi({ description: 'False: it was open already.' }),
      head: z.string(),
      base: z.string(),
    }),
  })
  .openapi('PullRequestAnswer');
