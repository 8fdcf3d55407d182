import { closeSync, openSync, writeSync } from 'node:fs';
import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { loadHost } from '../../src/host/load.ts';
import type { OpenFolderEvents, WatchTree } from '../../src/host/types.ts';
import type { ProjectId } from '../../src/model/ids.ts';
import type { WatcherStatus } from '../../src/model/service.ts';
import { createFolderEventsSource } from '../../src/watch/folder-events.ts';
import { scanOnlyReason, watchLimitOf } from '../../src/watch/watch-limits.ts';
import { createGitRepo } from '../support/git-repo.ts';
import { createManualClock } from '../support/manual-clock.ts';
import { projectAt, type Watched, watchRepository } from './watched-project.ts';

const started: Watched[] = [];
const start = async (...args: Parameters<typeof watchRepository>) => {
  const watched = await watchRepository(...args);
  started.push(watched);
  return watched;
};
afterEach(async () => {
  for (const watched of started.splice(0)) await watched.stop();
});

const noSpace = () => Object.assign(new Error('ENOSPC: no space left, watch'), { code: 'ENOSPC' });

test.each([
  [Object.assign(new Error('x'), { code: 'ENOSPC' }), 'ENOSPC', 'fs.inotify.max_user_watches'],
  [new Error('OS file watch limit reached. about ["/a"]'), 'ENOSPC', 'fs.inotify.max_user_watches'],
  [Object.assign(new Error('x'), { code: 'EMFILE' }), 'EMFILE', 'fs.inotify.max_user_instances'],
  [new Error('Too many open files (os error 24)'), 'EMFILE', 'fs.inotify.max_user_instances'],
  [Object.assign(new Error('x'), { code: 'EPERM' }), 'EPERM', 'permission'],
  [Object.assign(new Error('odd fault'), { code: 'EIO' }), null, 'odd fault'],
  ['odd value', null, 'odd value'],
])('%s is the limit %s and its reason names %s', (error, limit, remedy) => {
  expect(watchLimitOf(error)).toBe(limit);
  expect(scanOnlyReason('/home/ada/blog', error)).toContain(remedy);
  expect(scanOnlyReason('/home/ada/blog', error)).toContain('/home/ada/blog is scanned and not watched');
});

test('a project whose folders exceed the watch limit is only scanned, with the sysctl named; others go on', async () => {
  const statuses: WatcherStatus[] = [];
  // A system that has no more watches for one of the two projects.
  const source = (await loadHost()).openFolderEvents ?? createFolderEventsSource({ onFlood: () => {} });
  const openFolderEvents: OpenFolderEvents = (handlers) => {
    const events = source(handlers);
    return {
      ...events,
      watch(folder) {
        if (folder.endsWith('/full/deep')) throw noSpace();
        return events.watch(folder);
      },
    };
  };
  const full = await createGitRepo();
  await mkdir(join(full.path, 'full/deep'), { recursive: true });
  const w = await start({ watchTree: null, openFolderEvents, onDegraded: (status) => statuses.push(status) });
  await w.watcher.add(projectAt(full.path, 'full' as ProjectId));

  expect(w.watcher.projectStatus('full' as ProjectId)).toEqual({
    mode: 'scan-only',
    reason: expect.stringMatching(/scanned and not watched: .*fs\.inotify\.max_user_watches/),
  });
  const status = w.watcher.status();
  expect(status).toMatchObject({ mode: 'events', watched: 1 });
  expect(status.degradedReason).toContain(full.path);
  expect(statuses).toEqual([status]);
  await w.repo.write('still.md', '1');
  await w.untilTold('still.md');
  await w.watcher.remove(w.projectId);
  expect(w.watcher.status()).toMatchObject({ mode: 'scan-only', watched: 0 });
  await full.remove();
});

test('a limit met while watching turns the project to scanning, after telling "all"', async () => {
  let fail: (error: unknown) => void = () => {};
  let closed = 0;
  const watchTree: WatchTree = (_root, { onError }) => {
    fail = onError;
    return {
      async close() {
        closed += 1;
      },
    };
  };
  const w = await start({ watchTree });
  fail(new Error('OS file watch limit reached'));
  expect(w.told()).toBe('all');
  expect(w.watcher.projectStatus(w.projectId)).toMatchObject({ mode: 'scan-only' });
  await w.watcher.close();
  expect(closed).toBe(1);
});

