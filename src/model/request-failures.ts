// Codes with which the API refuses a request; a part of the table in failure-codes.ts.

import { backoff, type FailureRow, never } from './failure-row.ts';

export const requestFailures = {
  'invalid-request': never('Correct the named values.'),
  'malformed-json': never('Send valid JSON.'),
  'body-too-large': never('Send at most 1 MiB.'),
  'body-too-slow': backoff('Send the whole body within 30 s; look at the connection, or at what writes it.'),
  unauthorized: never(
    'Send `Authorization: Bearer` with SYNC_API_TOKEN, or with a token that was made for you.',
  ),
  'forbidden-role': never('Ask an admin to do it, or for a token with the role that it needs.'),
  'forbidden-from-network': never(
    'Do it on the machine itself: by localhost, gitferry.json or the environment.',
  ),
  'path-outside-roots': never(
    'Add its folder to SYNC_ROOTS on that machine, or add the project there, by localhost.',
  ),
  'forbidden-host': never('Call the service by localhost or a configured name.'),
  'forbidden-origin': never('Call from the configured corsOrigin.'),
  'notice-targets-missing': never(
    'Set one: SYNC_NOTICE_WEBHOOK_URL or SYNC_NOTICE_COMMAND, and restart gitferry.',
  ),
  'webhook-signature-invalid': never(
    'Give the webhook the secret that is set here as SYNC_WEBHOOK_SECRET, or let gitferry register it.',
  ),
  'not-found': never('See GET /openapi.json for the routes.'),
  'method-not-allowed': never('Use a method from the Allow header.'),
  'project-not-found': never('See `gitferry list`, or GET /api/sync/projects, for the ids.'),
  'token-not-found': never('See `gitferry token list`, or GET /api/sync/tokens, for the ids.'),
  'token-exists': never('Choose another name, or revoke the other token first.'),
  'snapshot-not-found': never(
    'See `gitferry snapshots <project>`, or GET /api/sync/projects/:projectId/snapshots, for the ids.',
  ),
  'project-disabled': never(
    'Enable it first: `gitferry config set enabled true --project <project>`, or on the page.',
  ),
  'file-not-held': never(
    'See `gitferry hold list`, or GET /api/sync/projects/:projectId/held, for what is held now.',
  ),
  'file-not-releasable': never('Use Git LFS, or keep the file out of git: GitHub takes none above 100 MB.'),
  'no-deletions': never('Nothing to do: no deletions wait for a word (any more).'),
  'deletions-changed': never(
    'Look again (`gitferry hold list`, or on the page) and confirm what is shown now.',
  ),
  'no-conflict': never('Nothing to do: the project has no conflict (any more).'),
  'project-exists': never('Use the existing project.'),
  'service-stopped': never('Start the syncing first, on the page or by POST /api/sync/start.'),
  'too-many-listeners': backoff('Close other feed connections, or try again later.'),
} as const satisfies Record<string, FailureRow>;
