// The chain of credentials as this machine has it: environment, secret files, apps, keyring, the person's own tools,
// the file of `gitferry login`. Opens nothing before it is needed.

import { join } from 'node:path';
import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import { withoutPrivateKeys } from '../host/program-env.ts';
import { splitKey } from '../model/credential-key.ts';
import { Failure } from '../model/failure.ts';
import { type Credentials, createCredentials } from './credentials.ts';
import { renewToken } from './renew-token.ts';
import { appSource } from './sources/app.ts';
import { environmentSource } from './sources/environment.ts';
import { ghSource, gitCredentialSource } from './sources/helper-programs.ts';
import { type Keyring, openKeyring } from './sources/keyring.ts';
import { renewedSource } from './sources/renewed-credentials.ts';
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
  /** Of this process: two of them must not renew the same token. */
  pid: number;
  env: Readonly<Record<string, string | undefined>>;
  homeDir: string;
  clock: Clock;
  log: Pick<Log, 'warn'>;
  settings: () => CredentialSettings;
  userAgent: string;
};

/** @throws Failure `invalid-config` when a variable holds what cannot be a token */
export function openCredentials(input: Input): CredentialPlaces {
  const { pid, env, homeDir, clock, log, settings, userAgent } = input;
  let keyring: Promise<Keyring | null> | null = null;
  const openOnce = () => {
    keyring ??= openKeyring(env);
    return keyring;
  };
  let warned = false;
  const path =
    settings().credentialsFile ?? join(env.XDG_CONFIG_HOME || join(homeDir, '.config'), DEFAULT_FILE);
  const stored = openStoredCredentials({
    ...{ path, pid, clock },
    keyring: openOnce,
    onPlainFile() {
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
  const kept = (keeper: 'keyring' | 'file') =>
    renewedSource({
      ...{ stored, keeper, path, clock, log },
      renew(key, renewal) {
        const { host } = splitKey(key);
        const apiUrl = apiUrlFor(settings(), host);
        if (apiUrl === null) throw new Failure('no-github-api', `No API address is known for ${host}.`);
        return renewToken({ host, apiUrl, renewal, userAgent, clock });
      },
    });
  const first = [
    environmentSource({ env, tokens: () => settings().tokens }),
    secretFileSource(() => settings().tokenFiles),
    app,
    kept('keyring'),
  ];
  const last = [kept('file')];
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
