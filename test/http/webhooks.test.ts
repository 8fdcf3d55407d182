// Deliveries as GitHub sends them, at the route: who is believed, what is acted upon, and how often.

import { createHmac } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { normalRemote } from '../../src/git/remote/remote-url.ts';
import type { ProjectId } from '../../src/model/ids.ts';
import { NO_FACTS, type ProjectFacts } from '../../src/model/project.ts';
import { GithubConfigSchema } from '../../src/model/project-config.ts';
import { findJob } from '../../src/queue/reads.ts';
import { readEvents } from '../../src/store/events.ts';
import { saveFacts, saveProject } from '../../src/store/projects.ts';
import { createFixture, type Fixture, TOKEN, WEBHOOK_SECRET } from './api-fixture.ts';

const PATH = '/api/webhooks/github';
const OLD = '1'.repeat(40);
const NEW = '2'.repeat(40);
const NONE = '0'.repeat(40);

let fixture: Fixture;
beforeEach(async () => {
  fixture = await createFixture({ access: { apiToken: TOKEN } });
});
afterEach(() => fixture.close());

const repositoryOf = (fullName: string) => ({
  full_name: fullName,
  clone_url: `https://github.com/${fullName}.git`,
  ssh_url: `git@github.com:${fullName}.git`,
});
const REPOSITORY = repositoryOf('octo/Demo');
const push = (more: object = {}) => ({
  ref: 'refs/heads/main',
  before: OLD,
  after: NEW,
  created: false,
  deleted: false,
  forced: false,
  repository: REPOSITORY,
  ...more,
});

type Sent = {
  event?: string;
  id?: string;
  secret?: string;
  headers?: Record<string, string>;
  form?: boolean;
};
let deliveries = 0;

function deliver(payload: unknown, { event = 'push', id, secret, headers, form }: Sent = {}) {
  const json = typeof payload === 'string' ? payload : JSON.stringify(payload);
  const body = form ? new URLSearchParams({ payload: json }).toString() : json;
  const signature = createHmac('sha256', secret ?? WEBHOOK_SECRET)
    .update(body)
    .digest('hex');
  return fixture.request('POST', PATH, {
    body,
    headers: {
      'content-type': form ? 'application/x-www-form-urlencoded' : 'application/json',
      'x-github-event': event,
      'x-github-delivery': id ?? `delivery-${deliveries++}`,
      'x-hub-signature-256': `sha256=${signature}`,
      ...headers,
    },
  });
}

type Added = { url?: string; machineId?: string; github?: object; facts?: Partial<ProjectFacts> };

async function add(
  name: string,
  { url, machineId = 'laptop', github, facts }: Added = {},
): Promise<ProjectId> {
  const remoteUrl = url ?? 'https://github.com/octo/demo.git';
  const { projectId } = await saveProject(fixture.db, {
    ...{ projectName: name, machineId, path: `/home/u/${name}`, configHome: 'database' as const },
    github: GithubConfigSchema.parse({ enabled: true, syncBranches: ['main', 'auto/*'], ...github }),
    lane: { hostGate: 'host:github.com', credentialGate: 'cred:github.com' },
    lockKey: `remote:${normalRemote(remoteUrl)}`,
  });
  const seen = { remoteTips: { main: OLD }, lastSafeAt: 1 };
  await saveFacts(fixture.db, projectId, { ...NO_FACTS, ...seen, ...facts });
  return projectId;
}

const jobOf = (projectId: ProjectId) => findJob(fixture.db, projectId);
const rowOf = async (projectId: ProjectId) => {
  const [row] = await fixture.db.run(
    `SELECT j.trigger_kind, j.ask_remote, j.want_gen FROM jobs j JOIN projects p ON p.id = j.project_id
     WHERE p.project_id = :projectId`,
    { projectId },
  );
  return row;
};
async function park(projectId: ProjectId, code: string): Promise<void> {
  await fixture.db.run(
    `INSERT INTO jobs(project_id, lane_id, lock_key, state, trigger_kind, want_gen, dirty_since, last_error, updated_at)
     SELECT id, lane_id, lock_key, 'parked', 'watch', 1, 1, :error, 1 FROM projects WHERE project_id = :projectId`,
    { projectId, error: JSON.stringify({ code, detail: 'd', action: 'a' }) },
  );
}

test('a ping shows that the webhook works; neither a token nor a known name is needed', async () => {
  const { status, body } = await deliver(
    { zen: 'Keep it simple.', hook_id: 7, repository: REPOSITORY },
    { event: 'ping', headers: { host: 'ferry.example.org', 'x-github-hook-id': '7' } },
  );
  expect(status).toBe(202);
  expect(body).toEqual({ success: true, outcome: 'ping', detail: expect.any(String), queued: [] });
});

