import { expect, test } from 'vitest';
import { classifyRejection, type Refused } from '../../../src/git/remote/classify.ts';

const rows: [string, Refused, string][] = [
  ['not-fast-forward', { reason: 'non-fast-forward' }, 'push-rejected-non-fast-forward'],
  ['the older wording', { reason: 'not-fast-forward' }, 'push-rejected-non-fast-forward'],
  ['fetch first', { reason: 'fetch first' }, 'push-rejected-non-fast-forward'],
  [
    'a stale old value',
    {
      reason: 'failed to update ref',
      sideband: "error: cannot lock ref 'refs/heads/main': is at 1111 but expected 2222",
    },
    'push-rejected-non-fast-forward',
  ],
  ['500', { status: 500, body: 'oops, large files detected' }, 'remote-error'],
  ['502 page', { status: 502, body: '<html>Repository not found</html>' }, 'remote-error'],
  ['503', { status: 503 }, 'remote-error'],
  ['Internal Server Error in the side band', { reason: 'Internal Server Error' }, 'remote-error'],
  ['429', { status: 429 }, 'rate-limited'],
  [
    '403 secondary rate limit',
    { status: 403, body: 'You have exceeded a secondary rate limit. Please wait a few minutes.' },
    'rate-limited',
  ],
  [
    'a rate limit as the side band says it',
    { reason: 'declined', sideband: 'remote: You are being rate-limited due to too many requests' },
    'rate-limited',
  ],
  [
    '403 with a used-up quota',
    { status: 403, headers: new Headers({ 'x-ratelimit-remaining': '0' }) },
    'rate-limited',
  ],
  ['401 without a credential', { status: 401, hasCredential: false }, 'credential-missing'],
  ['401 with one', { status: 401, hasCredential: true }, 'credential-rejected'],
  [
    'a rejected token by text',
    {
      status: 403,
      body: 'remote: Invalid username or token. Password authentication is not supported for Git operations.',
    },
    'credential-rejected',
  ],
  ['403 permission', { status: 403, body: 'remote: Permission to o/r.git denied to u.' }, 'push-forbidden'],
  [
    '403 write access',
    { status: 403, body: 'remote: Write access to repository not granted.' },
    'push-forbidden',
  ],
  ['403 without words', { status: 403, body: '' }, 'push-forbidden'],
  [
    '403 SAML SSO',
    {
      status: 403,
      body: "remote: The 'org' organization has enabled or enforced SAML SSO. To access this repository, visit https://github.com/enterprises/org/sso",
    },
    'sso-required',
  ],
  [
    '403 suspended',
    { status: 403, body: 'remote: Your account is suspended. Please visit https://support.github.com' },
    'account-suspended',
  ],
  ['403 disabled', { status: 403, body: 'Your account has been disabled.' }, 'account-suspended'],
  [
    '403 archived',
    { status: 403, body: 'remote: This repository was archived so it is read-only.' },
    'repository-archived',
  ],
  ['404', { status: 404, body: 'Repository not found.' }, 'repository-not-found'],
  ['410', { status: 410 }, 'repository-not-found'],
  ['408', { status: 408 }, 'remote-timeout'],
  ['413', { status: 413, body: '<html>too large</html>' }, 'push-too-large'],
  ['418', { status: 418 }, 'remote-invalid-answer'],
  [
    'GH001',
    {
      reason: 'pre-receive hook declined',
      sideband:
        'error: GH001: Large files detected. You may want to try Git Large File Storage - https://git-lfs.github.com.',
    },
    'push-rejected-large-file',
  ],
  [
    'a pack over 2 GiB',
    { reason: 'index-pack failed', sideband: 'fatal: pack exceeds maximum allowed size (2.00 GiB)' },
    'push-too-large',
  ],
  ...(['GH002', 'GH003', 'GH005'] as const).map((code): [string, Refused, string] => [
    code,
    { reason: 'pre-receive hook declined', sideband: `error: ${code}: Sorry, this is not allowed.` },
    'push-rejected-hook',
  ]),
  [
    'GH006',
    {
      reason: 'protected branch hook declined',
      sideband: 'error: GH006: Protected branch update failed for refs/heads/main.',
    },
    'push-rejected-protected-branch',
  ],
  [
    'a protected branch by the reason alone',
    { reason: 'protected branch hook declined' },
    'push-rejected-protected-branch',
  ],
  [
    'GH007',
    {
      reason: 'push declined due to email privacy restrictions',
      sideband: 'error: GH007: Your push would publish a private email address.',
    },
    'push-rejected-private-email',
  ],
  [
    'GH008',
    {
      reason: 'pre-receive hook declined',
      sideband: 'error: GH008: Your push referenced at least 1 unknown Git LFS object:',
    },
    'push-rejected-missing-lfs',
  ],
  [
    'a host without LFS',
    { sideband: 'batch response: Repository or object not found: https://h/u/r.git/info/lfs/objects/batch' },
    'push-rejected-missing-lfs',
  ],
  [
    'GH009',
    { reason: 'pre-receive hook declined', sideband: 'error: GH009: Secrets detected! This push failed.' },
    'push-rejected-secret',
  ],
  [
    'GH013 with a secret',
    {
      reason: 'push declined due to repository rule violations',
      sideband:
        'error: GH013: Repository rule violations found for refs/heads/main.\n- GITHUB PUSH PROTECTION\n - Push cannot contain secrets\n commit: 1234abcd\n path: config/prod.env:3',
    },
    'push-rejected-secret',
  ],
  [
    'GH013 otherwise',
    {
      reason: 'push declined due to repository rule violations',
      sideband: 'error: GH013: Repository rule violations found for refs/heads/main.',
    },
    'push-rejected-ruleset',
  ],
  [
    'a workflow without its scope',
    {
      reason:
        'refusing to allow a Personal Access Token to create or update workflow `.github/workflows/ci.yml` without `workflow` scope',
    },
    'push-rejected-workflow-scope',
  ],
  [
    'a workflow by an OAuth App',
    {
      reason:
        'refusing to allow an OAuth App to create or update workflow `.github/workflows/ci.yml` without `workflow` scope',
    },
    'push-rejected-workflow-scope',
  ],
  ['a hook of its own', { reason: 'pre-receive hook declined', sideband: 'no ticket' }, 'push-rejected-hook'],
  ['an unknown reason', { reason: 'the stars are wrong' }, 'push-rejected'],
];

