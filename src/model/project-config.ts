// The settings of one project: the schema of project.json (version 2), and of PATCH bodies.
// The database keeps the same shape for projects without a file. Published as project.schema.json.

import { z } from 'zod';
import { PROJECT_ID_PATTERN } from './ids.ts';
import { faultOfCron, faultOfTimezone } from './schedule.ts';

const durationMs = (max: number) => z.int().min(0).max(max);

const AuthenticationSchema = z.looseObject({
  type: z.enum(['token', 'app', 'ssh', 'system', 'none']).default('token'),
  configured: z.boolean().default(false),
  credential: z.string().max(200).optional().describe('The name of a credential, never the secret itself.'),
});

const CommitSchema = z.looseObject({
  message: z.union([z.string().max(2000), z.looseObject({ command: z.array(z.string()).min(1) })]).optional(),
  author: z.looseObject({ name: z.string().min(1).max(200), email: z.string().min(1).max(200) }).optional(),
  trailers: z.boolean().optional(),
});

// `user:password@` or, over http, any user: settings are stored, shown and committed, a secret in them would be too.
const URL_WITH_SECRET = /^[a-z][a-z0-9+.-]*:\/\/[^/\s@]*:[^/\s@]*@|^https?:\/\/[^/\s@]+@/i;
const UrlSchema = z
  .string()
  .min(1)
  .max(2000)
  .refine((url) => !URL_WITH_SECRET.test(url), 'holds a user or password: take it out and set SYNC_TOKENS');

const RemoteSchema = z.looseObject({
  name: z.string().min(1).max(100),
  url: UrlSchema,
  branches: z
    .array(z.string().min(1).max(200))
    .optional()
    .describe('Of the synced branches, those that go there too; default all of them.'),
  credential: z
    .string()
    .max(200)
    .optional()
    .describe("The name of a credential for its host; default that of the project, else the host's own."),
});
// A mirror's state is kept by its name.
const RemotesSchema = z
  .array(RemoteSchema)
  .max(20)
  .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, 'name each remote differently');

const TimeSchema = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time like "22:00"');
const QuietHoursSchema = z
  .looseObject({ from: TimeSchema, to: TimeSchema })
  .refine(({ from, to }) => from !== to, 'must begin and end at different times')
  .describe('Local times between which nothing is committed or pushed: saved work waits.');

const ScheduleSchema = z.looseObject({
  cron: z.string().max(200).optional(),
  timezone: z.string().max(100).optional(),
  quietHours: QuietHoursSchema.optional(),
  quietMs: durationMs(3_600_000)
    .optional()
    .describe('Wait after the last change, milliseconds; default 2000.'),
  maxWaitMs: durationMs(86_400_000)
    .optional()
    .describe('Wait at most after the first change; default 60000.'),
  minIntervalMs: durationMs(86_400_000).optional().describe('Least time between two syncs; default 10000.'),
});

// Only where a person writes it: what a stored row names need not be known to every machine that reads the row.
const CheckedScheduleSchema = ScheduleSchema.extend({
  cron: usable(200, faultOfCron)
    .optional()
    .describe('Five fields: a sync that looks at everything and asks the remote, also when nothing changed.'),
  timezone: usable(100, faultOfTimezone)
    .optional()
    .describe("Of cron and quietHours; default the machine's."),
});

function usable(longest: number, faultOf: (text: string) => string | null) {
  return z
    .string()
    .max(longest)
    .superRefine((text, context) => {
      const message = faultOf(text);
      if (message !== null) context.addIssue({ code: 'custom', message });
    });
}

const GuardSchema = z.looseObject({
  allow: z.array(z.string().min(1).max(1000)).optional(),
  maxFileBytes: z.int().min(1).max(100_000_000).optional(),
  secrets: z.boolean().optional(),
});

