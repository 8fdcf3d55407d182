// The state of the whole service on the wire, its health and its configuration.

import { z } from '@hono/zod-openapi';
import { SETTING_KEYS, settingOf } from '../../config/settings.ts';
import {
  CodeSchema,
  DurationMsSchema,
  InstantSchema,
  orNull,
  ReasonSchema,
  SuccessSchema,
} from './common.ts';

const StatusSchema = z
  .object({
    serviceRunning: z.boolean(),
    version: z.string(),
    machineId: z.string(),
    startedAt: InstantSchema,
    uptimeMs: DurationMsSchema,
    scheduler: z.object({
      running: z.boolean(),
      startedAt: InstantSchema.nullable(),
      lastScanAt: InstantSchema.nullable(),
      nextScanAt: InstantSchema.nullable(),
      stats: z.object({
        queueSize: z.int(),
        activeSyncs: z.int(),
        totalSyncs: z.int().openapi({
          description:
            'Attempts that came to an answer: success, no-change, failed, blocked or conflict. Not retrying or crashed: their last attempt is.',
        }),
        successfulSyncs: z.int().openapi({ description: 'success and no-change.' }),
        failedSyncs: z.int().openapi({ description: 'failed.' }),
        successRate: z.number().min(0).max(1).openapi({
          description:
            'Of those that succeeded or failed; 1 while there is none. A sync that waits for you (blocked, conflict) is in no rate.',
        }),
        averageDurationMs: z.number(),
        p95DurationMs: z.number(),
        throughputPerMinute: z.number(),
      }),
    }),
    gates: z.array(
      z.object({
        key: z.string().openapi({ example: 'host:github.com' }),
        state: z.enum(['paused', 'half-open']).openapi({
          description:
            '`half-open`: the pause is over; until the host has answered, one sync at a time passes.',
        }),
        pausedUntil: InstantSchema,
        strikes: z.int().openapi({ description: 'Pauses since the last success.' }),
        reason: z.string(),
        remaining: z.int().nullable(),
        limit: z.int().nullable(),
      }),
    ),
    limits: z
      .array(
        z.object({
          key: z.string().openapi({ example: 'cred:github.com' }),
          remaining: z.int(),
          limit: z.int(),
          resetAt: InstantSchema,
          asOf: InstantSchema,
        }),
      )
      .openapi({ description: 'What hosts said of the limits of their API, by the gate of the account.' }),
    projects: z.object({
      total: z.int(),
      safe: z.int(),
      pending: z.int(),
      needsAttention: z.int(),
    }),
    database: z.object({
      kind: z.enum(['local', 'remote']),
      reachable: z.boolean().openapi({ description: 'False: the server of the shared queue is away.' }),
      awaySince: InstantSchema.nullable(),
      reason: orNull(ReasonSchema),
      figuresAsOf: InstantSchema.nullable().openapi({
        description: 'Of when the figures of queue, gates and projects are; old while the server is away.',
      }),
      owed: z
        .object({ total: z.int(), projectIds: z.array(z.string()) })
        .openapi({ description: 'Projects with changes that the queue could not take yet.' }),
    }),
    watcher: z.object({
      mode: z.enum(['events', 'scan-only']),
      watched: z.int(),
      degradedReason: z.string().nullable(),
    }),
  })
  .openapi('Status');
export type WireStatus = z.infer<typeof StatusSchema>;

export const StatusAnswerSchema = z
  .object({ success: SuccessSchema, status: StatusSchema })
  .openapi('StatusAnswer');
export const ServiceAnswerSchema = z
  .object({ success: SuccessSchema, message: z.string(), status: StatusSchema })
  .openapi('ServiceAnswer');

const CheckSchema = z.object({
  ok: z.boolean(),
  code: CodeSchema.optional().openapi({ description: 'What is the matter.' }),
});
export const HealthSchema = z
  .object({
    success: z.boolean(),
    status: z.enum(['ok', 'degraded', 'down']),
    uptimeMs: DurationMsSchema,
    version: z.string(),
    checks: z.object({
      database: CheckSchema,
      scheduler: CheckSchema,
      watcher: CheckSchema,
      disk: CheckSchema,
    }),
  })
  .openapi('Health');
export type WireHealth = z.infer<typeof HealthSchema>;

const ConfigValuesSchema = z.record(z.string(), z.unknown());
export const ConfigAnswerSchema = z
  .object({
    success: SuccessSchema,
    config: ConfigValuesSchema.openapi({ description: 'Effective values; secrets are masked.' }),
    sources: z
      .record(z.string(), z.string())
      .openapi({ description: 'default, file, environment, flag or saved.' }),
  })
  .openapi('ConfigAnswer');
export const ConfigChangedSchema = z
  .object({
    success: SuccessSchema,
    config: ConfigValuesSchema,
    restartRequired: z.array(z.string()),
  })
  .openapi('ConfigChanged');

/** Built from the table of settings: `a.b` becomes `b` inside of `a`; null takes a saved value back. */
function configPatchSchema() {
  const top: Record<string, z.ZodType> = {};
  const groups: Record<string, Record<string, z.ZodType>> = {};
  for (const key of SETTING_KEYS) {
    const setting = settingOf(key);
    const schema = setting.schema.nullable().optional().openapi({ description: setting.doc });
    const [group, inner] = key.split('.') as [string, string?];
    if (inner === undefined) top[key] = schema;
    else groups[group] = { ...groups[group], [inner]: schema };
  }
  const nested = Object.entries(groups).map(([name, shape]) => [name, z.strictObject(shape).optional()]);
  return z.strictObject({ ...top, ...Object.fromEntries(nested) }).openapi('ConfigPatch');
}
export const ConfigPatchSchema = configPatchSchema();
