// A real repository that is being watched, on whichever runtime runs the tests, and waiting for its hints.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../src/host/clock.ts';
import { loadHost } from '../../src/host/load.ts';
import { silentLog } from '../../src/host/log.ts';
import type { ProjectId } from '../../src/model/ids.ts';
import type { WatchedProject } from '../../src/watch/backend.ts';
import { createDirtyPaths } from '../../src/watch/dirty-paths.ts';
import { createWatcher, type DirtyHint, type Watcher, type WatcherDeps } from '../../src/watch/watcher.ts';
import { createGitRepo, type GitRepo } from '../support/git-repo.ts';

const { watchTree, openFolderEvents } = await loadHost();

const TIME_LIMIT_MS = 10_000;

/** Ignores `dist` folders and `*.log` files. */
const isIgnored: WatcherDeps['isIgnored'] = (_projectId, path, isFolder) =>
  isFolder ? path.split('/').includes('dist') : path.endsWith('.log');

export type Watched = {
  repo: GitRepo;
  watcher: Watcher;
  projectId: ProjectId;
  hints: DirtyHint[];
  gitChanges(): number;
  /** Everything told so far (and since `clear()`): paths, or "all". */
  told(): ReadonlySet<string> | 'all';
  clear(): void;
  /** Resolves when the condition holds; checked at each event. Rejects after a time limit. */
  until(what: string, condition: () => boolean): Promise<void>;
  /** Resolves when the path, one of its folders, or "all" was told. */
  untilTold(path: string): Promise<void>;
  /** Writes a file and waits for its hint: whatever happened before has been told by then. */
  flush(): Promise<void>;
  stop(): Promise<void>;
};

export function projectAt(path: string, projectId = 'blog' as ProjectId): WatchedProject {
  return { projectId, path, gitDir: join(path, '.git'), commonDir: join(path, '.git') };
}

type StartOptions = Partial<WatcherDeps> & {
  repo?: GitRepo;
  project?: (repo: GitRepo) => WatchedProject;
  prepare?: (repo: GitRepo) => Promise<void>;
};

export async function watchRepository(options: StartOptions = {}): Promise<Watched> {
  const { repo: given, project: projectOf, prepare, ...deps } = options;
  const repo = given ?? (await createGitRepo());
  await prepare?.(repo);
  const project = projectOf?.(repo) ?? projectAt(repo.path);
  const hints: DirtyHint[] = [];
  let gitChanges = 0;
  const checks = new Set<() => void>();
  const checkAll = () => {
    for (const check of [...checks]) check();
  };
  const watcher = createWatcher({
    ...{ watchTree, openFolderEvents },
    clock: systemClock,
    log: silentLog,
    isIgnored,
    onDirty(hint) {
      hints.push(hint);
      checkAll();
    },
    onGitChange() {
      gitChanges += 1;
      checkAll();
    },
    onDegraded: checkAll,
    ...deps,
  });
  const told = () => {
    const dirty = createDirtyPaths({ limit: 100_000 });
    for (const { projectId, paths } of hints) dirty.add(projectId, paths);
    return dirty.take(project.projectId) ?? new Set<string>();
  };
  const until = (what: string, condition: () => boolean) =>
    new Promise<void>((resolve, reject) => {
      const limit = setTimeout(() => {
        checks.delete(check);
        const known = told();
        const list = known === 'all' ? 'all' : [...known].slice(0, 20).join(', ');
        reject(
          new Error(`not within ${TIME_LIMIT_MS} ms: ${what}; told: ${list}; git changes: ${gitChanges}`),
        );
      }, TIME_LIMIT_MS);
      const check = () => {
        if (!condition()) return;
        checks.delete(check);
        clearTimeout(limit);
        resolve();
      };
      checks.add(check);
      check();
    });
  const untilTold = (path: string) => until(`${path} is told`, () => covers(told(), path));
  let flushes = 0;
  await watcher.add(project);
  return {
    repo,
    watcher,
    projectId: project.projectId,
    hints,
    gitChanges: () => gitChanges,
    told,
    clear: () => void hints.splice(0),
    until,
    untilTold,
    async flush() {
      flushes += 1;
      await repo.write(`flush-${flushes}.md`, 'x');
      await until('the flush is told', () => {
        const paths = told();
        return paths === 'all' || paths.has(`flush-${flushes}.md`);
      });
    },
    async stop() {
      await watcher.close();
      if (!given) await repo.remove();
    },
  };
}

/** Whether a hint names the path or a folder above it. */
export function covers(told: ReadonlySet<string> | 'all', path: string): boolean {
  if (told === 'all') return true;
  for (let at = path; at !== ''; at = at.slice(0, Math.max(0, at.lastIndexOf('/')))) {
    if (told.has(at)) return true;
  }
  return false;
}

/** The told paths without the files of `flush()`. */
export function without(told: ReadonlySet<string> | 'all'): string[] | 'all' {
  return told === 'all' ? 'all' : [...told].filter((path) => !path.startsWith('flush-')).sort();
}

/** Watches this process holds in the kernel (Linux). */
export function systemWatches(): number {
  let count = 0;
  for (const fd of readdirSync('/proc/self/fdinfo')) {
    try {
      count += readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8').match(/^inotify /gm)?.length ?? 0;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error; // closed meanwhile
    }
  }
  return count;
}
