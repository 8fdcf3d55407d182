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
  ...otherHosts(),
  ['an unknown reason', { reason: 'the stars are wrong' }, 'push-rejected'],
];

/** As GitLab, Gitea, Forgejo, gitolite, Bitbucket and Gerrit word what GitHub words otherwise. */
function otherHosts(): [string, Refused, string][] {
  const hook = (sideband: string): Refused => ({ reason: 'pre-receive hook declined', sideband });
  const http = (status: number, body: string): Refused => ({ status, body, hasCredential: true });
  const boxed = (text: string) => `\n====\n\n${text}\n\n====\n`;
  return [
    ['GitLab: a token that is none', http(401, 'HTTP Basic: Access denied.'), 'credential-rejected'],
    ['GitLab: the same with 403', http(403, 'remote: HTTP Basic: Access denied.'), 'credential-rejected'],
    ['GitLab: no right', http(403, 'You are not allowed to push code to this project.'), 'push-forbidden'],
    [
      'GitLab by SSH: no right',
      { sideband: boxed('ERROR: You are not allowed to push code to this project.') },
      'push-forbidden',
    ],
    [
      'GitLab: a deploy key',
      http(403, 'This deploy key does not have write access to this project.'),
      'push-forbidden',
    ],
    ['GitLab: archived', http(403, "You can't push code to an archived project."), 'repository-archived'],
    [
      'GitLab by SSH: archived',
      { sideband: boxed("ERROR: You can't push code to an archived project.") },
      'repository-archived',
    ],
    ['GitLab: blocked', http(403, 'Your account has been blocked.'), 'account-suspended'],
    [
      'GitLab: deactivated',
      http(403, 'Your account has been deactivated by your administrator.'),
      'account-suspended',
    ],
    [
      'GitLab: away',
      http(403, 'The repository is temporarily read-only. Please try again later.'),
      'remote-error',
    ],
    ['GitLab: maintained', http(403, "You can't push code to a read-only GitLab instance."), 'remote-error'],
    [
      'GitLab: not there',
      http(
        404,
        "The project you were looking for could not be found or you don't have permission to view it.",
      ),
      'repository-not-found',
    ],
    ['GitLab: too many', http(429, 'Retry later\n'), 'rate-limited'],
    [
      'GitLab: a protected branch',
      hook('GitLab: You are not allowed to push code to protected branches on this project.'),
      'push-rejected-protected-branch',
    ],
    [
      'GitLab: the first push of somebody who may not make the default branch',
      hook(
        'GitLab: \nA default branch (e.g. main) does not yet exist for ada/blog\nAsk a project Owner or Maintainer to create a default branch:',
      ),
      'push-rejected-protected-branch',
    ],
    [
      'GitLab: a large file',
      hook(
        'GitLab: File "big.bin" is larger than the allowed size of 100 MiB. Use Git LFS to manage this file.',
      ),
      'push-rejected-large-file',
    ],
    [
      'GitLab: a secret',
      hook('PUSH BLOCKED: Secrets detected in code changes\n-- test.txt:2 GitLab Personal Access Token'),
      'push-rejected-secret',
    ],
    [
      'GitLab: LFS',
      hook('GitLab: LFS objects are missing. Ensure LFS is properly set up.'),
      'push-rejected-missing-lfs',
    ],
    [
      'GitLab: a push rule',
      hook("GitLab: Commit message does not follow the pattern 'JIRA'"),
      'push-rejected-hook',
    ],
    [
      'Gitea: archived',
      http(403, 'This repo is archived. You can view files and clone it, but cannot push.'),
      'repository-archived',
    ],
    ['Gitea: disabled', http(403, 'Your account is disabled.'), 'account-suspended'],
    ['Gitea: nobody made it', http(403, 'Push to create is not enabled for users.'), 'repository-not-found'],
    ['Gitea: a mirror', http(403, 'mirror repository is read-only'), 'push-forbidden'],
    [
      'Gitea: two factors',
      http(401, 'Users with two-factor authentication enabled cannot perform this'),
      'credential-rejected',
    ],
    [
      'Gitea: a protected branch',
      hook('Gitea: Not allowed to push to protected branch main'),
      'push-rejected-protected-branch',
    ],
    [
      'Forgejo: a protected file',
      hook('Forgejo: Branch main is protected from changing file ci.yml'),
      'push-rejected-protected-branch',
    ],
    ['Gitea: no right', hook('Gitea: User permission denied for writing.'), 'push-forbidden'],
    ['gitolite', { sideband: 'FATAL: W any notes ada DENIED by fallthru' }, 'push-forbidden'],
    [
      'Bitbucket',
      hook('Branch refs/heads/main can only be modified through pull requests.'),
      'push-rejected-protected-branch',
    ],
    ['Gerrit', { reason: 'prohibited by Gerrit: not permitted: create' }, 'push-forbidden'],
  ];
}

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
