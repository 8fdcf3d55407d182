// Codes of credentials and of what only GitHub's API can do; a part of the table in failure-codes.ts.

import { backoff, type FailureRow, never } from './failure-row.ts';

export const githubFailures = {
  'credential-missing': never(
    'Run `gitferry login`, or set GITHUB_TOKEN for github.com (SYNC_TOKENS for other hosts) and restart gitferry.',
  ),
  'credential-rejected': never(
    'Make a new token with write access to the contents and set it where the old one is, or run `gitferry login` again.',
  ),
  'credential-unreadable': backoff(
    'Unlock the keyring, or correct the file or program that the message names; it is tried again by itself.',
  ),
  'login-failed': never('Run `gitferry login` again, and confirm the code in the browser in time.'),
  'client-id-missing': never(
    'Make an OAuth app with device flow on the host and give its client id (--client-id or SYNC_OAUTH_CLIENT_IDS), or give a token: `gitferry login --with-token`.',
  ),
  'webhook-refused': never(
    'Give the token the right to manage webhooks (admin:repo_hook, or Webhooks: write), or set the webhook up by hand.',
  ),
  'public-url-missing': never(
    'Set publicUrl (SYNC_PUBLIC_URL): the address by which the host reaches this service.',
  ),
  'no-github-api': never(
    'Only git works with this host. If it is GitHub Enterprise, name its API in SYNC_GITHUB_APIS.',
  ),
  'repository-exists': never(
    'Choose another name, or set github.remoteUrl to that repository if it is the right one.',
  ),
  'repository-refused': never(
    'Read what the host says; the token needs the right to make repositories there.',
  ),
  'remote-exists': never('Add it without making a repository: it is pushed to the remote that it has.'),
  'no-side-branch': never('Nothing to do: no work of this project waits on a branch beside its own.'),
  'pull-request-refused': never('Read what the host says, or open the pull request there.'),
} as const satisfies Record<string, FailureRow>;
