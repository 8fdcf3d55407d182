// A scan of many clean projects that finds nothing to do, beside `git status` in each of them, in turns. Ours is the
// whole service: its API is asked for a scan and answers when it is over.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { lstatSync, readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { gitEnv } from '../../test/support/git-repo.ts';
import { startGitServer } from '../../test/support/git-server.ts';
import { type RunningService, startService } from '../../test/support/service.ts';
import { cpuMsOf, endedChildrenCpuMs } from './cpu-time.ts';
import { addRun, figuresOf, pairedRatio, type Ratio, type Report, type Runs, ratioOf } from './figures.ts';
import { type KnownProjects, MACHINE, makeKnownProjects } from './known-projects.ts';
import { memoryMbOf } from './process-memory.ts';

const JUDGED_PROJECTS = 1_000;
const JUDGED_FILES = 100;
const TO_GIT = 0.1;
const LIMIT_MS = 300_000;
/** A service knows a work tree when two scans so far apart found the same. */
const APART_MS = 3_000;

/** `sizes` are numbers of projects, each with every number of `files`. */
export async function benchScan(input: {
  runs: number;
  sizes: readonly number[];
  files: readonly number[];
  say(text: string): void;
}): Promise<Report> {
  const { runs, say } = input;
  const times: Runs = new Map();
  const ratios: Ratio[] = [];
  const all = input.sizes.flatMap((size) => input.files.map((files) => ({ size, files })));
  for (const { size, files } of all) {
    const folder = await mkdtemp(join(tmpdir(), 'gitferry-bench-scan-'));
    const server = await startGitServer();
    try {
      say(`making ${size} projects of ${files} files …`);
      const projects = await makeKnownProjects({ folder, projects: size, files, server });
      const service = await startScanned(projects);
      try {
        ratios.push(...(await compare({ service, projects, size, files, runs, say }, times)));
      } finally {
        await service.stop();
      }
    } finally {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    }
  }
  return { figures: figuresOf(times), ratios, notes: [] };
}

/** Every project is compared once; scans come when they are asked for. */
export async function startScanned({ dataDir }: KnownProjects): Promise<RunningService> {
  const service = await startService({
    dataDir,
    env: { SYNC_MACHINE_ID: MACHINE, SYNC_FSYNC: 'false', SYNC_SCAN_INTERVAL: '86400000' },
  });
  const feed = await service.feed(0);
  await feed.until(({ type }) => type === 'scan.finished', 'the first scan', LIMIT_MS);
  feed.close();
  return service;
}

export async function scanOnce(service: RunningService, size: number): Promise<void> {
  const { status, body } = await service.api('POST', '/api/sync/trigger');
  const isClean = status === 202 && body.scanned === size && body.queued.length === 0;
  if (!isClean)
    throw new Error(`a scan of ${size} clean projects answered ${status}: ${JSON.stringify(body)}`);
}

type Comparison = {
  service: RunningService;
  projects: KnownProjects;
  size: number;
  files: number;
  runs: number;
  say(text: string): void;
};

async function compare(
  { service, projects, size, files, runs, say }: Comparison,
  times: Runs,
): Promise<Ratio[]> {
  const ours = { wall: [] as number[], cpu: [] as number[] };
  const gits = { wall: [] as number[], cpu: [] as number[] };
  const bare: number[] = [];
  const memory: number[] = [];
  const scan = () =>
    timed(
      () => scanOnce(service, size),
      () => cpuMsOf(service.pid),
    );
  const status = () => timed(() => gitStatusInEach(projects.paths), endedChildrenCpuMs);
  if (files >= JUDGED_FILES) {
    // Git writes some indexes anew when it looks for the first time; after that ours has to look twice.
    await gitStatusInEach(projects.paths);
    await scanOnce(service, size);
    await setTimeout(APART_MS);
    await scanOnce(service, size);
  }
  // One round more than counts: the first warms caches on both sides.
  for (let round = 0; round <= runs; round++) {
    say(`scan of ${size} projects: round ${round} of ${runs} …`);
    const [our, git] =
      round % 2 === 0 ? [await scan(), await status()] : (await inTurn(status, scan)).reverse();
    const looked = await timed(async () => lookAtEach(projects.paths), endedChildrenCpuMs);
    if (round === 0 || our === undefined || git === undefined) continue;
    bare.push(looked.wallMs);
    memory.push(memoryMbOf(service.pid)?.now ?? Number.NaN);
    for (const [side, one] of [
      [ours, our],
      [gits, git],
    ] as const) {
      side.wall.push(one.wallMs);
      side.cpu.push(one.cpuMs);
    }
  }
  const what = `scan of ${size} clean projects of ${files} files`;
  for (const value of ours.wall) addRun(times, `${what}: gitferry`, value);
  for (const value of gits.wall) addRun(times, `${what}: git status in each`, value);
  for (const value of bare) addRun(times, `${what}: each file looked at, nothing else`, value);
  for (const value of memory) addRun(times, `${what}: memory of the service after a scan, MB`, value);
  const judged = size >= JUDGED_PROJECTS && files >= JUDGED_FILES;
  return [
    ratioOf(`${what}: gitferry / git status`, pairedRatio(ours.wall, gits.wall), judged ? TO_GIT : null),
    ratioOf('  each file looked at, nothing else / git status', pairedRatio(bare, gits.wall), null),
    ratioOf('  processor time: gitferry / git status', pairedRatio(ours.cpu, gits.cpu), null),
  ];
}

async function inTurn<T>(first: () => Promise<T>, second: () => Promise<T>): Promise<T[]> {
  return [await first(), await second()];
}

async function timed(act: () => Promise<void>, cpu: () => number | null) {
  const before = cpu();
  const began = performance.now();
  await act();
  const wallMs = performance.now() - began;
  return { wallMs, cpuMs: (cpu() ?? Number.NaN) - (before ?? Number.NaN) };
}

/** One shell for all of them, so that only git is measured. Waited for: a held-up loop would miss that the service hangs up. */
async function gitStatusInEach(paths: readonly string[]): Promise<void> {
  const script = 'while read -r path; do git -C "$path" status --porcelain || exit 1; done';
  const shell = spawn('sh', ['-c', script], { env: gitEnv(), stdio: ['pipe', 'pipe', 'inherit'] });
  shell.stdin.end(`${paths.join('\n')}\n`);
  let out = '';
  shell.stdout.on('data', (data) => {
    out += data;
  });
  const [code] = await once(shell, 'close');
  if (code !== 0) throw new Error(`git status ended with ${code}`);
  if (out !== '') throw new Error(`git calls a clean project changed: ${out.slice(0, 200)}`);
}

/** What no scan from this runtime can be faster than: each folder listed and each entry looked at once, by blocking calls. */
function lookAtEach(paths: readonly string[]): void {
  const waiting = [...paths];
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (entry.name === '.git') continue;
      const path = join(folder, entry.name);
      lstatSync(path);
      if (entry.isDirectory()) waiting.push(path);
    }
  }
}
