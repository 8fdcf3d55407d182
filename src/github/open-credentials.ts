// The chain of credentials as this machine has it: environment, secret files, apps, keyring, the person's own tools,
// the file of `gitferry login`. Opens nothing before it is needed.

import { join } from 'node:path';
import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import { withoutPrivateKeys } from '../host/program-env.ts';
import { type Credentials, createCredentials } from './credentials.ts';
import { appSource } from './sources/app.ts';
import { environmentSource } from './sources/environment.ts';
import { ghSource, gitCredentialSource } from './sources/helper-programs.ts';
import { type Keyring, openKeyring } from './sources/keyring.ts';
import { secretFileSource } from './sources/secret-file.ts';
import { openStoredCredentials, type StoredCredentials } from './sources/stored-credentials.ts';

/** As the table of settings names them. */
export type CredentialSettings = {
  tokens: Readonly<Record<string, string>>;
  tokenFiles: Readonly<Record<string, string>>;
  githubApps: Parameters<typeof appSource>[0]['apps'] extends () => infer Apps ? Apps : never;
  credentialHelpers: readonly ('gh' | 'git')[];
  credentialsFile: string | null;
  githubApis: Readonly<Record<string, string>>;
};

export type CredentialPlaces = {
  credentials: Credentials;
  stored: StoredCredentials;
  /** Null where there is none. */
  keyring(): Promise<Keyring | null>;
};

type Input = {
  env: Readonly<Record<string, string | undefined>>;
  homeDir: string;
  clock: Clock;
  log: Pick<Log, 'warn'>;
  settings: () => CredentialSettings;
  userAgent: string;
};

/** @throws Failure `invalid-config` when a variable holds what cannot be a token */
export function openCredentials(input: Input): CredentialPlaces {
  const { env, homeDir, clock, log, settings, userAgent } = input;
  let keyring: Promise<Keyring | null> | null = null;
  const openOnce = () => {
    keyring ??= openKeyring(env);
    return keyring;
  };
  let warned = false;
  const stored = openStoredCredentials({
    path: settings().credentialsFile ?? join(env.XDG_CONFIG_HOME || join(homeDir, '.config'), DEFAULT_FILE),
    keyring: openOnce,
    onPlainFile(path) {
      if (!warned) log.warn({ path }, `Tokens are kept unencrypted in ${path}; a keyring is safer.`);
      warned = true;
    },
  });
  const programEnv = withoutPrivateKeys(env, settings().githubApps);
  const helpers = {
    gh: ghSource({ env: programEnv, homeDir, clock }),
    git: gitCredentialSource({ env: programEnv, homeDir, clock }),
  };
  const app = appSource({
    apps: () => settings().githubApps,
    apiUrlFor: (host) => apiUrlFor(settings(), host),
    ...{ env, clock, userAgent },
  });
  const first = [
    environmentSource({ env, tokens: () => settings().tokens }),
    secretFileSource(() => settings().tokenFiles),
    app,
    stored.source('keyring'),
  ];
  const last = [stored.source('file')];
  const credentials = createCredentials({
    sourcesFor({ type }) {
      if (type === 'app') return [app];
      const chosen = type === 'system' ? (['gh', 'git'] as const) : settings().credentialHelpers;
      return [...first, ...chosen.map((name) => helpers[name]), ...last];
    },
    log,
  });
  return { credentials, stored, keyring: openOnce };
}

const DEFAULT_FILE = join('gitferry', 'credentials.json');
const PUBLIC_GITHUB = 'github.com';

/** Without a slash at its end. A list of Enterprise hosts need not name github.com. */
export function apiUrlFor(
  { githubApis }: Pick<CredentialSettings, 'githubApis'>,
  host: string,
): string | null {
  const known = githubApis[host] ?? (host === PUBLIC_GITHUB ? 'https://api.github.com' : undefined);
  return known?.replace(/\/+$/, '') ?? null;
}
