// Secret formats that the preset of secretlint misses, each with the check that keeps look-alikes out.
// Every pattern starts with a fixed text or is bounded, so that a scan stays linear. Pure.

import { isPlaceholder } from './placeholder.ts';

export type SecretPattern = {
  readonly rule: string;
  readonly pattern: RegExp;
  /** Has the last word on a match; left out: every match counts. */
  readonly isReal?: (match: string) => boolean;
};

// Not inside a longer word: the text before must not be able to belong to the token.
const token = (rule: string, body: string, isReal?: (match: string) => boolean): SecretPattern => ({
  rule,
  pattern: new RegExp(`(?<![A-Za-z0-9_])(?:${body})(?![A-Za-z0-9_])`, 'g'),
  ...(isReal && { isReal }),
});

// The key's own lines may follow as text, as escapes in JSON, or as quoted parts of a program's string.
// No two ways to read the same characters: a crafted file must not be able to stop the scan.
const PRIVATE_KEY =
  /-----BEGIN (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----(?:\\[rn]|[\s"'`+,|>]|[A-Za-z-]{1,30}: [^\r\n\\]{0,100}(?:\r?\n|\\n)){0,40}[A-Za-z0-9+/=]{40}/g;

export const SECRET_PATTERNS: readonly SecretPattern[] = [
  { rule: 'private-key', pattern: PRIVATE_KEY },
  { rule: 'putty-private-key', pattern: /PuTTY-User-Key-File-\d: [\s\S]{1,2000}?Private-Lines: \d/g },
  token('age-secret-key', 'AGE-SECRET-KEY-1[0-9A-Z]{58}'),
  token('google-api-key', 'AIza[0-9A-Za-z_-]{35}', isVaried),
  token('google-client-secret', 'GOCSPX-[0-9A-Za-z_-]{28}', isVaried),
  token(
    'json-web-token',
    'eyJ[A-Za-z0-9_-]{10,2000}\\.eyJ[A-Za-z0-9_-]{10,8000}\\.[A-Za-z0-9_-]{20,1500}',
    isJwt,
  ),
  token('pypi-token', 'pypi-Ag[A-Za-z0-9_-]{80,400}'),
  token(
    'discord-bot-token',
    '[MNO][A-Za-z0-9_-]{22,27}\\.[A-Za-z0-9_-]{6}\\.[A-Za-z0-9_-]{27,45}',
    isDiscordToken,
  ),
  token(
    'discord-webhook',
    'https://(?:ptb\\.|canary\\.)?discord(?:app)?\\.com/api/webhooks/\\d{17,20}/[\\w-]{60,80}',
  ),
  token('telegram-bot-token', '\\d{8,10}:AA[A-Za-z0-9_-]{33}'),
  token('digitalocean-token', 'do[opr]_v1_[a-f0-9]{64}'),
  token('stripe-key', '(?:sk|rk)_live_[A-Za-z0-9]{20,120}', isVaried),
  token('stripe-webhook-secret', 'whsec_[A-Za-z0-9+/]{32,64}', isVaried),
  token('openrouter-key', 'sk-or-v1-[a-f0-9]{64}'),
  token('atlassian-token', 'ATATT3[A-Za-z0-9_=-]{100,250}|ATCTT3[A-Za-z0-9_=-]{100,250}'),
  token('rubygems-key', 'rubygems_[a-f0-9]{48}'),
  token('netlify-token', 'nfp_[A-Za-z0-9]{36}', isVaried),
  token('postman-key', 'PMAK-[a-f0-9]{24}-[a-f0-9]{34}'),
  token('supabase-token', 'sbp_[a-f0-9]{40}'),
  token('planetscale-token', 'pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_=.-]{32,64}', isVaried),
  token('pulumi-token', 'pul-[a-f0-9]{40}'),
  token('fly-token', 'fm[12]r?_[A-Za-z0-9+/=]{100,3000}'),
  token('doppler-token', 'dp\\.(?:pt|st|ct|sa)\\.[A-Za-z0-9._-]{40,60}', isVaried),
  token('azure-storage-key', 'AccountKey=[A-Za-z0-9+/]{86}=='),
];

/** In npm's own settings a value of these names is a credential, whatever it looks like. */
export const NPMRC_PATTERN: SecretPattern = {
  rule: 'npmrc-credential',
  pattern: /_(?:authToken|auth|password)[ \t]{0,10}=[ \t]{0,10}["']?(?![$"'])[^\s"']{8,}/g,
  isReal: (match) => !isPlaceholder(match.slice(match.indexOf('=') + 1).replace(/["'\s]/g, '')),
};

/** Real keys are random; `AIzaXXXXXXXX…` and `sk_live_0000…` in documentation are not. */
function isVaried(match: string): boolean {
  return new Set(match.slice(-20)).size >= 8;
}

/** A signed token that grants something: not the well-known sample, not a role meant for browsers. */
function isJwt(match: string): boolean {
  const [head = '', body = ''] = match.split('.');
  const header = parseBase64Json(head);
  const claims = parseBase64Json(body);
  if (!header || !claims || typeof header.alg !== 'string') return false;
  return header.alg.toLowerCase() !== 'none' && claims.sub !== '1234567890' && claims.role !== 'anon';
}

function parseBase64Json(text: string): Record<string, unknown> | null {
  const decoded = Buffer.from(text, 'base64url').toString('utf8');
  // What is no JSON is no token: an answer, not a fault.
  try {
    const value: unknown = JSON.parse(decoded);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

/** The first part of a bot token is the account's number in base64. */
function isDiscordToken(match: string): boolean {
  const account = match.slice(0, match.indexOf('.'));
  return /^\d{17,20}$/.test(Buffer.from(account, 'base64url').toString('latin1'));
}
