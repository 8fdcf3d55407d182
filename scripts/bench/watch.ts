// Watching one tree of many files: how soon it is ready, what it takes of the machine, and whether a burst of changes
// is told in full. Ours beside `fs.watch` a folder and chokidar as usual, each in a process of its own, in turns.

import { writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { createGitRepo } from '../../test/support/git-repo.ts';
import { addRun, type Figure, figuresOf, type Ratio, type Report, type Runs, ratioOf } from './figures.ts';
import { inotifyLimit, memoryMbOf, watchesOf } from './process-memory.ts';
import type { Told, WatchAnswer, WatchOrder } from './watch-worker.ts';
import { startWorker } from './worker-process.ts';

const WATCHERS = ['gitferry', 'fs.watch', 'chokidar'] as const;
export type WatcherName = (typeof WATCHERS)[number];

type Options = {
  runs: number;
  files: number;
  folders: number;
  /** So many files are written as fast as can be. */
  burst: number;
  say(text: string): void;
};

const JUDGED_FILES = 100_000;
const TARGET_MS = 1_000;
const TARGET_MB = 120;
/** The project's own folder, `.git`, and in it `refs`, `refs/heads` and what else says that a branch moved. */
const WATCHES_OF_A_PROJECT = 8;
const REST_MS = 1_500;
const LOOK_MS = 100;

export async function benchWatch(options: Options): Promise<Report> {
  const { runs, files, folders, say } = options;
  const root = await mkdtemp(join(tmpdir(), 'gitferry-bench-watch-'));
  const times: Runs = new Map();
  const notes: string[] = [];
  try {
    say(`making ${files} files in ${folders} folders …`);
    await makeTree(root, options);
    const names = WATCHERS.filter((name) => name !== 'chokidar' || fitsChokidar(files, notes));
    for (let run = 0; run < runs; run++) {
      const turn = run % names.length;
      for (const name of [...names.slice(turn), ...names.slice(0, turn)]) {
        say(`${name}: run ${run + 1} of ${runs} …`);
        const found = await watchOnce(name, root, run, options);
        for (const [what, value] of Object.entries(found)) addRun(times, `${name}: ${what}`, value);
      }
    }
  } finally {
    await rm(root, { recursive: true, force: true });
  }
  const figures = figuresOf(times);
  return { figures, ratios: ratiosOf(figures, options), notes };
}

const fileAt = (n: number, folders: number) => `folder-${n % folders}/file-${Math.floor(n / folders)}.txt`;

async function makeTree(root: string, { files, folders }: Options): Promise<void> {
  await createGitRepo({ path: root });
  for (let n = 0; n < folders; n++) await mkdir(join(root, `folder-${n}`), { recursive: true });
  for (let n = 0; n < files; n++) await writeFile(join(root, fileAt(n, folders)), 'as it was\n');
}

/** It takes a watch for every file. */
function fitsChokidar(files: number, notes: string[]): boolean {
  const limit = inotifyLimit('max_user_watches');
  if (limit === null || limit > files * 1.5) return true;
  notes.push(
    `NOT COMPARED with chokidar: fs.inotify.max_user_watches is ${limit}, and it needs one for every file`,
  );
  return false;
}

async function watchOnce(
  name: WatcherName,
  root: string,
  run: number,
  options: Options,
): Promise<Record<string, number>> {
  const worker = startWorker<WatchOrder, WatchAnswer>('./watch-worker.ts', [name, root]);
  try {
    const ready = await worker.next('ready');
    const [memory, watches] = [memoryMbOf(worker.pid)?.now, watchesOf(worker.pid)];
    const take = async () => (await worker.ask({ call: 'take' }, 'told')).told;
    const missed = await burst(root, run, options, take);
    return {
      ready: ready.tookMs,
      ...(memory !== undefined && { 'memory when ready, MB': memory }),
      ...(watches !== null && { 'watches, number': watches }),
      [`changes of ${options.burst} that were not told, number`]: missed,
    };
  } finally {
    await worker.end();
  }
}

/** Writes files as fast as can be; answers how many of them nobody told of after they were written. */
async function burst(
  root: string,
  run: number,
  { files, folders, burst: count }: Options,
  take: () => Promise<Told[]>,
): Promise<number> {
  /** When each was begun to be written, and when it was. What was told is taken out. */
  const untold = new Map<string, { from: number; to: number }>();
  const now = () => performance.timeOrigin + performance.now();
  const step = Math.max(1, Math.floor(files / count));
  for (let n = 0; n < count; n++) {
    const path = fileAt((n * step) % files, folders);
    const from = now();
    writeFileSync(join(root, path), `run ${run}, change ${n}\n`);
    untold.set(path, { from, to: now() });
  }
  for (let restSince = performance.now(); performance.now() - restSince < REST_MS && untold.size > 0; ) {
    await setTimeout(LOOK_MS);
    const told = await take();
    if (told.length > 0) restSince = performance.now();
    for (const { at, paths } of told) {
      for (const path of paths === 'all' ? [...untold.keys()] : paths) {
        const written = untold.get(path);
        if (written && at >= (paths === 'all' ? written.to : written.from)) untold.delete(path);
      }
    }
  }
  return untold.size;
}

function ratiosOf(figures: Record<string, Figure>, { files, folders, burst: count }: Options): Ratio[] {
  const judged = files >= JUDGED_FILES ? 1 : null;
  const of = (name: WatcherName, what: string) => figures[`${name}: ${what}`]?.median ?? Number.NaN;
  const most = (name: WatcherName, what: string) => figures[`${name}: ${what}`]?.most ?? Number.NaN;
  const missed = `changes of ${count} that were not told, number`;
  const memory = 'memory when ready, MB';
  const watches = of('gitferry', 'watches, number');
  const all = [
    ratioOf(`ready with ${files} files / ${TARGET_MS} ms`, of('gitferry', 'ready') / TARGET_MS, judged),
    ratioOf(`memory with ${files} files / ${TARGET_MB} MB`, of('gitferry', memory) / TARGET_MB, judged),
    ratioOf(
      `watches / (${folders} folders + ${WATCHES_OF_A_PROJECT} of the project)`,
      watches / (folders + WATCHES_OF_A_PROJECT),
      judged,
    ),
    ratioOf(`changes not told, in the worst run / ${count}`, most('gitferry', missed) / count, judged && 0),
  ];
  for (const name of WATCHERS.filter((other) => other !== 'gitferry')) {
    for (const what of ['ready', memory, 'watches, number']) {
      const ratio = of('gitferry', what) / of(name, what);
      all.push(ratioOf(`${what}: gitferry / ${name}`, ratio, null));
    }
    all.push(
      ratioOf(`changes not told, in the worst run of ${name} / ${count}`, most(name, missed) / count, null),
    );
  }
  // What cannot be read on this system is not judged.
  return all.filter(({ value }) => !Number.isNaN(value));
}
