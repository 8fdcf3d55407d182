// A new token in the place of one that ends: what a GitHub App gives by the device flow with tokens that expire. The
// renewal is good once; with it the host answers the next one. No secret of ours is needed.

import { Octokit } from '@octokit/rest';
import { z } from 'zod';
import type { Clock } from '../host/clock.ts';
import { Failure } from '../model/failure.ts';
import { octokitFailure } from './octokit-failure.ts';
import { startTimeLimit } from './time-limit.ts';

/** Instants are epoch milliseconds. `endsAt` null: the host does not say. */
export type Renewal = { clientId: string; refreshToken: string; endsAt: number | null };
export type RenewedToken = { token: string; expiresAt: number; renewal: Renewal };

const GrantedSchema = z.object({
  access_token: z.string().min(1),
  expires_in: z.number().positive(),
  refresh_token: z.string().min(1),
  refresh_token_expires_in: z.number().positive().optional(),
});
const RefusedSchema = z.object({ error: z.string() });

/** @throws Failure `credential-rejected` when the renewal is good no more, and as every request */
export async function renewToken(input: {
  host: string;
  /** Of the REST API: by https or, for this machine itself, not. */
  apiUrl: string;
  renewal: Renewal;
  userAgent: string;
  clock: Clock;
}): Promise<RenewedToken> {
  const { host, apiUrl, renewal, userAgent, clock } = input;
  const at = clock.now();
  const limit = startTimeLimit({ clock, apiHost: host });
  try {
    const { data } = await new Octokit({ userAgent, log: SILENT }).request({
      ...{ method: 'POST', url: `${new URL(apiUrl).protocol}//${host}/login/oauth/access_token` },
      headers: { accept: 'application/json' },
      data: {
        ...{ client_id: renewal.clientId, grant_type: 'refresh_token', refresh_token: renewal.refreshToken },
      },
      request: { signal: limit.signal, redirect: 'manual' },
    });
    return granted(data, renewal, host, at);
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw octokitFailure(limit.signal.aborted ? limit.signal.reason : error, {
      apiUrl,
      hasToken: true,
      now: at,
    });
  } finally {
    limit.stop();
  }
}

const SILENT = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

function granted(data: unknown, { clientId }: Renewal, host: string, at: number): RenewedToken {
  const answer = GrantedSchema.safeParse(data);
  if (answer.success) {
    const {
      access_token: token,
      expires_in,
      refresh_token: refreshToken,
      refresh_token_expires_in,
    } = answer.data;
    const endsAt = refresh_token_expires_in === undefined ? null : at + refresh_token_expires_in * 1000;
    return { token, expiresAt: at + expires_in * 1000, renewal: { clientId, refreshToken, endsAt } };
  }
  const refused = RefusedSchema.safeParse(data);
  if (!refused.success) {
    throw new Failure('remote-invalid-answer', `${host} did not answer with a new token.`, {
      data: { host },
    });
  }
  const why = /^[a-z_]{1,60}$/.test(refused.data.error) ? ` (${refused.data.error})` : '';
  throw new Failure('credential-rejected', `${host} does not renew the login any more${why}.`, {
    data: { host },
    action: `Log in again: \`gitferry login --host ${host}\`.`,
  });
}
