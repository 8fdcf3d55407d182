// How a push fails at GitHub, in its own words, and what has to become of the job and the project: one row a case.
// A new wording is a row here and one in src/git/remote/classify.ts.

import type { FailureCode } from '../../src/model/failure-codes.ts';
import type { ProjectState } from '../../src/model/project.ts';
import type { Fault, Refusal } from '../support/git-server.ts';

/** What meets the push. `discovery`: nothing is known of the remote yet, so that it is asked first. */
type Cause =
  | { refusal: Refusal }
  | { fault: Fault; discovery?: true }
  | { remoteUrl: string; discovery?: true }
  | { another: 'commits' };

/** `retry` counts an attempt and waits longer each time; `pause` stops the host and counts none; the others wait for a person. */
type Fate = 'retry' | 'pause' | 'park' | 'conflict';

export type Row = {
  name: string;
  cause: Cause;
  code: FailureCode;
  fate: Fate;
  state: ProjectState;
  /** What the person is told to do. */
  action: RegExp;
  /** What the remote said that the person must see. */
  detail?: RegExp;
  /** The remote may have taken the push: the next try asks before it sends. */
  asksFirst?: true;
  /** Least pause, milliseconds. */
  pauseMs?: number;
  token?: string;
  /** How long the remote may be silent; default longer than any answer takes here. */
  idleTimeoutMs?: number;
  /** Which attempt is judged; default the first. */
  attempt?: number;
};

const refused = (reason: string, message: string): Cause => ({ refusal: { reason, message } });
const status = (code: number, body = '', headers: Record<string, string> = {}): { fault: Fault } => ({
  fault: { kind: 'status', status: code, body, headers },
});
/** A remote that repeats what it was sent. */
const SPOKEN_TOKEN = `ghp_${'a1'.repeat(18)}`;
const HOOK = 'pre-receive hook declined';
const RULES = 'push declined due to repository rule violations';

const parked = { fate: 'park', state: 'blocked' } as const;
const retried = { fate: 'retry', state: 'retrying', action: /tried again by itself/ } as const;
const limited = {
  code: 'rate-limited',
  fate: 'pause',
  state: 'rate-limited',
  action: /goes on when the pause is over/,
} as const;
const offline = { code: 'offline', fate: 'pause', state: 'offline', action: /Check the network/ } as const;
const conflict = { fate: 'conflict', state: 'conflict', action: /git pull --rebase/ } as const;

/** Integration of what the remote has turns these into successes: then they move to its own test. */
const RACES: Row[] = [
  {
    name: 'the remote has commits of somebody else',
    cause: { another: 'commits' },
    code: 'remote-diverged',
    ...conflict,
  },
];

const FAULTS: Row[] = [
  {
    name: 'cannot lock ref … is at X but expected Y, again and again',
    cause: refused('failed to update ref', 'error: cannot lock ref: is at 1111 but expected 2222\n'),
    code: 'remote-error',
    ...retried,
  },
  ...['fetch first', 'non-fast-forward'].map(
    (reason): Row => ({
      name: `${reason}, although the remote is where it was seen`,
      cause: refused(reason, ''),
      code: 'remote-error',
      ...retried,
    }),
  ),
  {
    name: 'reset before an answer',
    cause: { fault: { kind: 'reset' } },
    code: 'remote-error',
    ...retried,
    asksFirst: true,
  },
  {
    name: 'reset in the middle of the upload',
    cause: { fault: { kind: 'reset-mid-pack', afterBytes: 10 } },
    code: 'remote-error',
    ...retried,
    asksFirst: true,
  },
  {
    name: 'the push is taken, the answer lost',
    cause: { fault: { kind: 'answer-lost' } },
    code: 'remote-error',
    ...retried,
    asksFirst: true,
  },
  {
    name: 'a server that takes the push and says nothing',
    cause: { fault: { kind: 'held' } },
    code: 'remote-timeout',
    ...retried,
    state: 'offline',
    asksFirst: true,
    idleTimeoutMs: 1_500,
  },
  {
    name: 'a server that never says what it has',
    cause: { fault: { kind: 'held' }, discovery: true },
    code: 'remote-timeout',
    ...retried,
    state: 'offline',
    idleTimeoutMs: 300,
  },
  {
    name: 'an answer cut off',
    cause: { fault: { kind: 'truncated', afterBytes: 12 } },
    code: 'remote-error',
    ...retried,
    asksFirst: true,
  },
  {
    name: 'an answer that ends early',
    cause: { fault: { kind: 'truncated', afterBytes: 12, clean: true } },
    code: 'remote-invalid-answer',
    ...retried,
    action: /no login page answers/,
    asksFirst: true,
  },
  {
    name: 'a cut list of refs, which must not pass for an empty remote',
    cause: { fault: { kind: 'truncated', afterBytes: 40, clean: true }, discovery: true },
    code: 'remote-invalid-answer',
    ...retried,
    action: /no login page answers/,
  },
  ...[500, 502, 503, 504].map(
    (code): Row => ({
      name: `status ${code}`,
      cause: status(code, 'Internal Server Error'),
      code: 'remote-error',
      ...retried,
      asksFirst: true,
    }),
  ),
  {
    name: 'an internal error told by the ref',
    cause: refused('Internal Server Error', 'remote: Internal Server Error\n'),
    code: 'remote-error',
    ...retried,
  },
];

