// Somebody else pushes to the same branch: both sides are brought together, or a person chooses.

import { afterEach, beforeEach, expect, test } from 'vitest';
import { createGitRepo, type GitRepo } from '../support/git-repo.ts';
import {
  beginJourney,
  expectTwins,
  type Journey,
  type JourneyProject,
  remoteFile,
  untilRemoteHas,
} from '../support/journey.ts';

let journey: Journey;
let other: GitRepo | null = null;
beforeEach(async () => {
  journey = await beginJourney();
});
afterEach(async () => {
  await journey.end();
  await other?.remove();
  other = null;
});

/** What a colleague pushes from a clone of their own. */
async function colleaguePushes(project: JourneyProject, file: string, content: string): Promise<void> {
  other ??= await createGitRepo({ clone: project.remotePath });
  await other.git('pull', '--quiet', 'origin', 'main');
  await other.write(file, content);
  await other.git('add', '--all');
  await other.git('commit', '--quiet', '--message', `theirs: ${file}`);
  await other.git('push', '--quiet', 'origin', 'main');
}

test('work of both sides is merged, pushed, and the files of the other side appear here', async () => {
  const project = await journey.addProject('shared', { 'a.md': 'a\n' });
  const service = await journey.start({ folders: [project.path] });
  await service.untilState('shared', 'safe');
  await colleaguePushes(project, 'theirs.md', 'theirs\n');
  await project.repo.write('ours.md', 'ours\n');
  await untilRemoteHas(journey, project, 'ours.md', 'ours\n');
  await service.untilState('shared', 'safe');
  expect(await project.repo.git('show', 'HEAD:theirs.md')).toBe('theirs\n');
  expect(await project.repo.git('log', '--merges', '--oneline')).not.toBe('');
  await expectTwins(project);
});

test('asked to sync, a project that is only behind is brought forward', async () => {
  const project = await journey.addProject('behind', { 'a.md': 'a\n' });
  const service = await journey.start({ folders: [project.path] });
  await service.untilState('behind', 'safe');
  await colleaguePushes(project, 'a.md', 'theirs\n');
  await service.api('POST', '/api/sync/trigger/behind', { immediate: true });
  await service.until(
    'their edit here',
    async () => (await project.repo.git('show', 'HEAD:a.md')) === 'theirs\n',
  );
  await service.untilState('behind', 'safe');
  await expectTwins(project);
});

test.each([
  ['mine', 'ours\n'],
  ['theirs', 'theirs\n'],
] as const)('a content conflict goes to a side branch and is resolved as %s', async (choice, content) => {
  const project = await journey.addProject('clash', { 'a.md': 'a\n' });
  const service = await journey.start({ folders: [project.path], env: { SYNC_MACHINE_ID: 'laptop' } });
  await service.untilState('clash', 'safe');
  await colleaguePushes(project, 'a.md', 'theirs\n');
  await project.repo.write('a.md', 'ours\n');
  const shown = await service.untilState('clash', 'conflict');
  expect(shown.stateReason.code).toBe('content-conflict');
  expect(shown.conflictFiles).toEqual([expect.objectContaining({ path: 'a.md' })]);
  expect(await remoteFile(project, 'a.md', 'sync/laptop/main')).toBe('ours\n');
  expect(await remoteFile(project, 'a.md')).toBe('theirs\n');

  const answer = await service.api('POST', '/api/sync/projects/clash/conflict', { choice });
  expect(answer.status).toBe(202);
  await untilRemoteHas(journey, project, 'a.md', content);
  const after = await service.untilState('clash', 'safe');
  expect(after.conflictFiles).toEqual([]);
  await expectTwins(project);
});

test('while a merge is in progress the work is on the remote as a snapshot', async () => {
  const project = await journey.addProject('merging', { 'a.txt': '1\n' });
  await project.repo.git('switch', '--quiet', '--create', 'side');
  await project.repo.write('a.txt', 'side\n');
  await project.repo.git('commit', '--quiet', '--all', '--message', 'side');
  await project.repo.git('switch', '--quiet', 'main');
  await project.repo.write('a.txt', 'main\n');
  await project.repo.git('commit', '--quiet', '--all', '--message', 'main');
  const service = await journey.start({ folders: [project.path] });
  await service.untilState('merging', 'safe');
  await project.repo.git('merge', 'side').catch(() => undefined);
  await project.repo.write('draft.md', 'unfinished\n');
  await service.untilState('merging', 'blocked');
  await untilRemoteHas(journey, project, 'draft.md', 'unfinished\n', { branch: 'auto/main' });
  expect(await project.repo.git('status', '--porcelain')).toContain('draft.md');
});

test('in mode snapshot HEAD and index stay, and the remote has the work on auto/main', async () => {
  const project = await journey.addProject('snaps', { 'a.txt': '1\n' });
  const settings = {
    enabled: true,
    syncBranches: ['*'],
    mode: 'snapshot',
    schedule: { quietMs: 100, minIntervalMs: 0 },
  };
  await project.repo.write('project.json', JSON.stringify({ version: 2, github: settings }));
  await project.repo.git('commit', '--quiet', '--all', '--message', 'settings');
  const head = await project.repo.git('rev-parse', 'HEAD');
  const service = await journey.start({ folders: [project.path] });
  await service.untilState('snaps', 'safe');
  await project.repo.write('b.txt', 'new\n');
  await untilRemoteHas(journey, project, 'b.txt', 'new\n', { branch: 'auto/main' });
  expect(await project.repo.git('rev-parse', 'HEAD')).toBe(head);
  expect(await project.repo.git('status', '--porcelain')).toBe('?? b.txt\n');
});
