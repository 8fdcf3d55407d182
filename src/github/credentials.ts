// Which token goes to which host. Tokens are handed out for exactly the host they were given for, and to nobody else;
// no text made here holds one.

import { Failure } from '../model/failure.ts';

/** Where a host's token comes from; `name` is a variable or a host, never the token. */
type CredentialSource = { source: 'environment' | 'SYNC_TOKENS'; name: string };

/** Hosts are `host` or `host:port`, any case; a port counts. */
export type Credentials = {
  tokenFor(host: string): string | null;
  /** For HTTP basic authentication. */
  credentialFor(host: string): Promise<{ username: string; password: string } | null>;
  describe(host: string): CredentialSource | null;
};

export type CredentialsInput = {
  env: Readonly<Record<string, string | undefined>>;
  /** From SYNC_TOKENS: lower-case `host[:port]` to token. Asked each time, so that a change counts at once. */
  tokens(): Readonly<Record<string, string>>;
};

const GITHUB_HOST = 'github.com';
const GITHUB_VARIABLES = ['GITHUB_TOKEN', 'GH_TOKEN'];
// GitHub takes any name beside a token; this one also works for its apps.
const USERNAME = 'x-access-token';
const HOST_KEY = /^(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?|\[[0-9a-f:.]+\])(?::(\d{1,5}))?$/;
// What a header can carry: no blanks, no control characters.
const TOKEN = /^[\x21-\x7e]+$/;

/**
 * SYNC_TOKENS wins for the hosts it names; GITHUB_TOKEN, then GH_TOKEN, are for github.com alone.
 * @throws Failure `invalid-config` when such a variable holds what cannot be a token
 */
export function createCredentials({ env, tokens }: CredentialsInput): Credentials {
  for (const name of GITHUB_VARIABLES) {
    const value = env[name]?.trim();
    // Caught here, because fetch would quote the value in its complaint.
    if (value && !TOKEN.test(value)) {
      throw new Failure('invalid-config', `${name} has blanks or characters that no header can carry.`);
    }
  }
  const find = (anyCase: string): (CredentialSource & { token: string }) | null => {
    const host = anyCase.toLowerCase();
    const known = tokens();
    const token = Object.hasOwn(known, host) ? known[host] : undefined;
    if (token) return { source: 'SYNC_TOKENS', name: host, token };
    if (host !== GITHUB_HOST) return null;
    for (const name of GITHUB_VARIABLES) {
      const value = env[name]?.trim();
      if (value) return { source: 'environment', name, token: value };
    }
    return null;
  };
  return {
    tokenFor: (host) => find(host)?.token ?? null,
    async credentialFor(host) {
      const found = find(host);
      return found && { username: USERNAME, password: found.token };
    },
    describe(host) {
      const found = find(host);
      return found && { source: found.source, name: found.name };
    },
  };
}

/**
 * Reads SYNC_TOKENS: a JSON object from `host[:port]` to token; nothing or blank text means none. Keys come back in
 * lower case. @throws Failure `invalid-config` naming every fault by its key, never by its value
 */
export function parseTokens(json: string | undefined): Record<string, string> {
  if (json === undefined || json.trim() === '') return {};
  const parsed = parseObject(json);
  const tokens: Record<string, string> = {};
  const faults: string[] = [];
  for (const [key, value] of Object.entries(parsed)) {
    const host = key.trim().toLowerCase();
    const fault =
      keyFault(host) ?? tokenFault(value) ?? (Object.hasOwn(tokens, host) ? 'is named twice' : null);
    if (fault === null) tokens[host] = String(value);
    else faults.push(`${shownKey(key)} ${fault}`);
  }
  if (faults.length > 0) throw new Failure('invalid-config', `SYNC_TOKENS: ${faults.join('; ')}.`);
  return tokens;
}

function parseObject(json: string): object {
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch {
    // The parser's message quotes the text, and with it a token: it must not travel on, not even as a cause.
    throw new Failure('invalid-config', 'SYNC_TOKENS is not valid JSON; give {"host": "token"}.');
  }
  if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed;
  throw new Failure(
    'invalid-config',
    'SYNC_TOKENS must be a JSON object from host to token: {"host": "token"}.',
  );
}

function keyFault(host: string): string | null {
  if (host.includes('://')) return 'has a scheme; give the host alone, for example git.example.org';
  const match = HOST_KEY.exec(host);
  if (!match) return 'is no host; give host or host:port, for example git.example.org:8443';
  const port = match[1];
  return port !== undefined && (Number(port) < 1 || Number(port) > 65_535)
    ? 'has a port outside 1-65535'
    : null;
}

function tokenFault(value: unknown): string | null {
  if (typeof value !== 'string') return 'has a token that is no text';
  if (value === '') return 'has an empty token';
  return TOKEN.test(value) ? null : 'has a token with blanks or characters that no header can carry';
}

/** A key may be a URL with a token in it, or the token itself by mistake: show only what looks like a host. */
function shownKey(key: string): string {
  const safe = key.replace(/\/\/[^/]*@/, '//');
  const isHost = /^[A-Za-z0-9.:/[\]-]{1,80}$/.test(safe) && (safe.includes('.') || safe.length <= 20);
  return isHost ? safe : `a key of ${key.length} characters`;
}
