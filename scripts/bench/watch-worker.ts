// Watches one tree in a process of its own, as ours, with `fs.watch` a folder or with chokidar as usual, and tells when
// it is ready and what it was told. Driven by messages.

import { type FSWatcher, watch as watchFolder } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, relative } from 'node:path';
import type { ProjectId } from '../../src/model/ids.ts';
import type { Project } from '../../src/model/project.ts';
import type { WatcherName } from './watch.ts';

/** `at` is on the wall clock, with fractions of a millisecond. Paths are relative to the tree. */
export type Told = { at: number; paths: readonly string[] | 'all' };
export type WatchOrder = { call: 'take' };
export type WatchAnswer = { kind: 'ready'; tookMs: number } | { kind: 'told'; told: Told[] };

const [given = '', root = ''] = process.argv.slice(2);
const name = given as WatcherName;
let told: Told[] = [];
const tell = (paths: Told['paths']) =>
  void told.push({ at: performance.timeOrigin + performance.now(), paths });

async function start(): Promise<() => Promise<unknown>> {
  switch (name) {
    case 'gitferry':
      return startOurs();
    case 'fs.watch':
      return startPlain();
    case 'chokidar':
      return startChokidar();
    default:
      throw new Error(`There is no watcher "${name satisfies never}".`);
  }
}

/** With the rules of the repository, as in the service. Loaded here, so that the others' memory is their own. */
async function startOurs() {
  const { createWatcher } = await import('../../src/watch/watcher.ts');
  const { createIgnoreCache } = await import('../../src/runner/ignore-cache.ts');
  const { systemClock } = await import('../../src/host/clock.ts');
  const { silentLog } = await import('../../src/host/log.ts');
  const ignores = createIgnoreCache({ env: process.env, homeDir: homedir() });
  const projectId = 'bench' as ProjectId;
  // The cache looks at no more of a project than this.
  const project = { projectId, path: root } as Project;
  const watcher = createWatcher({
    // As on Node, which lends neither.
    ...{ watchTree: null, openFolderEvents: null, clock: systemClock, log: silentLog },
    isIgnored: (_id, path, isFolder) => ignores.isIgnored(project, path, isFolder),
    onDirty: ({ paths }) => tell(paths),
    onGitChange() {},
    onDegraded: ({ degradedReason }) => fail(new Error(String(degradedReason))),
  });
  const gitDir = join(root, '.git');
  await watcher.add({ projectId, path: root, gitDir, commonDir: gitDir });
  return () => watcher.close();
}

async function startPlain() {
  const watches: FSWatcher[] = [];
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const below = entries
    .filter((entry) => entry.isDirectory())
    .map(({ parentPath, name }) => join(parentPath, name));
  for (const folder of [root, ...below.filter((path) => !path.includes('/.git'))]) {
    const from = relative(root, folder);
    watches.push(watchFolder(folder, (_kind, entry) => tell([join(from, entry ?? '')])));
  }
  return async () => {
    for (const watch of watches) watch.close();
  };
}

async function startChokidar() {
  const { watch } = await import('chokidar');
  const watcher = watch(root, { ignored: /\/\.git(\/|$)/, ignoreInitial: true });
  watcher.on('all', (_kind, path) => tell([relative(root, path)]));
  watcher.on('error', fail);
  await new Promise<void>((resolve) => watcher.once('ready', () => resolve()));
  return () => watcher.close();
}

function fail(error: unknown): void {
  console.error(error);
  process.exit(1);
}

const say = (answer: WatchAnswer) => process.send?.(answer);
const began = performance.now();
const stop = await start();
process.on('message', (_order: WatchOrder) => {
  say({ kind: 'told', told });
  told = [];
});
process.once('disconnect', () => void stop().finally(() => process.exit()));
say({ kind: 'ready', tookMs: performance.now() - began });
