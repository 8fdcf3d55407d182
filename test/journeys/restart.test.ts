// What was saved is never lost: over restarts, kill -9 and offline times.

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { FeedMessage } from '../../src/http/schemas/feed.ts';
import { readEvents } from '../http/feed-client.ts';
import { beginJourney, expectTwins, type Journey, untilRemoteHas } from '../support/journey.ts';
import type { RunningService } from '../support/service.ts';

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
  // A sync that is under way at that moment looks for itself.
  await second.until('a scan that somebody insists on', async () => {
    const { queued } = await scan(true);
    return queued[0]?.projectId === 'apart';
  });
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

test('the feed goes on after a restart where it stopped, as WebSocket and as server-sent events', async () => {
  const project = await journey.addProject('notes');
  const first = await journey.start({ folders: [project.path] });
  const socketBefore = await first.feed(0);
  const streamBefore = await streamOf(first, 0);
  await first.untilState('notes', 'safe');
  expect(await first.stop()).toBe(0);
  await streamBefore.finished;

  // What the end of the first and the start of the second say comes to neither while it is there.
  const second = await journey.start();
  const socketAfter = await second.feed(lastOf(socketBefore.messages));
  const streamAfter = await streamOf(second, lastOf(streamBefore.messages));
  await project.repo.write('more.md', 'more\n');
  const isNext = ({ type, data }: FeedMessage) => type === 'run.finished' && data.filesChanged === 1;
  await socketAfter.until(isNext, 'the next run');
  await vi.waitFor(() => expect(streamAfter.messages.some(isNext)).toBe(true), { timeout: 40_000 });
  for (const heard of [
    [...socketBefore.messages, ...socketAfter.messages],
    [...streamBefore.messages, ...streamAfter.messages],
  ]) {
    const events = heard.filter(({ type }) => type !== 'hello');
    expect(events.map(({ id }) => id)).toEqual(events.map((_, n) => n + 1));
    expect(events.map(({ type }) => type)).toContain('service.stopped');
  }
  socketAfter.close();
  await streamAfter.cancel();
});

const lastOf = (messages: readonly FeedMessage[]) => messages.at(-1)?.id ?? 0;

async function streamOf({ url }: RunningService, since: number) {
  const headers = { accept: 'text/event-stream', 'last-event-id': String(since) };
  return readEvents(await fetch(`${url}/api/sync/events`, { headers }));
}