test.each(rows)('classifyRejection() knows %s', (_what, refused, code) => {
  expect(classifyRejection(refused).code).toBe(code);
});

test('classifyRejection() keeps the words of an unknown refusal without credentials and prefixes', () => {
  const token = `ghp_${'a'.repeat(36)}`;
  const { detail } = classifyRejection({
    reason: 'the stars are wrong',
    sideband: `remote: see https://user:${token}@example.com/why\nremote: \u001b[31m${token}\u001b[0m\n`,
  });
  expect(detail).toBe('the stars are wrong see https://example.com/why [redacted]');
});

test('classifyRejection() names the status when there are no words', () => {
  expect(classifyRejection({ status: 503, body: '<!doctype html><p>down</p>' }).detail).toBe(
    'HTTP status 503',
  );
});

test('classifyRejection() keeps commit and path of a found secret', () => {
  const secret = rows.find(([what]) => what === 'GH013 with a secret')?.[1] ?? {};
  expect(classifyRejection(secret).detail).toContain('commit: 1234abcd path: config/prod.env:3');
});

const nowMs = Date.parse('2026-01-02T03:04:05Z');
test.each([
  ['seconds', { 'retry-after': '90' }, 90_000],
  ['an HTTP date', { 'retry-after': 'Fri, 02 Jan 2026 03:05:05 GMT' }, 60_000],
  ['a date that has passed', { 'retry-after': 'Fri, 02 Jan 2026 03:00:00 GMT' }, 0],
  [
    'the reset of a used-up quota',
    { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(nowMs / 1000 + 30) },
    30_000,
  ],
  [
    'no pause while there is quota left',
    { 'x-ratelimit-remaining': '7', 'x-ratelimit-reset': String(nowMs / 1000 + 30) },
    undefined,
  ],
  ['no pause when nothing is said', {}, undefined],
])('classifyRejection() reads %s', (_what, headers, retryAfterMs) => {
  const verdict = classifyRejection({
    status: 429,
    headers: new Headers(headers as Record<string, string>),
    nowMs,
  });
  expect(verdict.retryAfterMs).toBe(retryAfterMs);
});