test.each<[string, Sent & { drop?: true }]>([
  ['of another secret', { secret: 'another-secret-than-ours' }],
  ['of the wrong form', { headers: { 'x-hub-signature-256': 'sha1=00' } }],
  ['that is too short', { headers: { 'x-hub-signature-256': 'sha256=00' } }],
  ['that is missing', { headers: { 'x-hub-signature-256': '' } }],
])('a delivery with a signature %s is refused, and nothing is done', async (_what, sent) => {
  const projectId = await add('demo');
  const { status, body } = await deliver(push(), sent);
  expect(status).toBe(401);
  expect(body.code).toBe('webhook-signature-invalid');
  expect(JSON.stringify(body)).not.toContain(WEBHOOK_SECRET);
  expect(await jobOf(projectId)).toBeNull();
});

test('a body that was changed on its way fits no signature', async () => {
  const body = JSON.stringify(push());
  const signature = createHmac('sha256', WEBHOOK_SECRET).update(body).digest('hex');
  const changed = body.replace('refs/heads/main', 'refs/heads/evil');
  const headers = { 'x-hub-signature-256': `sha256=${signature}` };
  expect((await deliver(changed, { headers })).status).toBe(401);
  // A mark before the text belongs to what was signed.
  expect((await deliver(`\ufeff${body}`, { headers })).status).toBe(401);
});

test('a push by somebody else queues a sync that asks the remote, for every machine with that remote', async () => {
  const ours = await add('demo');
  const theirs = await add('demo-desk', { machineId: 'desk', url: 'git@github.com:Octo/demo.git' });
  const stranger = await add('other', { url: 'https://github.com/octo/demo2.git' });
  const { status, body } = await deliver(push());
  expect(status).toBe(202);
  expect(body).toMatchObject({ outcome: 'queued', detail: 'pushed refs/heads/main' });
  expect(body.queued.map((job: { projectId: string }) => job.projectId).sort()).toEqual(
    [ours, theirs].sort(),
  );
  expect(await rowOf(ours)).toMatchObject({ trigger_kind: 'webhook', ask_remote: 1 });
  expect(await rowOf(theirs)).toMatchObject({ trigger_kind: 'webhook', ask_remote: 1 });
  expect(await jobOf(stranger)).toBeNull();
});

test.each([
  [
    'a new branch',
    { ref: 'refs/heads/auto/notes', before: NONE, created: true },
    'created refs/heads/auto/notes',
  ],
  ['a forced branch', { forced: true }, 'forced refs/heads/main'],
  ['a deleted branch', { after: NONE, deleted: true }, 'deleted refs/heads/main'],
])('%s queues a sync', async (_what, more, detail) => {
  const projectId = await add('demo');
  expect((await deliver(push(more))).body).toMatchObject({
    outcome: 'queued',
    detail,
    queued: [{ projectId, jobId: expect.any(String) }],
  });
});

test.each<[string, object, Added, string]>([
  ['our own push, come back', { after: OLD }, {}, 'noted'],
  ['a branch that is not synced', { ref: 'refs/heads/theirs' }, {}, 'noted'],
  [
    'the deletion of what was never there',
    { ref: 'refs/heads/auto/x', after: NONE, deleted: true },
    {},
    'noted',
  ],
  ['a tag', { ref: 'refs/tags/v1', created: true }, {}, 'ignored'],
  ['a project that takes nothing in', {}, { github: { integrate: 'off' } }, 'noted'],
  ['a disabled project', {}, { github: { enabled: false } }, 'ignored'],
  ['a repository that is no project', { repository: repositoryOf('octo/none') }, {}, 'ignored'],
])('%s queues nothing', async (_what, more, added, outcome) => {
  const projectId = await add('demo', added);
  expect((await deliver(push(more))).body).toMatchObject({ outcome, queued: [] });
  expect(await jobOf(projectId)).toBeNull();
});

test('a delivery is acted upon once: sent again, or at once from two sides, it is a repetition', async () => {
  const projectId = await add('demo');
  const answers = await Promise.all([1, 2, 3].map(() => deliver(push(), { id: 'same' })));
  expect(answers.map(({ status }) => status)).toEqual([202, 202, 202]);
  expect(answers.map(({ body }) => body.outcome).sort()).toEqual(['queued', 'repeated', 'repeated']);
  expect((await deliver(push(), { id: 'same' })).body.outcome).toBe('repeated');
  expect(await rowOf(projectId)).toMatchObject({ want_gen: 1 });
});

test('a delivery that could not be acted upon may come again', async () => {
  const projectId = await add('demo');
  await fixture.db.run('ALTER TABLE jobs RENAME TO jobs_away');
  expect((await deliver(push(), { id: 'again' })).status).toBe(500);
  await fixture.db.run('ALTER TABLE jobs_away RENAME TO jobs');
  expect((await deliver(push(), { id: 'again' })).body.outcome).toBe('queued');
  expect((await jobOf(projectId))?.state).toBe('scheduled');
});

