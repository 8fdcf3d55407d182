// One table of settings: key, environment name, default, bounds, whether it applies live.
// The configuration reference, the environment and PUT /api/sync/config are all read from here.

import { z } from 'zod';
import { LOG_LEVELS } from '../host/log.ts';
import { CREDENTIAL_SETTINGS } from './credential-settings.ts';
import { NOTICE_SETTINGS } from './notice-settings.ts';
import { RETENTION_SETTINGS } from './retention-settings.ts';
import { integer, type Setting } from './setting.ts';
import { WEBHOOK_SETTINGS } from './webhook-settings.ts';

const HOST_PORT = /^[a-z0-9.-]+(:\d{1,5})?$|^\[[0-9a-f:]+\](:\d{1,5})?$/i;
const DAY_MS = 86_400_000;

export const SETTINGS = {
  port: {
    ...integer(0, 65_535),
    default: 3001,
    env: 'SYNC_API_PORT',
    applies: 'restart',
    doc: 'Port of the API; 0 picks a free one.',
  },
  host: {
    schema: z.string().min(1).max(255),
    default: 'localhost',
    env: 'SYNC_API_HOST',
    applies: 'restart',
    doc: 'Address to listen on. Anything but loopback needs an API token.',
  },
  corsOrigin: {
    schema: z.union([z.url(), z.array(z.url()).max(20)]),
    default: 'http://localhost:3000',
    env: 'SYNC_CORS_ORIGIN',
    applies: 'live',
    doc: 'Origin(s) of web pages that may call the API.',
  },
  allowedHosts: {
    schema: z.array(z.string().regex(HOST_PORT)).max(50),
    default: [],
    env: 'SYNC_ALLOWED_HOSTS',
    form: 'list',
    applies: 'live',
    doc: 'Further names by which the API may be called (Host header).',
  },
  apiToken: {
    schema: z.string().min(16).max(500).nullable(),
    default: null,
    env: 'SYNC_API_TOKEN',
    applies: 'start-only',
    secret: true,
    doc: 'Bearer token that callers must send; required when not bound to loopback.',
  },
  'schedulerOptions.scanInterval': {
    ...integer(1_000, DAY_MS),
    default: 300_000,
    env: 'SYNC_SCAN_INTERVAL',
    applies: 'live',
    doc: 'Milliseconds between two scans of all projects (jittered 3/4 to 5/4).',
  },
  pollIntervalMs: {
    schema: z
      .int()
      .min(0)
      .max(DAY_MS)
      .refine((value) => value === 0 || value >= 1_000, 'must be 0 (off) or at least 1000'),
    form: 'integer',
    default: 300_000,
    env: 'SYNC_POLL_INTERVAL_MS',
    applies: 'live',
    doc: 'Milliseconds between two questions to a remote whether somebody else pushed (jittered 3/4 to 5/4); 0: never.',
  },
  'schedulerOptions.maxConcurrentSyncs': {
    ...integer(1, 64),
    default: 3,
    env: 'SYNC_MAX_CONCURRENT',
    applies: 'live',
    doc: 'Most syncs at once.',
  },
  maxSyncsPerCredential: {
    ...integer(1, 64),
    default: 6,
    env: 'SYNC_MAX_PER_CREDENTIAL',
    applies: 'live',
    doc: 'Most syncs at once with one credential, on all machines of the queue together.',
  },
  'schedulerOptions.maxRetries': {
    ...integer(0, 100),
    default: 3,
    env: 'SYNC_MAX_RETRIES',
    applies: 'live',
    doc: 'Retries of a failed sync before it is parked.',
  },
  'schedulerOptions.retryDelay': {
    ...integer(0, 3_600_000),
    default: 30_000,
    env: 'SYNC_RETRY_DELAY',
    applies: 'live',
    doc: 'Base of the growing delay between retries, milliseconds.',
  },
  'schedulerOptions.rateLimitDelay': {
    ...integer(0, 3_600_000),
    default: 60_000,
    env: 'SYNC_RATE_LIMIT_DELAY',
    applies: 'live',
    doc: 'Least pause of a host after a rate-limit answer, milliseconds.',
  },
  'schedulerOptions.dbPath': {
    schema: z.string().min(1).max(4_000),
    default: './data/sync-queue.db',
    env: 'SYNC_DB_PATH',
    applies: 'start-only',
    doc: 'The local database file.',
  },
  dbUrl: {
    schema: z.url({ protocol: /^(libsql|https?|wss?)$/ }).nullable(),
    default: null,
    env: 'SYNC_DB_URL',
    applies: 'start-only',
    doc: 'A shared libSQL server instead of the local file.',
  },
  dbAuthToken: {
    schema: z.string().min(1).nullable(),
    default: null,
    env: 'SYNC_DB_AUTH_TOKEN',
    applies: 'start-only',
    secret: true,
    doc: 'Token for dbUrl.',
  },
  ...CREDENTIAL_SETTINGS,
  roots: {
    schema: z.array(z.string().min(1)).max(100),
    default: [],
    env: 'SYNC_ROOTS',
    form: 'paths',
    applies: 'restart',
    doc: 'Folders searched for projects; what is found is listed, not synced, until enabled.',
  },
  discoverDepth: {
    ...integer(1, 20),
    default: 4,
    env: 'SYNC_DISCOVER_DEPTH',
    applies: 'live',
    doc: 'How many folders deep the roots are searched.',
  },
  machineId: {
    schema: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/)
      .nullable(),
    default: null,
    env: 'SYNC_MACHINE_ID',
    applies: 'start-only',
    doc: 'Name of this machine in commits and on a shared queue; null: the host name.',
  },
  logLevel: {
    schema: z.enum(LOG_LEVELS),
    default: 'info',
    env: 'SYNC_LOG_LEVEL',
    applies: 'restart',
    doc: 'Least important log lines to write; DEBUG=1 means debug.',
  },
  autoStart: {
    schema: z.boolean(),
    default: true,
    env: 'SYNC_AUTO_START',
    form: 'boolean',
    applies: 'restart',
    doc: 'Start syncing with the service; otherwise POST /api/sync/start does.',
  },
  watch: {
    schema: z.boolean(),
    default: true,
    env: 'SYNC_WATCH',
    form: 'boolean',
    applies: 'restart',
    doc: 'Watch for changes; otherwise only scans find them.',
  },
  fsync: {
    schema: z.boolean(),
    default: true,
    env: 'SYNC_FSYNC',
    form: 'boolean',
    applies: 'live',
    doc: 'Wait until objects and refs are on disk, so that a power cut loses no commit.',
  },
  allowMessageCommands: {
    schema: z.boolean(),
    default: false,
    env: 'SYNC_ALLOW_MESSAGE_COMMANDS',
    form: 'boolean',
    // Never by the API: whoever may call it could then run programs here.
    applies: 'start-only',
    doc: 'Run the commands that projects name for their commit messages (github.commit.message.command).',
  },
  jobTimeoutMs: {
    ...integer(1_000, DAY_MS),
    default: 900_000,
    env: 'SYNC_JOB_TIMEOUT',
    applies: 'live',
    doc: 'Longest time of one sync.',
  },
  networkTimeoutMs: {
    ...integer(100, 3_600_000),
    default: 60_000,
    env: 'SYNC_NETWORK_TIMEOUT',
    applies: 'restart',
    doc: 'A remote that sends nothing for so long is given up.',
  },
  shutdownGraceMs: {
    ...integer(0, 600_000),
    default: 20_000,
    env: 'SYNC_SHUTDOWN_GRACE',
    applies: 'live',
    doc: 'How long running syncs may finish at a stop.',
  },
  ...RETENTION_SETTINGS,
  ...WEBHOOK_SETTINGS,
  ...NOTICE_SETTINGS,
} as const satisfies Record<string, Setting>;

export type SettingKey = keyof typeof SETTINGS;
export const SETTING_KEYS = Object.keys(SETTINGS) as SettingKey[];
/** Effective values by flat key. */
export type Config = { [K in SettingKey]: z.infer<(typeof SETTINGS)[K]['schema']> };

/** The same table with its rows typed alike. */
export function settingOf(key: SettingKey): Setting {
  return SETTINGS[key];
}
