// A project on the wire, and the bodies that add or change one.

import { z } from '@hono/zod-openapi';
import { ENGINES, PROJECT_STATES } from '../../model/project.ts';
import { GithubConfigPatchSchema } from '../../model/project-config.ts';
import { REMOTE_STATES } from '../../model/remote-state.ts';
import { RUN_STATUSES } from '../../model/run.ts';
import { WEBHOOK_HEALTH } from '../../model/webhook.ts';
import {
  CursorSchema,
  DurationMsSchema,
  InstantSchema,
  NextCursorSchema,
  orNull,
  queryInteger,
  ReasonSchema,
  SuccessSchema,
} from './common.ts';
import { ConflictFilesSchema } from './conflict.ts';
import { HeldFileSchema } from './held.ts';
import { JobSchema } from './job.ts';
import { UploadPreviewSchema, WantedRepositorySchema } from './repository.ts';
import { strictly } from './strictly.ts';

const GithubSchema = z.object({
  enabled: z.boolean(),
  remoteUrl: z.string().nullable(),
  syncBranches: z.array(z.string()),
  authentication: z.object({
    type: z.enum(['token', 'app', 'ssh', 'system', 'none']),
    configured: z.boolean(),
    credential: z.string().nullable().openapi({ description: 'The name of a credential, never the secret.' }),
  }),
  mode: z.enum(['commit', 'push', 'snapshot']),
  remotes: z.array(z.object({ name: z.string(), url: z.string(), branches: z.array(z.string()) })),
  settings: z
    .record(z.string(), z.unknown())
    .openapi({ description: 'Everything that is set in `github` of its settings, as PATCH takes it.' }),
});

const RemoteSchema = z
  .object({
    name: z.string(),
    url: z.string(),
    isPrimary: z.boolean(),
    branches: z
      .array(z.string())
      .openapi({ description: 'Patterns: of the synced branches, those that go there.' }),
    state: z.enum(REMOTE_STATES),
    stateReason: orNull(ReasonSchema),
    tips: z
      .record(z.string(), z.string())
      .openapi({ description: 'Its commits by branch, as last seen or pushed.' }),
    lastSafeAt: InstantSchema.nullable(),
    nextTryAt: InstantSchema.nullable().openapi({
      description: 'Null unless a try failed and comes again by itself.',
    }),
    movedTo: z
      .string()
      .nullable()
      .openapi({ description: 'Where its host sends on to, because it was renamed; pushes go there.' }),
    asides: z
      .array(z.object({ branch: z.string(), head: z.string(), why: z.string() }))
      .openapi({ description: 'Work that `branch` does not take there, and the branch that has it.' }),
  })
  .openapi('Remote');

const ProjectSchema = z
  .object({
    projectId: z.string().openapi({ example: 'blog' }),
    projectName: z.string(),
    path: z.string(),
    machineId: z.string(),
    configHome: z.enum(['file', 'database']),
    state: z.enum(PROJECT_STATES),
    stateReason: orNull(ReasonSchema),
    pausedUntil: InstantSchema.nullable(),
    github: GithubSchema,
    mode: z.enum(['commit', 'push', 'snapshot']),
    engine: z
      .object({ name: z.enum(ENGINES), reason: z.string().nullable() })
      .nullable()
      .openapi({ description: 'Which git works here, and why it is not the built-in one.' }),
    branch: z.string().nullable(),
    hasPendingChanges: z.boolean(),
    pendingFiles: z.int(),
    unpushedCommits: z.int(),
    behindCommits: z.int(),
    heldFiles: z.array(HeldFileSchema),
    remotes: z.array(RemoteSchema).openapi({
      description: 'How far each remote is, the primary first. Empty before the first sync.',
    }),
    conflictFiles: ConflictFilesSchema,
    webhook: z
      .object({ health: z.enum(WEBHOOK_HEALTH), lastDeliveryAt: InstantSchema.nullable() })
      .nullable()
      .openapi({ description: 'Of its repository; null: none is known.' }),
    lastSafeAt: InstantSchema.nullable().openapi({
      description: 'The last instant at which everything was known to be on every remote.',
    }),
    lastSync: z
      .object({
        runId: z.int(),
        status: z.enum(RUN_STATUSES),
        finishedAt: InstantSchema,
        durationMs: DurationMsSchema,
        commit: z.string().nullable(),
      })
      .nullable(),
    job: orNull(JobSchema),
  })
  .openapi('Project');
export type WireProject = z.infer<typeof ProjectSchema>;

export const ProjectsQuerySchema = z.object({
  limit: queryInteger(1, 500, 500),
  cursor: CursorSchema.optional(),
  state: z.enum(PROJECT_STATES).optional(),
  q: z.string().min(1).max(200).optional().openapi({ description: 'Part of the id, name or path.' }),
});
export const ProjectsAnswerSchema = z
  .object({ success: SuccessSchema, projects: z.array(ProjectSchema), nextCursor: NextCursorSchema })
  .openapi('ProjectsAnswer');
export const ProjectAnswerSchema = z.object({ success: SuccessSchema, project: ProjectSchema });

// project.json keeps keys of other programs; a request that names an unknown one is a mistake.
const GithubPatchBodySchema = strictly(GithubConfigPatchSchema).openapi('GithubPatch');
const ProjectNameSchema = z.string().min(1).max(200);

export const AddProjectBodySchema = z
  .strictObject({
    path: z.string().min(1).max(4_000).openapi({ description: 'Absolute path of a git work tree.' }),
    projectName: ProjectNameSchema.optional(),
    github: GithubPatchBodySchema.optional(),
    init: z
      .boolean()
      .optional()
      .openapi({ description: 'Make a repository of a folder that is none, as `git init` does.' }),
    create: z
      .union([z.boolean(), WantedRepositorySchema])
      .optional()
      .openapi({ description: 'Make its repository on the host, private unless said otherwise.' }),
  })
  .openapi('AddProjectRequest');
export const PreviewBodySchema = z
  .strictObject({
    path: z.string().min(1).max(4_000).openapi({ description: 'Absolute path of a folder.' }),
    github: GithubPatchBodySchema.optional(),
  })
  .openapi('PreviewRequest');
export const PatchProjectBodySchema = z
  .strictObject({ projectName: ProjectNameSchema.optional(), github: GithubPatchBodySchema.optional() })
  .openapi('PatchProjectRequest');
export const PauseBodySchema = z
  .strictObject({
    untilMs: z
      .int()
      .min(1)
      .max(253_402_214_400_000)
      .nullable()
      .optional()
      .openapi({ description: 'Instant as epoch milliseconds, in the future; left out: until resumed.' }),
  })
  .openapi('PauseRequest');

export const RemoveProjectAnswerSchema = z.object({ success: SuccessSchema, projectId: z.string() });
export const DiscoverQuerySchema = z.object({
  preview: z.enum(['true', 'false']).optional().openapi({ description: 'Also what each would upload.' }),
});
export const DiscoverAnswerSchema = z
  .object({
    success: SuccessSchema,
    folders: z.array(
      z.object({
        path: z.string(),
        name: z.string(),
        remoteUrl: z.string().nullable(),
        upload: orNull(UploadPreviewSchema).openapi({
          description: 'Null without `preview=true`, when there was no time, or when it cannot be read.',
        }),
      }),
    ),
  })
  .openapi('DiscoverAnswer');
