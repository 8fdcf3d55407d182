// Bad input and refusing remotes: each has a name, a reason and a way out, and nothing is lost.

import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { beginJourney, expectTwins, type Journey, projectFile, untilRemoteHas } from '../support/journey.ts';

let journey: Journey;
beforeEach(async () => {
  journey = await beginJourney();
});
afterEach(async () => {
  await journey.end();
});

const hostOf = (url: string) => new URL(url).host;

test('a wrong token blocks the project with its reason; the right one after a restart goes on', async () => {
  journey.server.requireToken('right-token');
  const project = await journey.addProject('private');
  const tokens = (token: string) => ({
    SYNC_TOKENS: JSON.stringify({ [hostOf(journey.server.url)]: token }),
  });
  const first = await journey.start({ folders: [project.path], env: tokens('wrong-token') });
  const shown = await first.untilState('private', 'blocked');
  expect(shown.stateReason.code).toBe('credential-rejected');
  expect(shown.stateReason.action).toMatch(/token/i);
  expect(shown.job.state).toBe('parked');
  const everything = JSON.stringify([shown, (await first.api('GET', '/api/sync/config')).body, first.output]);
  expect(everything).not.toContain('wrong-token');
  await first.stop();

  const second = await journey.start({ env: tokens('right-token') });
  await second.untilState('private', 'safe');
  await expectTwins(project);
});

test('without any token the project says which setting is missing', async () => {
  journey.server.requireToken('needed');
  const project = await journey.addProject('private');
  const service = await journey.start({ folders: [project.path] });
  const shown = await service.untilState('private', 'blocked');
  expect(shown.stateReason.code).toBe('credential-missing');
});

test('429 with Retry-After pauses the account, costs no attempt, and then works', async () => {
  const project = await journey.addProject('busy');
  const service = await journey.start({ folders: [project.path] });
  await service.untilState('busy', 'safe');
  const limited = {
    kind: 'status',
    status: 429,
    headers: { 'retry-after': '2' },
    body: 'slow down',
  } as const;
  journey.server.inject(/receive-pack/, limited);
  const sentBefore = journey.server.requests.length;
  await project.repo.write('a.md', 'a\n');
  await service.untilState('busy', 'rate-limited');
  const { body } = await service.api('GET', '/api/sync/status');
  expect(body.status.gates[0]).toMatchObject({
    reason: 'rate-limited',
    key: `cred:${hostOf(journey.server.url)}`,
  });
  const queue = (await service.api('GET', '/api/sync/queue')).body;
  expect(queue.queue[0]).toMatchObject({
    projectId: 'busy',
    attempt: 0,
    waitingFor: body.status.gates[0] && `gate:${body.status.gates[0].key}`,
  });
  await untilRemoteHas(journey, project, 'a.md', 'a\n');
  await service.untilState('busy', 'safe');
  const [refused, next] = journey.server.requests.slice(sentBefore);
  expect((next?.at ?? 0) - (refused?.at ?? 0)).toBeGreaterThanOrEqual(2_000);
});

test.each([
  ['403', { kind: 'status', status: 403, body: 'Permission to u/r.git denied to bot.' }, 'push-forbidden'],
  ['404', { kind: 'status', status: 404, body: 'Repository not found.' }, 'repository-not-found'],
] as const)(
  'a remote that answers %s is told as such and not asked again and again',
  async (_name, fault, code) => {
    const project = await journey.addProject('refused');
    journey.server.inject(/./, fault, Number.POSITIVE_INFINITY);
    const service = await journey.start({ folders: [project.path] });
    const shown = await service.untilState('refused', 'blocked');
    expect(shown.stateReason.code).toBe(code);
    journey.server.clearFaults();
    expect((await service.api('POST', '/api/sync/trigger/refused', { immediate: true })).status).toBe(202);
    await service.untilState('refused', 'safe');
  },
);

test('without integration a remote that is ahead is a conflict; the person pulls, and syncing goes on', async () => {
  const project = await journey.addProject('shared');
  await project.repo.write(
    'project.json',
    projectFile({ quietMs: 100, minIntervalMs: 0 }, { integrate: 'off' }),
  );
  const service = await journey.start({ folders: [project.path] });
  await service.untilState('shared', 'safe');
  const other = await (await import('../support/git-repo.ts')).createGitRepo({ clone: project.remotePath });
  await other.write('theirs.md', 'theirs\n');
  await other.git('add', '--all');
  await other.git('commit', '--quiet', '--message', 'theirs');
  await other.git('push', '--quiet', 'origin', 'main');

  await project.repo.write('ours.md', 'ours\n');
  const shown = await service.untilState('shared', 'conflict');
  expect(shown.stateReason.action).toContain('git pull --rebase');
  await project.repo.git('-c', 'http.extraHeader=', 'pull', '--quiet', '--rebase', 'origin', 'main');
  await untilRemoteHas(journey, project, 'ours.md', 'ours\n');
  await service.untilState('shared', 'safe');
  await expectTwins(project);
  await other.remove();
});