const PAUSES: Row[] = [
  { name: 'connection refused', cause: { remoteUrl: 'http://127.0.0.1:CLOSED_PORT/u/r.git' }, ...offline },
  {
    name: 'a name that no server knows',
    cause: { remoteUrl: 'https://nowhere.invalid/u/r.git' },
    ...offline,
  },
  { name: 'a login page on discovery', cause: { fault: { kind: 'html' }, discovery: true }, ...offline },
  {
    name: '429 with Retry-After',
    cause: status(429, '', { 'retry-after': '120' }),
    ...limited,
    pauseMs: 120_000,
  },
  { name: '429 without', cause: status(429), ...limited, pauseMs: 60_000 },
  {
    name: '403 by the secondary limit',
    cause: status(
      403,
      'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.',
    ),
    ...limited,
    pauseMs: 60_000,
  },
  {
    name: '403 by too many requests',
    cause: status(403, 'Your requests were rate-limited due to too many requests.', { 'retry-after': '90' }),
    ...limited,
    pauseMs: 90_000,
  },
  {
    name: '403 with a quota used up',
    cause: status(403, '', { 'x-ratelimit-remaining': '0', 'x-ratelimit-limit': '5000' }),
    ...limited,
    pauseMs: 60_000,
  },
];

const PERSON: Row[] = [
  {
    name: '401 without a token',
    cause: status(401),
    code: 'credential-missing',
    ...parked,
    action: /GITHUB_TOKEN/,
  },
  {
    name: '401 with a token',
    cause: status(
      401,
      'Invalid username or token. Password authentication is not supported for Git operations.',
    ),
    code: 'credential-rejected',
    ...parked,
    action: /Make a new token/,
    token: 'the-secret-of-this-test',
  },
  {
    name: '403 permission denied',
    cause: status(403, 'Permission to octo/demo.git denied to bot.'),
    code: 'push-forbidden',
    ...parked,
    action: /write access to the contents/,
    detail: /octo\/demo\.git denied to bot/,
  },
  {
    name: '403 write access not granted',
    cause: status(403, 'Write access to repository not granted.'),
    code: 'push-forbidden',
    ...parked,
    action: /write access to the contents/,
  },
  {
    name: '403 single sign-on',
    cause: status(
      403,
      "The 'octo' organization has enabled or enforced SAML SSO.\nTo access this repository, visit https://github.com/orgs/octo/sso?authorization_request=AB12 and try your request again.",
    ),
    code: 'sso-required',
    ...parked,
    action: /address in the message/,
    detail: /https:\/\/github\.com\/orgs\/octo\/sso\?authorization_request=AB12/,
  },
  ...['suspended', 'disabled'].map(
    (what): Row => ({
      name: `403 account ${what}`,
      cause: status(403, `Your account is ${what}. Please check your email for more information.`),
      code: 'account-suspended',
      fate: 'pause',
      state: 'blocked',
      action: /Contact the host/,
      pauseMs: 3_600_000,
    }),
  ),
  {
    name: '403 archived',
    cause: status(403, 'This repository was archived so it is read-only.'),
    code: 'repository-archived',
    fate: 'park',
    state: 'paused',
    action: /Unarchive/,
  },
  {
    name: '404',
    cause: status(404, 'Repository not found.'),
    code: 'repository-not-found',
    ...parked,
    action: /Create the repository, correct the URL/,
  },
  {
    name: '413',
    cause: status(413),
    code: 'push-too-large',
    ...parked,
    action: /only what is not pushed/,
  },
];

