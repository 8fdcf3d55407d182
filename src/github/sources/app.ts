// Installation tokens of GitHub Apps: made when needed, kept in memory only, renewed before they end.

import { createPrivateKey } from 'node:crypto';
import { createAppAuth } from '@octokit/auth-app';
import { Octokit } from '@octokit/rest';
import type { Clock } from '../../host/clock.ts';
import { splitKey } from '../../model/credential-key.ts';
import { Failure } from '../../model/failure.ts';
import { octokitFailure } from '../octokit-failure.ts';
import { readSecret } from './secret-file.ts';
import { type CredentialSource, type FoundCredential, TOKEN_USERNAME } from './source.ts';

type AppInstallation = {
  appId: number | string;
  installationId: number;
  privateKeyFile?: string | undefined;
  privateKeyVariable?: string | undefined;
};

type AppInput = {
  apps(): Readonly<Record<string, AppInstallation>>;
  apiUrlFor(host: string): string | null;
  env: Readonly<Record<string, string | undefined>>;
  clock: Clock;
  userAgent: string;
  fetch?: typeof fetch;
};

/** GitHub's tokens live an hour; a sync that begins now must still be able to end with its token. */
const RENEW_BEFORE_MS = 10 * 60_000;

type Held = { token: string; expiresAt: number };

export function appSource(input: AppInput): CredentialSource {
  const held = new Map<string, Held>();
  const making = new Map<string, Promise<Held>>();

  /** Several syncs that need one at the same time wait for the same. */
  async function renewed(key: string, app: AppInstallation): Promise<Held> {
    const under = making.get(key);
    if (under !== undefined) return under;
    const made = makeToken(key, app, input).finally(() => making.delete(key));
    making.set(key, made);
    const token = await made;
    held.set(key, token);
    return token;
  }

  return {
    async find(key): Promise<FoundCredential | null> {
      const all = input.apps();
      const app = Object.hasOwn(all, key) ? all[key] : undefined;
      if (app === undefined) return null;
      const known = held.get(key);
      const isFresh = known !== undefined && known.expiresAt - input.clock.now() > RENEW_BEFORE_MS;
      const { token, expiresAt } = isFresh ? known : await renewed(key, app);
      return { source: 'app', from: `app ${app.appId}`, username: TOKEN_USERNAME, token, expiresAt };
    },
    keys: async () => Object.keys(input.apps()),
    async renew(key, used) {
      // A sync beside this one may have been refused with the same, and made another.
      if (held.get(key)?.token === used) held.delete(key);
      return true;
    },
  };
}

async function makeToken(key: string, app: AppInstallation, input: AppInput): Promise<Held> {
  const { host } = splitKey(key);
  const apiUrl = input.apiUrlFor(host);
  if (apiUrl === null) throw new Failure('no-github-api', `No API address is known for ${host}.`);
  const { request } = new Octokit({
    baseUrl: apiUrl,
    userAgent: input.userAgent,
    log: SILENT,
    ...(input.fetch && { request: { fetch: input.fetch } }),
  });
  const privateKey = await readKey(app, input.env);
  const { appId, installationId } = app;
  try {
    const auth = createAppAuth({ appId, privateKey, request, log: SILENT });
    const { token, expiresAt } = await auth({ type: 'installation', installationId, refresh: true });
    return { token, expiresAt: Date.parse(expiresAt) };
  } catch (error) {
    throw octokitFailure(error, { apiUrl, hasToken: true, now: input.clock.now() });
  }
}

// Its warnings may quote the request.
const SILENT = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

async function readKey(
  { privateKeyFile, privateKeyVariable }: AppInstallation,
  env: AppInput['env'],
): Promise<string> {
  const value =
    privateKeyFile === undefined ? env[privateKeyVariable ?? '']?.trim() : await readSecret(privateKeyFile);
  const from = privateKeyFile ?? privateKeyVariable;
  if (!value)
    throw new Failure('credential-unreadable', `${from} is to hold the key of a GitHub App, and is empty.`);
  try {
    // One line, with the line ends written out, is how variables are often set. GitHub gives PKCS#1, WebCrypto takes PKCS#8.
    const key = createPrivateKey(value.replaceAll('\\n', '\n'));
    return key.export({ type: 'pkcs8', format: 'pem' }).toString();
  } catch {
    // What the parser says may quote the key.
    throw new Failure('credential-unreadable', `${from} holds no private key in PEM form.`);
  }
}