test('a broken project.json is never overwritten; it blocks with the position, and repairing it goes on', async () => {
  const project = await journey.addProject('broken');
  const service = await journey.start({ folders: [project.path] });
  await service.untilState('broken', 'safe');
  const file = join(project.path, 'project.json');
  await writeFile(file, '{\n  "version": 2,\n  "github": { oops }\n}\n');
  const shown = await service.untilState('broken', 'blocked');
  expect(shown.stateReason.code).toBe('project-file-invalid');
  expect(shown.stateReason.detail).toMatch(/line 3/);
  const patched = await service.api('PATCH', '/api/sync/projects/broken', { github: { mode: 'push' } });
  expect(patched.body.code).toBe('project-file-invalid');
  await writeFile(file, projectFile({ quietMs: 100, minIntervalMs: 0 }));
  await project.repo.write('on.md', 'on\n');
  await untilRemoteHas(journey, project, 'on.md', 'on\n');
  await service.untilState('broken', 'safe');
});

test('a folder that vanishes is missing, never an empty commit, and is safe again when it is back', async () => {
  const project = await journey.addProject('gone');
  const service = await journey.start({ folders: [project.path], env: { SYNC_SCAN_INTERVAL: '1000' } });
  await service.untilState('gone', 'safe');
  const tip = await journey.server.refOf(project.remotePath, 'refs/heads/main');
  await rename(project.path, `${project.path}-away`);
  await service.untilState('gone', 'missing');
  expect(await journey.server.refOf(project.remotePath, 'refs/heads/main')).toBe(tip);
  await rename(`${project.path}-away`, project.path);
  await service.untilState('gone', 'safe');
});

test('a merge in progress blocks, and syncing goes on by itself when it is over', async () => {
  const project = await journey.addProject('merge', { 'a.txt': '1\n' });
  await project.repo.git('switch', '--quiet', '--create', 'side');
  await project.repo.write('a.txt', 'side\n');
  await project.repo.git('commit', '--quiet', '--all', '--message', 'side');
  await project.repo.git('switch', '--quiet', 'main');
  await project.repo.write('a.txt', 'main\n');
  await project.repo.git('commit', '--quiet', '--all', '--message', 'main');
  const service = await journey.start({ folders: [project.path] });
  await service.untilState('merge', 'safe');
  await project.repo.git('merge', 'side').catch(() => undefined);
  const shown = await service.untilState('merge', 'blocked');
  expect(shown.stateReason.code).toBe('merge-in-progress');
  await project.repo.write('a.txt', 'both\n');
  await project.repo.git('commit', '--quiet', '--all', '--message', 'both');
  await untilRemoteHas(journey, project, 'a.txt', 'both\n');
  await service.untilState('merge', 'safe');
  expect(await project.repo.git('log', '--merges', '--oneline')).not.toBe('');
});

test('a refusal in words that nobody knows is tried once more, then told in the words of the remote', async () => {
  const project = await journey.addProject('moon');
  const service = await journey.start({ folders: [project.path] });
  await service.untilState('moon', 'safe');
  const token = `ghp_${'a1B2'.repeat(9)}`;
  await journey.server.refuse(project.remotePath, {
    reason: 'the moon is full',
    message: `try https://ada:${token}@example.com/ tomorrow\n`,
  });
  await project.repo.write('a.md', 'a\n');
  const shown = await service.untilState('moon', 'blocked');
  expect(shown.job.state).toBe('parked');
  expect(shown.stateReason.code).toBe('push-rejected');
  expect(shown.stateReason.detail).toMatch(/the moon is full.*tomorrow/);
  const { history } = (await service.api('GET', '/api/sync/history/moon')).body;
  const told = history.filter(
    ({ error }: { error: { code: string } | null }) => error?.code === 'push-rejected',
  );
  expect(told.map(({ status, attempt }: { status: string; attempt: number }) => [status, attempt])).toEqual([
    ['failed', 2],
    ['retrying', 1],
  ]);
  expect(JSON.stringify([shown, history, service.output])).not.toContain(token);
  await journey.server.accept(project.remotePath);
  await service.api('POST', '/api/sync/trigger/moon', { immediate: true });
  await service.untilState('moon', 'safe');
  await expectTwins(project);
});
