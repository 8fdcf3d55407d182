// What only a host's API tells: that a repository has another name, and that it is archived.

import { mkdir, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createGitRepo } from '../support/git-repo.ts';
import { type HostApi, startHostApi } from '../support/host-api.ts';
import { beginJourney, expectTwins, type Journey, untilRemoteHas } from '../support/journey.ts';

let journey: Journey;
let host: HostApi;
beforeEach(async () => {
  [journey, host] = [await beginJourney(), await startHostApi()];
});
afterEach(async () => {
  await journey.end();
  await host.stop();
});

function withApi(remoteUrl: string): Record<string, string> {
  const name = new URL(remoteUrl).host;
  const apis = { SYNC_GITHUB_APIS: JSON.stringify({ [name]: host.url }) };
  return { ...apis, SYNC_TOKENS: JSON.stringify({ [name]: 'a-token' }), SYNC_POLL_INTERVAL_MS: '1000' };
}

test('a repository whose new name only the API tells is followed, for pushes and for what others push', async () => {
  const project = await journey.addProject('octo/blog');
  const service = await journey.start({ folders: [project.path], env: withApi(project.remoteUrl) });
  await service.untilState('blog', 'safe');
  // No redirect: to git the old address is one of nothing.
  const moved = { ...project, remotePath: join(journey.server.root, 'acme/journal.git') };
  await mkdir(dirname(moved.remotePath));
  await rename(project.remotePath, moved.remotePath);
  host.rename('octo/blog', 'acme/journal');
  await project.repo.write('a.md', 'a\n');
  await untilRemoteHas(journey, moved, 'a.md', 'a\n');
  const shown = await service.untilState('blog', 'safe');
  expect(shown.remotes[0]).toMatchObject({
    ...{ url: project.remoteUrl, movedTo: `${journey.server.url}/acme/journal.git`, stateReason: null },
  });
  const { history } = (await service.api('GET', '/api/sync/history/blog')).body;
  const followed = history.filter(({ error }: { error: { code: string } | null }) => error !== null);
  expect(followed).toMatchObject([
    {
      status: 'retrying',
      error: { code: 'repository-renamed', action: expect.stringContaining('followed') },
    },
  ]);
  expect((await project.repo.git('remote', 'get-url', 'origin')).trim()).toBe(project.remoteUrl);
  // The remote is asked at its new address too.
  const other = await createGitRepo({ clone: moved.remotePath });
  await other.write('theirs.md', 'theirs\n');
  await other.git('add', '--all');
  await other.git('commit', '--quiet', '--message', 'theirs');
  await other.git('push', '--quiet', 'origin', 'main');
  await other.remove();
  await service.until('their file', async () => (await project.repo.git('ls-files')).includes('theirs.md'));
  await service.untilState('blog', 'safe');
  await expectTwins(moved);
});

test('an archived repository pauses its project, which a person is told of, until it is resumed', async () => {
  const project = await journey.addProject('octo/blog');
  const service = await journey.start({ folders: [project.path], env: withApi(project.remoteUrl) });
  await service.untilState('blog', 'safe');
  const refused = {
    kind: 'status',
    status: 403,
    body: 'Permission to octo/blog.git denied to ada.',
  } as const;
  journey.server.inject(/receive-pack/, refused, Number.POSITIVE_INFINITY);
  host.archived.add('octo/blog');
  await project.repo.write('a.md', 'a\n');
  const shown = await service.untilState('blog', 'paused');
  expect(shown).toMatchObject({
    ...{ unpushedCommits: 1, pausedUntil: null, job: { state: 'parked' } },
    stateReason: { code: 'repository-archived', action: expect.stringMatching(/Unarchive .* resume it/) },
  });
  const { body } = await service.api('GET', '/api/sync/status');
  expect(body.status.projects).toEqual({ total: 1, safe: 0, pending: 0, needsAttention: 1 });
  journey.server.clearFaults();
  host.archived.clear();
  expect((await service.api('POST', '/api/sync/projects/blog/resume')).status).toBe(200);
  await service.untilState('blog', 'safe');
  await expectTwins(project);
});
