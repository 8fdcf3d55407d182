// What was saved is never lost: over restarts, kill -9 and offline times.

import { afterEach, beforeEach, expect, test } from 'vitest';
import { beginJourney, expectTwins, type Journey, untilRemoteHas } from '../support/journey.ts';

let journey: Journey;
beforeEach(async () => {
  journey = await beginJourney();
});
afterEach(async () => {
  await journey.end();
});

test('what changed while the service was off is found at its start', async () => {
  const project = await journey.addProject('notes');
  const first = await journey.start({ folders: [project.path] });
  await first.untilState('notes', 'safe');
  expect(await first.stop()).toBe(0);

  await project.repo.write('offline.md', 'written while off\n');
  const second = await journey.start();
  await untilRemoteHas(journey, project, 'offline.md', 'written while off\n');
  await second.untilState('notes', 'safe');
  await expectTwins(project);
});

test('what was saved on a detached HEAD while the service was off reaches the remote, and scans rest then', async () => {
  const project = await journey.addProject('apart');
  const first = await journey.start({ folders: [project.path] });
  await first.untilState('apart', 'safe');
  const tip = (await project.repo.git('rev-parse', 'HEAD')).trim();
  const branch = `auto/detached-${tip.slice(0, 12)}`;
  await project.repo.git('switch', '--quiet', '--detach');
  await project.repo.write('first.md', 'while on\n');
  await untilRemoteHas(journey, project, 'first.md', 'while on\n', { branch });
  await first.untilState('apart', 'blocked');
  expect(await first.stop()).toBe(0);

  await project.repo.write('second.md', 'while off\n');
  const second = await journey.start();
  await untilRemoteHas(journey, project, 'second.md', 'while off\n', { branch });
  const scan = async (immediate: boolean) =>
    (await second.api('POST', '/api/sync/trigger', { immediate })).body;
  await second.until('a scan that finds nothing new', async () => {
    const { skipped } = await scan(false);
    return skipped[0]?.reason === 'blocked';
  });
  expect((await scan(false)).queued).toEqual([]);
  expect((await scan(true)).queued).toMatchObject([{ projectId: 'apart' }]);
});

test('kill -9 in the middle of a push loses nothing and leaves no lock', async () => {
  const project = await journey.addProject('notes');
  const first = await journey.start({ folders: [project.path] });
  await first.untilState('notes', 'safe');

  const held = journey.server.inject(/POST .*git-receive-pack/, { kind: 'held' });
  await project.repo.write('cut.md', 'in the middle\n');
  await held.met;
  await first.kill();
  held.release();

  const second = await journey.start();
  await untilRemoteHas(journey, project, 'cut.md', 'in the middle\n');
  await second.untilState('notes', 'safe');
  await expectTwins(project);
  const { body } = await second.api('GET', '/api/sync/history/notes?status=crashed');
  expect(body.history).toHaveLength(1);
});

test('a push whose answer was lost is not pushed twice', async () => {
  const project = await journey.addProject('notes');
  const service = await journey.start({ folders: [project.path] });
  await service.untilState('notes', 'safe');
  // Deno's fetch sends a lost request once more by itself; the expected old tip makes that harmless.
  journey.server.inject(/POST .*git-receive-pack/, { kind: 'answer-lost' });
  await project.repo.write('once.md', 'only once\n');
  await untilRemoteHas(journey, project, 'once.md', 'only once\n');
  await service.until('the outcome of the push', async () => {
    const { body } = await service.api('GET', '/api/sync/history/notes');
    const [last] = body.history;
    return last.filesChanged === 1
      ? last.status === 'success'
      : last.trigger === 'retry' && last.status !== 'retrying';
  });
  await service.untilState('notes', 'safe');
  expect((await project.repo.git('log', '--format=%s', '--', 'once.md')).trim()).toBe('Add once.md');
  await expectTwins(project);
});

test('while the remote is away changes are committed here, and pushed when it is back', async () => {
  const project = await journey.addProject('notes');
  const service = await journey.start({ folders: [project.path] });
  await service.untilState('notes', 'safe');
  journey.server.inject(/receive-pack/, { kind: 'html' }, Number.POSITIVE_INFINITY);
  await service.api('POST', '/api/sync/trigger/notes', { immediate: true });
  await service.untilState('notes', 'offline');
  const { body } = await service.api('GET', '/api/sync/status');
  expect(body.status.gates).toEqual([expect.objectContaining({ reason: 'offline' })]);
  journey.server.clearFaults();
  await project.repo.write('later.md', 'kept\n');
  await untilRemoteHas(journey, project, 'later.md', 'kept\n');
  await service.untilState('notes', 'safe');
});

test('the feed goes on after a restart where it stopped', async () => {
  const project = await journey.addProject('notes');
  const first = await journey.start({ folders: [project.path] });
  await first.untilState('notes', 'safe');
  const before = await first.feed(0);
  await before.until((message) => message.type === 'run.finished', 'a finished run');
  const last = before.messages.at(-1).id;
  before.close();
  await first.stop();

  const second = await journey.start();
  const after = await second.feed(last);
  await project.repo.write('more.md', 'more\n');
  await after.until(
    (message) => message.type === 'run.finished' && message.data.filesChanged === 1,
    'the next run',
  );
  const ids = after.messages.map((message) => message.id).filter((id) => typeof id === 'number' && id > last);
  expect(ids).toEqual(Array.from({ length: ids.length }, (_, n) => last + 1 + n));
  after.close();
});