test('old deliveries are forgotten', async () => {
  await deliver(push(), { id: 'old' });
  await fixture.db.run('UPDATE webhook_deliveries SET received_at = received_at - 8 * 86400000');
  await deliver(push(), { id: 'young' });
  const rows = await fixture.db.run('SELECT delivery_id FROM webhook_deliveries');
  expect(rows.map((row) => row.delivery_id)).toEqual(['young']);
});

test.each(['star', 'workflow_run', 'something_new'])('%s is answered and ignored', async (event) => {
  const { status, body } = await deliver({ action: 'created' }, { event });
  expect(status).toBe(202);
  expect(body).toMatchObject({ outcome: 'ignored', queued: [] });
});

test('deliveries may be forms, as hosts send them by default', async () => {
  const projectId = await add('demo');
  const { body } = await deliver(push(), { form: true });
  expect(body.queued).toEqual([{ projectId, jobId: expect.any(String) }]);
});

test.each<[string, unknown, Sent, number, RegExp]>([
  ['no JSON', '{"ref":', {}, 400, /not valid JSON/],
  ['a push without a ref', { repository: REPOSITORY }, {}, 400, /ref: /],
  ['no event', push(), { headers: { 'x-github-event': '' } }, 400, /X-GitHub-Event/],
  ['no id', push(), { headers: { 'x-github-delivery': '' } }, 400, /X-GitHub-Delivery/],
  ['a strange id', push(), { headers: { 'x-github-delivery': "a';--" } }, 400, /X-GitHub-Delivery/],
  ['too much', { ref: 'x'.repeat(1024 * 1024) }, {}, 413, /larger than/],
])('a signed delivery with %s gets a clear error', async (_what, payload, sent, status, detail) => {
  const answer = await deliver(payload, sent);
  expect(answer.status).toBe(status);
  expect(answer.body.detail).toMatch(detail);
});

test('a rename makes projects of the old name look again, also parked ones, and the feed tells of it', async () => {
  const projectId = await add('demo', { url: 'https://github.com/octo/old.git' });
  await park(projectId, 'repository-not-found');
  const { body } = await deliver(
    {
      action: 'renamed',
      repository: repositoryOf('octo/new'),
      changes: { repository: { name: { from: 'old' } } },
    },
    { event: 'repository' },
  );
  expect(body).toMatchObject({ outcome: 'queued', detail: 'octo/old is now octo/new.' });
  expect((await jobOf(projectId))?.state).not.toBe('parked');
  const events = await readEvents(fixture.db, { after: 0, limit: 100 });
  expect(events.find(({ type }) => type === 'notice')).toMatchObject({
    projectId,
    data: { detail: 'octo/old is now octo/new.' },
  });
});

test('a transfer is known by its former owner', async () => {
  const projectId = await add('demo', { url: 'https://github.com/ada/demo.git' });
  const { body } = await deliver(
    {
      action: 'transferred',
      repository: repositoryOf('octo/demo'),
      changes: { owner: { from: { user: { login: 'ada' } } } },
    },
    { event: 'repository' },
  );
  expect(body.queued).toEqual([{ projectId, jobId: expect.any(String) }]);
});

test('an archived repository stays parked; unarchived, its project goes on', async () => {
  const projectId = await add('demo');
  await park(projectId, 'repository-archived');
  const event = 'repository';
  await deliver({ action: 'archived', repository: REPOSITORY }, { event });
  expect((await jobOf(projectId))?.state).toBe('parked');
  await deliver({ action: 'unarchived', repository: REPOSITORY }, { event });
  expect((await jobOf(projectId))?.state).not.toBe('parked');
});

const installation = { account: { login: 'octo' }, html_url: 'https://github.com/settings/installations/1' };

test('an app that may reach repositories again lets their projects go on; what a person must mend stays', async () => {
  const refused = await add('demo');
  await park(refused, 'credential-rejected');
  const secret = await add('two', { url: 'https://github.com/octo/two.git' });
  await park(secret, 'push-rejected-secret');
  const elsewhere = await add('three', { url: 'https://github.com/octopus/three.git' });
  const { body } = await deliver({ action: 'unsuspend', installation }, { event: 'installation' });
  expect(body.outcome).toBe('queued');
  expect((await jobOf(refused))?.state).not.toBe('parked');
  expect((await jobOf(secret))?.state).toBe('parked');
  expect(await jobOf(elsewhere)).toBeNull();
});

test('repositories that were taken from the app are looked at, by name', async () => {
  const named = await add('demo');
  const other = await add('two', { url: 'https://github.com/octo/two.git' });
  const { body } = await deliver(
    {
      ...{ action: 'removed', installation },
      repositories_added: [],
      repositories_removed: [{ full_name: 'octo/Demo' }],
    },
    { event: 'installation_repositories' },
  );
  expect(body.queued).toEqual([{ projectId: named, jobId: expect.any(String) }]);
  expect(await jobOf(other)).toBeNull();
});