const REFUSALS: Row[] = [
  {
    name: 'GH001',
    cause: refused(
      HOOK,
      "error: Trace: 1a2b\nerror: See https://gh.io/lfs for more information.\nerror: File big.bin is 120.00 MB; this exceeds GitHub's file size limit of 100.00 MB\nerror: GH001: Large files detected. You may want to try Git Large File Storage - https://git-lfs.github.com.\n",
    ),
    code: 'push-rejected-large-file',
    ...parked,
    action: /large file/,
    detail: /big\.bin is 120\.00 MB/,
  },
  {
    name: 'a pack over the limit',
    cause: refused(HOOK, 'fatal: pack exceeds maximum allowed size (2.00 GiB)\n'),
    code: 'push-too-large',
    ...parked,
    action: /only what is not pushed/,
  },
  ...(
    [
      ['GH002', 'Sorry, branch or tag names consisting of 40 hex characters are not allowed.'],
      ['GH003', 'Sorry, force-pushing to main is not allowed.'],
      ['GH005', 'Sorry, refs longer than 255 bytes are not allowed.'],
    ] as const
  ).map(
    ([code, text]): Row => ({
      name: code,
      cause: refused(HOOK, `error: ${code}: ${text}\n`),
      code: 'push-rejected-hook',
      ...parked,
      action: /message of the remote/,
      detail: new RegExp(text.slice(0, 20)),
    }),
  ),
  {
    name: 'GH006',
    cause: refused(
      'protected branch hook declined',
      'error: GH006: Protected branch update failed for refs/heads/main.\nerror: At least 1 approving review is required by reviewers with write access.\n',
    ),
    code: 'push-rejected-protected-branch',
    ...parked,
    action: /Allow pushes to this branch/,
    detail: /approving review/,
  },
  {
    name: 'GH007',
    cause: refused(
      'push declined due to email privacy restrictions',
      'error: GH007: Your push would publish a private email address.\nerror: You can make your email public or disable this protection by visiting:\nerror: https://github.com/settings/emails\n',
    ),
    code: 'push-rejected-private-email',
    ...parked,
    action: /no-reply address/,
  },
  {
    name: 'GH008',
    cause: refused(
      HOOK,
      "error: GH008: Your push referenced at least 1 unknown Git LFS object:\nerror:     4d7a2146\nerror: Try to push them with 'git lfs push --all'.\n",
    ),
    code: 'push-rejected-missing-lfs',
    ...parked,
    action: /git-lfs/,
  },
  {
    name: 'GH009',
    cause: refused(
      HOOK,
      'error: GH009: Secrets detected! This push failed.\nerror: path: config/keys.ts:4\n',
    ),
    code: 'push-rejected-secret',
    ...parked,
    action: /never bypasses/,
    detail: /config\/keys\.ts:4/,
  },
  {
    name: 'GH013 by push protection',
    cause: refused(
      RULES,
      'error: GH013: Repository rule violations found for refs/heads/main.\nerror:\nerror: - GITHUB PUSH PROTECTION\nerror:     Resolve the following violations before pushing again\nerror:     - Push cannot contain secrets\nerror:        locations:\nerror:          - commit: 8728dbe67aa1\nerror:            path: notes/todo.md:4\n',
    ),
    code: 'push-rejected-secret',
    ...parked,
    action: /never bypasses/,
    detail: /commit: 8728dbe67aa1.*path: notes\/todo\.md:4/,
  },
  {
    name: 'GH013 by a ruleset',
    cause: refused(
      RULES,
      'error: GH013: Repository rule violations found for refs/heads/main.\nerror: Review all repository rules at https://github.com/octo/demo/rules\nerror:\nerror: - Changes must be made through a pull request.\n',
    ),
    code: 'push-rejected-ruleset',
    ...parked,
    action: /rules, or sync another branch/,
    detail: /through a pull request/,
  },
  {
    name: 'a workflow without the scope',
    cause: refused(
      'refusing to allow a Personal Access Token to create or update workflow `.github/workflows/ci.yml` without `workflow` scope',
      '',
    ),
    code: 'push-rejected-workflow-scope',
    ...parked,
    action: /`workflow` scope/,
  },
  ...['an OAuth App', 'a GitHub App'].map(
    (who): Row => ({
      name: `a workflow by ${who}`,
      cause: refused(
        `refusing to allow ${who} to create or update workflow \`.github/workflows/ci.yml\` without \`workflows\` permission`,
        '',
      ),
      code: 'push-rejected-workflow-scope',
      ...parked,
      action: /Workflows: write/,
      detail: /\.github\/workflows\/ci\.yml/,
    }),
  ),
  {
    name: 'a wording that nobody knows, with a token in it',
    cause: refused(
      'the moon is full',
      `see https://bot:${SPOKEN_TOKEN}@example.org/why or ask ${SPOKEN_TOKEN}\n`,
    ),
    code: 'push-rejected',
    ...parked,
    attempt: 2,
    token: SPOKEN_TOKEN,
    action: /message of the remote/,
    detail: /the moon is full see https:\/\/example\.org\/why or ask \[redacted\]/,
  },
  {
    name: 'a wording that nobody knows',
    cause: refused('the moon is full', 'try tomorrow\n'),
    code: 'push-rejected',
    ...parked,
    attempt: 2,
    action: /message of the remote/,
    detail: /the moon is full.*try tomorrow/,
  },
];

