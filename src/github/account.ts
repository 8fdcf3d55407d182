// Whether a token is good, for whom, for what and until when, as the host says.

import { z } from 'zod';
import type { CredentialWish } from '../model/credential-key.ts';
import { Failure } from '../model/failure.ts';
import type { ApiAnswer, AskGithub } from './api.ts';
import { asked } from './repository-path.ts';

/** Instants are epoch milliseconds. */
export type Account = {
  /** Null for an app's installation: it is no user. */
  login: string | null;
  /** Null: the host does not say (fine-grained tokens, apps). */
  scopes: string[] | null;
  expiresAt: number | null;
};

const UserSchema = z.object({ login: z.string().min(1) });
const INSTALLATIONS = '/installation/repositories?per_page=1';

/** Null: the host has no API that is known. @throws Failure as every request */
export async function readAccount(
  ask: AskGithub,
  who: { host: string; as?: CredentialWish; isApp: boolean; signal?: AbortSignal },
): Promise<Account | null> {
  const { host, isApp } = who;
  const path = isApp ? INSTALLATIONS : '/user';
  const answer = await ask({ ...asked(who), method: 'GET', path });
  if (answer === null) return null;
  const login = isApp ? null : loginOf(answer, host);
  return { login, scopes: scopesOf(answer.headers), expiresAt: expiryOf(answer.headers) };
}

function loginOf(answer: ApiAnswer, host: string): string {
  const user = UserSchema.safeParse(answer.data);
  if (user.success) return user.data.login;
  throw new Failure('remote-invalid-answer', `${host} did not say whose account this is.`, {
    data: { host, status: answer.status },
  });
}

/** Classic tokens and OAuth tokens have scopes; an empty header means none. */
function scopesOf(headers: Headers): string[] | null {
  const text = headers.get('x-oauth-scopes');
  if (text === null) return null;
  return text
    .split(',')
    .map((scope) => scope.trim())
    .filter((scope) => scope !== '');
}

/** `2025-03-01 12:00:00 UTC`, or with an offset. */
function expiryOf(headers: Headers): number | null {
  const text = headers.get('github-authentication-token-expiration')?.trim();
  if (!text) return null;
  const at = Date.parse(text.replace(/ UTC$/, 'Z').replace(/^(\S+) (\S+?)(?: ([+-]\d{4}))?$/, '$1T$2$3'));
  return Number.isNaN(at) ? null : at;
}