test('another error starts watching again and tells "all"; a second one within a minute gives up', async () => {
  const clock = createManualClock();
  const opened: ((error: unknown) => void)[] = [];
  const watchTree: WatchTree = (_root, { onError }) => {
    opened.push(onError);
    return { close: async () => {} };
  };
  const w = await start({ watchTree, clock });
  const failNow = async (expectedOpened: number) => {
    w.clear();
    opened.at(-1)?.(new Error('the watch ended'));
    await clock.advance(100);
    expect(w.told()).toBe('all');
    while (opened.length < expectedOpened) await nextTurn();
    expect(opened).toHaveLength(expectedOpened);
  };
  await failNow(2);
  await clock.advance(120_000);
  await failNow(3);
  await clock.advance(30_000);
  await failNow(3);
  expect(w.watcher.projectStatus(w.projectId)).toMatchObject({
    mode: 'scan-only',
    reason: expect.stringContaining('the watch ended'),
  });
});

test('events that the system dropped tell "all" each time and leave the project watched', async () => {
  let fail: (error: unknown) => void = () => {};
  let opened = 0;
  const watchTree: WatchTree = (_root, { onError }) => {
    fail = onError;
    opened += 1;
    return { close: async () => {} };
  };
  const w = await start({ watchTree });
  for (let round = 0; round < 5; round += 1) {
    w.clear();
    fail(new Error(`the system dropped events below ${w.repo.path}`));
    await w.until('all is told', () => w.told() === 'all');
  }
  expect(w.watcher.projectStatus(w.projectId)).toMatchObject({ mode: 'events' });
  expect(opened).toBe(1);
});

test('adding a scan-only project again tries to watch it again', async () => {
  let full = true;
  const watchTree: WatchTree = () => {
    if (full) throw noSpace();
    return { close: async () => {} };
  };
  const w = await start({ watchTree });
  expect(w.watcher.status().mode).toBe('scan-only');
  full = false;
  await w.watcher.add(projectAt(w.repo.path));
  expect(w.watcher.status()).toEqual({ mode: 'events', watched: 1, degradedReason: null });
});

test('more changed paths than the limit are told as "all"', async () => {
  let change: (paths: string[]) => void = () => {};
  const watchTree: WatchTree = (_root, { onChange }) => {
    change = onChange;
    return { close: async () => {} };
  };
  const w = await start({ watchTree });
  const paths = (count: number) => Array.from({ length: count }, (_, index) => `${w.repo.path}/p${index}`);
  change(paths(500));
  await w.until('the paths are told', () => w.hints.length > 0);
  expect(w.told()).toHaveLength(500);
  w.clear();
  change(paths(501));
  await w.until('all is told', () => w.told() === 'all');
});

test('a hint says how long ago the last of its changes came in', async () => {
  const clock = createManualClock();
  let looks = 0;
  const monotonic = () => {
    looks += 1;
    return clock.monotonic();
  };
  let change: (paths: string[]) => void = () => {};
  const watchTree: WatchTree = (_root, { onChange }) => {
    change = onChange;
    return { close: async () => {} };
  };
  const w = await start({ watchTree, clock: { ...clock, monotonic } });
  change([`${w.repo.path}/saved.md`]);
  await w.until('the first is told at once', () => w.hints.length === 1);
  await clock.advance(3);
  const before = looks;
  change([`${w.repo.path}/saved.md`]);
  while (looks === before) await nextTurn();
  await clock.advance(47);
  expect(w.hints.map(({ ageMs }) => ageMs)).toEqual([0, 47]);
});

test('a flood in one project compares all projects', async () => {
  const other = await createGitRepo();
  const w = await start();
  await w.watcher.add(projectAt(other.path, 'other' as ProjectId));
  const files = ['a', 'b'].map((name) => openSync(join(other.path, name), 'w'));
  for (let round = 0; round < 9_000; round += 1) for (const file of files) writeSync(file, 'x');
  for (const file of files) closeSync(file);
  for (const projectId of [w.projectId, 'other']) {
    await w.until('all is told', () =>
      w.hints.some((hint) => hint.projectId === projectId && hint.paths === 'all'),
    );
  }
  await w.watcher.close();
  await other.remove();
});

test.skipIf(process.getuid?.() === 0)('a folder without read permission is passed over', async () => {
  const w = await start({
    async prepare(repo) {
      await repo.write('closed/a.md', '1');
      await chmod(join(repo.path, 'closed'), 0);
    },
  });
  expect(w.watcher.projectStatus(w.projectId)).toMatchObject({ mode: 'events' });
  await w.repo.write('open.md', '1');
  await w.untilTold('open.md');
  await chmod(join(w.repo.path, 'closed'), 0o755);
});