/** Hosts that are not GitHub, where they word it otherwise. */
const OTHER_HOSTS: Row[] = [
  {
    name: 'GitLab: a protected branch',
    cause: refused(HOOK, 'GitLab: You are not allowed to push code to protected branches on this project.\n'),
    code: 'push-rejected-protected-branch',
    ...parked,
    action: /Allow pushes to this branch/,
    detail: /GitLab: You are not allowed/,
  },
  {
    name: 'GitLab: a secret',
    cause: refused(
      HOOK,
      'PUSH BLOCKED: Secrets detected in code changes\n-- notes/todo.md:4 AWS Access Key ID\n',
    ),
    code: 'push-rejected-secret',
    ...parked,
    action: /never bypasses/,
    detail: /notes\/todo\.md:4/,
  },
  {
    name: 'GitLab: archived',
    cause: status(403, "You can't push code to an archived project."),
    code: 'repository-archived',
    fate: 'park',
    state: 'paused',
    action: /Unarchive/,
  },
  {
    name: 'GitLab: a repository that is moved between disks',
    cause: status(403, 'The repository is temporarily read-only. Please try again later.'),
    code: 'remote-error',
    ...retried,
  },
  {
    name: 'GitLab: a token that is none',
    cause: status(401, 'HTTP Basic: Access denied. The provided password or token is incorrect.', {
      'www-authenticate': 'Basic realm="GitLab"',
    }),
    token: 'of-another-host',
    code: 'credential-rejected',
    ...parked,
    action: /Make a new token/,
  },
  {
    name: 'Gitea: a protected branch',
    cause: refused(HOOK, 'error:\nerror: Gitea: Not allowed to push to protected branch main\n'),
    code: 'push-rejected-protected-branch',
    ...parked,
    action: /Allow pushes to this branch/,
  },
  {
    name: 'Gitea: no right',
    cause: refused(HOOK, 'Gitea: User permission denied for writing.\n'),
    code: 'push-forbidden',
    ...parked,
    action: /write access/,
  },
  {
    name: 'Gitea: archived',
    cause: status(
      403,
      'This repo is archived. You can view files and clone it, but cannot push or open issues/pull-requests.',
    ),
    code: 'repository-archived',
    fate: 'park',
    state: 'paused',
    action: /Unarchive/,
  },
  {
    name: 'Forgejo: nobody made the repository',
    cause: status(403, 'Push to create is not enabled for users.'),
    code: 'repository-not-found',
    ...parked,
    action: /Create the repository/,
  },
];

export const ROWS: readonly Row[] = [
  ...[...RACES, ...FAULTS, ...PAUSES, ...PERSON, ...REFUSALS],
  ...OTHER_HOSTS,
];
