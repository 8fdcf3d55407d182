// Gets a token by the device flow: a person confirms a code in any browser, and no secret of ours is needed.

import { createOAuthDeviceAuth } from '@octokit/auth-oauth-device';
import { Octokit } from '@octokit/rest';
import type { Clock } from '../host/clock.ts';
import { Failure } from '../model/failure.ts';
import { answerOf, octokitFailure } from './octokit-failure.ts';
import type { Renewal } from './renew-token.ts';

export type DeviceCode = { userCode: string; verificationUri: string; expiresInMs: number };

type DeviceLogin = {
  host: string;
  /** As the REST API is addressed; the flow's own addresses follow from it. */
  apiUrl: string;
  clientId: string;
  scopes: readonly string[];
  userAgent: string;
  clock: Pick<Clock, 'now'>;
  onCode(code: DeviceCode): void;
};

/** GitHub Apps have these; their tokens have the app's rights instead of scopes. */
const APP_CLIENT = /^Iv\d/;

/** @throws Failure `login-failed`, and as every request */
export async function loginByDevice(
  login: DeviceLogin,
): Promise<{ token: string; expiresAt?: number; renewal?: Renewal }> {
  const { host, apiUrl, clientId, scopes, userAgent, onCode, clock } = login;
  const { request } = new Octokit({ baseUrl: apiUrl, userAgent, log: SILENT });
  const onVerification = (given: { user_code: string; verification_uri: string; expires_in: number }) =>
    onCode({
      userCode: given.user_code,
      verificationUri: given.verification_uri,
      expiresInMs: given.expires_in * 1_000,
    });
  try {
    const auth = APP_CLIENT.test(clientId)
      ? createOAuthDeviceAuth({ clientType: 'github-app', clientId, onVerification, request })
      : createOAuthDeviceAuth({
          clientType: 'oauth-app',
          clientId,
          scopes: [...scopes],
          onVerification,
          request,
        });
    const got = await auth({ type: 'oauth' });
    const ends = 'expiresAt' in got && typeof got.expiresAt === 'string' ? Date.parse(got.expiresAt) : null;
    const renewal = renewalOf(got, clientId);
    return { token: got.token, ...(ends !== null && { expiresAt: ends }), ...(renewal && { renewal }) };
  } catch (error) {
    throw loginFailure(error, host, { apiUrl, hasToken: false, now: clock.now() });
  }
}

/** Null for tokens that do not end. */
function renewalOf(got: object, clientId: string): Renewal | null {
  if (!('refreshToken' in got) || typeof got.refreshToken !== 'string') return null;
  const ends = 'refreshTokenExpiresAt' in got ? Date.parse(String(got.refreshTokenExpiresAt)) : Number.NaN;
  return { clientId, refreshToken: got.refreshToken, endsAt: Number.isNaN(ends) ? null : ends };
}

const SILENT = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

const REFUSALS: Readonly<Record<string, string>> = {
  access_denied: 'it was refused in the browser',
  expired_token: 'the code was not confirmed in time',
  token_expired: 'the code was not confirmed in time',
  device_flow_disabled: 'the app of this client id has no device flow: switch it on in its settings',
  incorrect_client_credentials: 'the client id is not known there',
  unsupported_grant_type: 'the host does not know the device flow',
};

function loginFailure(error: unknown, host: string, asked: Parameters<typeof octokitFailure>[1]): Failure {
  const answer = answerOf(error);
  const code = (answer?.data as { error?: unknown } | undefined)?.error;
  const known = typeof code === 'string' ? REFUSALS[code] : undefined;
  const why = known ?? (answer?.status === 404 ? 'the client id is not known there' : undefined);
  if (why !== undefined) return new Failure('login-failed', `The login to ${host} did not succeed: ${why}.`);
  return octokitFailure(error, asked);
}