const keptMs = durationMs(315_360_000_000).optional();
const SnapshotSchema = z.looseObject({
  keepAllMs: keptMs.describe('How long every snapshot is offered, milliseconds; default one day.'),
  keepHourlyMs: keptMs.describe('How long one an hour is; default seven days.'),
  keepDailyMs: keptMs.describe('How long one a day is; default thirty days.'),
});

const BranchPatternSchema = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[^\s~^:?[\\]+$/, 'must be a branch name or a pattern with *');

const EngineSchema = z
  .enum(['auto', 'builtin', 'git', 'mcp'])
  .describe(
    'Which git works here; default auto: the built-in engine where it can, else the system git. mcp: the tools of an MCP client push.',
  );

/** `github` of project.json. Unknown keys are kept: other programs may have put them there. */
export const GithubConfigSchema = z.looseObject({
  enabled: z.boolean().default(false),
  remoteUrl: UrlSchema.optional(),
  syncBranches: z.array(BranchPatternSchema).max(100).default(['main', 'master', 'auto/*']),
  authentication: AuthenticationSchema.default({ type: 'token', configured: false }),
  mode: z.enum(['commit', 'push', 'snapshot']).default('commit'),
  engine: EngineSchema.optional(),
  integrate: z.enum(['ff', 'rebase', 'merge', 'off']).optional(),
  onRejected: z.enum(['park', 'side-branch']).optional(),
  commit: CommitSchema.optional(),
  remotes: RemotesSchema.optional(),
  schedule: ScheduleSchema.optional(),
  guard: GuardSchema.optional(),
  snapshot: SnapshotSchema.optional(),
});
export type GithubConfig = z.infer<typeof GithubConfigSchema>;

/** A change of `github`: any part, merged key by key into what is there; `null` takes a key out again. */
export const GithubConfigPatchSchema = z.looseObject({
  enabled: z.boolean().optional(),
  remoteUrl: UrlSchema.nullish(),
  syncBranches: z.array(BranchPatternSchema).max(100).nullish(),
  authentication: AuthenticationSchema.partial().nullish(),
  mode: z.enum(['commit', 'push', 'snapshot']).nullish(),
  engine: EngineSchema.nullish(),
  integrate: z.enum(['ff', 'rebase', 'merge', 'off']).nullish(),
  onRejected: z.enum(['park', 'side-branch']).nullish(),
  commit: CommitSchema.nullish(),
  remotes: RemotesSchema.nullish(),
  schedule: CheckedScheduleSchema.nullish(),
  guard: GuardSchema.nullish(),
  snapshot: SnapshotSchema.nullish(),
});
export type GithubConfigPatch = z.infer<typeof GithubConfigPatchSchema>;

/** project.json, version 2. */
export const ProjectFileSchema = z.looseObject({
  version: z.literal(2),
  projectId: z.string().regex(PROJECT_ID_PATTERN).optional(),
  projectName: z.string().min(1).max(200).optional(),
  github: GithubConfigSchema.extend({ schedule: CheckedScheduleSchema.optional() }).optional(),
});
export type ProjectFile = z.infer<typeof ProjectFileSchema>;

/** Timings with their defaults filled in, milliseconds. */
export type ProjectTimings = { quietMs: number; maxWaitMs: number; minIntervalMs: number };

export function timingsOf(config: GithubConfig): ProjectTimings {
  return {
    quietMs: config.schedule?.quietMs ?? 2_000,
    maxWaitMs: config.schedule?.maxWaitMs ?? 60_000,
    minIntervalMs: config.schedule?.minIntervalMs ?? 10_000,
  };
}

/** How long snapshots are offered, with the defaults filled in, milliseconds. */
export function retentionOf(config: Pick<GithubConfig, 'snapshot'>): {
  allForMs: number;
  hourlyForMs: number;
  dailyForMs: number;
} {
  return {
    allForMs: config.snapshot?.keepAllMs ?? 86_400_000,
    hourlyForMs: config.snapshot?.keepHourlyMs ?? 604_800_000,
    dailyForMs: config.snapshot?.keepDailyMs ?? 2_592_000_000,
  };
}
