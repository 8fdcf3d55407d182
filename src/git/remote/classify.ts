// What a refusal by a remote means: from the `ng` reason, the side-band text, the HTTP status and body to a failure
// code: GitHub's words, and those of GitLab, Gitea and Forgejo, gitolite and others where they differ. Pure; tables only.
// To add a wording: a row here, in the order specific before general, and one in its test.

import { redact } from '../../host/log.ts';
import type { FailureCode } from '../../model/failure-codes.ts';

export type Refused = {
  /** What follows `ng <ref>` or `unpack`. */
  reason?: string;
  /** What the remote wrote for people. */
  sideband?: string;
  body?: string;
  status?: number;
  headers?: Pick<Headers, 'get'>;
  /** Whether the request carried a credential: tells a missing from a rejected one. */
  hasCredential?: boolean;
  /** Epoch milliseconds; needed where the remote names an instant. */
  nowMs?: number;
};

type Verdict = {
  code: FailureCode;
  /** The remote's own words, without credentials, on one line. */
  detail: string;
  /** The pause the remote asked for. */
  retryAfterMs?: number;
};

const LONGEST_DETAIL = 2_000;

const TEXTS: readonly (readonly [RegExp, FailureCode])[] = [
  [
    /secondary rate limit|rate-limited due to too many requests|rate limit exceeded|too many requests/i,
    'rate-limited',
  ],
  [/\bGH009\b|secrets detected|GITHUB PUSH PROTECTION|push cannot contain secrets/i, 'push-rejected-secret'],
  [
    /\bGH001\b|large files detected|exceeds GitHub's file size limit|larger than the allowed size of/i,
    'push-rejected-large-file',
  ],
  [/pack exceeds maximum allowed size/i, 'push-too-large'],
  [/\bGH007\b|publish a private email address|email privacy restrictions/i, 'push-rejected-private-email'],
  [
    /\bGH008\b|unknown (?:Git )?LFS objects?|LFS objects are missing|\/info\/lfs\//i,
    'push-rejected-missing-lfs',
  ],
  [/refusing to allow an? .{1,200} to create or update workflow/i, 'push-rejected-workflow-scope'],
  [
    /\bGH006\b|protected branch (?:hook declined|update failed)|push code to (?:a )?protected branch/i,
    'push-rejected-protected-branch',
  ],
  [
    /push to protected branch|branch \S+ is protected from|modified through pull requests|maintainer to create a default branch/i,
    'push-rejected-protected-branch',
  ],
  [/\bGH013\b|repository rule violations/i, 'push-rejected-ruleset'],
  [/\bGH00[235]\b/, 'push-rejected-hook'],
  [/SAML SSO/i, 'sso-required'],
  [/account (?:is|was|has been) (?:suspended|disabled|blocked|deactivated)/i, 'account-suspended'],
  [
    /archived so it is read-only|repo(?:sitory)? (?:is|was|has been) archived|to an archived project/i,
    'repository-archived',
  ],
  [
    /invalid username or (?:token|password)|password authentication is not supported|bad credentials|http basic: access denied/i,
    'credential-rejected',
  ],
  [
    /permission to \S+ denied|write access to repository not granted|resource not accessible by/i,
    'push-forbidden',
  ],
  [
    /not allowed to (?:push|upload) code|user permission denied|not have write access|DENIED by|prohibited by gerrit/i,
    'push-forbidden',
  ],
  [
    /repository (?:'[^']*' )?not found|project you were looking for could not be found|push to create is not enabled/i,
    'repository-not-found',
  ],
  [
    /no[nt]-fast-forward|fetch first|cannot lock ref|failed to update ref|stale info|incorrect old value|reference already exists/i,
    'push-rejected-non-fast-forward',
  ],
  [/hook declined/i, 'push-rejected-hook'],
  [/internal server error|temporarily read-only|read-only GitLab instance/i, 'remote-error'],
];

/** Names what a refusal means. An unknown wording of a refused ref is `push-rejected` with the raw text. */
export function classifyRejection(refused: Refused): Verdict {
  const text = [refused.reason, refused.sideband, readableBody(refused.body)]
    .filter((part) => part !== undefined && part !== '')
    .join('\n');
  const { status } = refused;
  const shown = oneLine(text);
  const detail = shown === '' ? `HTTP status ${status ?? 'unknown'}` : shown;
  const retryAfterMs = pauseMs(refused);
  return {
    code: codeOf(text, refused),
    detail,
    ...(retryAfterMs === null ? {} : { retryAfterMs }),
  };
}

function codeOf(text: string, { status, headers, hasCredential }: Refused): FailureCode {
  if (status === 429) return 'rate-limited';
  // A broken server's page may hold any words.
  if (status !== undefined && status >= 500) return 'remote-error';
  if (status === 401) return hasCredential ? 'credential-rejected' : 'credential-missing';
  for (const [pattern, code] of TEXTS) {
    if (pattern.test(text)) return code;
  }
  if (status === 403)
    return headers?.get('x-ratelimit-remaining') === '0' ? 'rate-limited' : 'push-forbidden';
  if (status === 404 || status === 410) return 'repository-not-found';
  if (status === 408) return 'remote-timeout';
  if (status === 413) return 'push-too-large';
  return status === undefined || status < 300 ? 'push-rejected' : 'remote-invalid-answer';
}

/** A remote that asks for more is probed once a day all the same: nothing may stay closed for ever by one header. */
const LONGEST_PAUSE_MS = 86_400_000;

function pauseMs(answer: Refused): number | null {
  const askedMs = askedPauseMs(answer);
  return askedMs === null ? null : Math.min(askedMs, LONGEST_PAUSE_MS);
}

/** Retry-After (seconds or an HTTP date), else the reset of a used-up quota; null when the remote names none. */
function askedPauseMs({ headers, nowMs }: Refused): number | null {
  const after = headers?.get('retry-after')?.trim();
  if (after !== undefined && /^\d+$/.test(after)) return Number(after) * 1000;
  if (nowMs === undefined) return null;
  const at = after === undefined ? Number.NaN : Date.parse(after);
  if (!Number.isNaN(at)) return Math.max(0, at - nowMs);
  const reset = headers?.get('x-ratelimit-reset')?.trim() ?? '';
  if (headers?.get('x-ratelimit-remaining') !== '0' || !/^\d+$/.test(reset)) return null;
  return Math.max(0, Number(reset) * 1000 - nowMs);
}

/** Pages are for browsers; their words are noise here. */
function readableBody(body: string | undefined): string {
  return body === undefined || /^\s*<(?:!doctype|html)/i.test(body) ? '' : body;
}

/** Cleans before it redacts: a colour code stuck to a token would hide where the token starts. */
function oneLine(text: string): string {
  const clean = text
    .replace(/^remote: ?/gm, '')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: terminal colours come from outside
    .replace(/\u001b\[[0-9;]*[A-Za-z]/g, '')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: line ends and keep-alives
    .replace(/[\u0000-\u0020\u007f]+/g, ' ');
  const words = redact(clean).trim();
  return words.length > LONGEST_DETAIL ? `${words.slice(0, LONGEST_DETAIL)}…` : words;
}
