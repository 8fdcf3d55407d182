// Where credentials come from: rows of the table of settings. Knows no secret but by its place.

import { z } from 'zod';
import { CREDENTIAL_KEY } from '../model/credential-key.ts';
import type { Setting } from './setting.ts';

const HOST = /^[a-z0-9.-]+(:\d{1,5})?$|^\[[0-9a-f:]+\](:\d{1,5})?$/;
const KeySchema = z.string().regex(CREDENTIAL_KEY, 'must be host, host:port or name@host, in lower case');
const HostSchema = z.string().regex(HOST, 'must be host or host:port, in lower case');

const AppSchema = z
  .strictObject({
    appId: z.union([z.int().min(1), z.string().min(1).max(100)]),
    installationId: z.int().min(1),
    privateKeyFile: z.string().min(1).max(4_000).optional(),
    privateKeyVariable: z.string().min(1).max(200).optional(),
  })
  .refine(
    ({ privateKeyFile, privateKeyVariable }) =>
      (privateKeyFile === undefined) !== (privateKeyVariable === undefined),
    'needs exactly one of privateKeyFile and privateKeyVariable',
  );

// None of these can be changed by the API: whoever may call it could then have files sent and programs run.
export const CREDENTIAL_SETTINGS = {
  tokens: {
    schema: z.record(
      z.string().regex(/^(?:[A-Za-z0-9][\w.-]{0,62}@)?(?:[a-z0-9.-]+|\[[0-9a-f:]+\])(?::\d{1,5})?$/i, {
        message: 'must be host, host:port or name@host',
      }),
      z.string().min(1),
    ),
    default: {},
    env: 'SYNC_TOKENS',
    form: 'json',
    applies: 'start-only',
    secret: true,
    doc: 'Tokens by host[:port], or name@host for one of several accounts. GITHUB_TOKEN or GH_TOKEN serve github.com alone.',
  },
  tokenFiles: {
    schema: z.record(KeySchema, z.string().min(1).max(4_000)),
    default: {},
    env: 'SYNC_TOKEN_FILES',
    form: 'json',
    applies: 'start-only',
    doc: 'Files that hold a token each (mounted secrets), by host[:port] or name@host; read anew each time.',
  },
  githubApps: {
    schema: z.record(KeySchema, AppSchema),
    default: {},
    env: 'SYNC_GITHUB_APPS',
    form: 'json',
    applies: 'start-only',
    doc: 'GitHub Apps by host[:port] or name@host: appId, installationId, and privateKeyFile or privateKeyVariable (the name of an environment variable).',
  },
  credentialHelpers: {
    schema: z.array(z.enum(['gh', 'git'])).max(2),
    default: [],
    env: 'SYNC_CREDENTIAL_HELPERS',
    form: 'list',
    applies: 'start-only',
    doc: 'Programs that are asked for tokens when nothing else has one: gh (`gh auth token`), git (`git credential fill`).',
  },
  credentialsFile: {
    schema: z.string().min(1).max(4_000).nullable(),
    default: null,
    env: 'SYNC_CREDENTIALS_FILE',
    applies: 'start-only',
    doc: 'What `gitferry login` keeps; null: gitferry/credentials.json in the folder for settings (~/.config).',
  },
  oauthClientIds: {
    schema: z.record(HostSchema, z.string().min(1).max(200)),
    default: {},
    env: 'SYNC_OAUTH_CLIENT_IDS',
    form: 'json',
    applies: 'start-only',
    doc: 'Client ids of OAuth or GitHub Apps for `gitferry login`, by host.',
  },
  githubApis: {
    schema: z.record(
      z.string().regex(/^[a-z0-9.-]+(:\d{1,5})?$|^\[[0-9a-f:]+\](:\d{1,5})?$/i, 'must be host or host:port'),
      z.url(),
    ),
    default: { 'github.com': 'https://api.github.com' },
    env: 'SYNC_GITHUB_APIS',
    form: 'json',
    applies: 'start-only',
    doc: 'Base URL of the REST API by git host, for GitHub and GitHub Enterprise (https://host/api/v3).',
  },
} as const satisfies Record<string, Setting>;
