// Tokens from the environment: SYNC_TOKENS for the hosts it names, GITHUB_TOKEN and GH_TOKEN for github.com alone.

import { Failure } from '../../model/failure.ts';
import { type CredentialSource, isToken, TOKEN_USERNAME } from './source.ts';

type EnvironmentInput = {
  env: Readonly<Record<string, string | undefined>>;
  /** From SYNC_TOKENS: key to token. Asked each time, so that a change counts at once. */
  tokens(): Readonly<Record<string, string>>;
};

const GITHUB_HOST = 'github.com';
const GITHUB_VARIABLES = ['GITHUB_TOKEN', 'GH_TOKEN'];

/** @throws Failure `invalid-config` when a variable holds what cannot be a token */
export function environmentSource({ env, tokens }: EnvironmentInput): CredentialSource {
  for (const name of GITHUB_VARIABLES) {
    const value = env[name]?.trim();
    // Caught here, because fetch would quote the value in its complaint.
    if (value && !isToken(value)) {
      throw new Failure('invalid-config', `${name} has blanks or characters that no header can carry.`);
    }
  }
  const variable = () => GITHUB_VARIABLES.find((name) => env[name]?.trim());
  return {
    async find(key) {
      const token = tokenOf(tokens(), key);
      if (token !== undefined)
        return { source: 'SYNC_TOKENS', from: 'SYNC_TOKENS', username: TOKEN_USERNAME, token };
      const name = key === GITHUB_HOST ? variable() : undefined;
      if (name === undefined) return null;
      const value = env[name]?.trim() as string;
      return { source: 'environment', from: name, username: TOKEN_USERNAME, token: value };
    },
    async keys() {
      const named = Object.keys(tokens()).map(normalKey);
      return variable() === undefined ? named : [...named, GITHUB_HOST];
    },
  };
}

function tokenOf(tokens: Readonly<Record<string, string>>, key: string): string | undefined {
  for (const [written, token] of Object.entries(tokens)) if (normalKey(written) === key) return token;
  return undefined;
}

/** Hosts are written in any case. */
function normalKey(key: string): string {
  const at = key.lastIndexOf('@') + 1;
  return key.slice(0, at) + key.slice(at).toLowerCase();
}
