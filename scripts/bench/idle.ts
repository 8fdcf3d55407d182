// What many projects cost while nobody works on them: our service, its scan every five minutes included, beside one
// gitwatch for each. Both are there at the same time, and idle in the same windows.

import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { SETTINGS } from '../../src/config/settings.ts';
import { startGitServer } from '../../test/support/git-server.ts';
import type { RunningService } from '../../test/support/service.ts';
import { cpuMsOf } from './cpu-time.ts';
import { addRun, type Figure, figuresOf, type Ratio, type Report, type Runs, ratioOf } from './figures.ts';
import { type IdlePeers, startGitwatches } from './idle-peers.ts';
import { makeKnownProjects } from './known-projects.ts';
import { memoryMbOf, shareOfMemoryMb } from './process-memory.ts';
import { scanOnce, startScanned } from './scan.ts';

type Options = {
  runs: number;
  projects: number;
  files: number;
  /** How long each run looks. A thread that scanned ends after 30 s: longer windows show what then stays. */
  windowMs: number;
  gitwatch: string | null;
  say(text: string): void;
};

const JUDGED_PROJECTS = 200;
const JUDGED_FILES = 500;
/** Percent of one core. */
const TARGET_PERCENT = 0.5;
const TARGET_MB = 150;
const TO_GITWATCH = 0.2;
const SCAN_EVERY_MS = SETTINGS['schedulerOptions.scanInterval'].default;

export async function benchIdle(options: Options): Promise<Report> {
  const { projects, files, gitwatch, say } = options;
  if (gitwatch !== null && !existsSync(gitwatch)) throw new Error(`--gitwatch: there is no file ${gitwatch}`);
  if (memoryMbOf(process.pid) === null) {
    return { figures: {}, ratios: [], notes: ['NOT MEASURED: only Linux tells what an idle process costs'] };
  }
  const folder = await mkdtemp(join(tmpdir(), 'gitferry-bench-idle-'));
  const server = await startGitServer();
  try {
    say(`making ${projects} projects of ${files} files …`);
    const known = await makeKnownProjects({ folder, projects, files, server });
    const service = await startScanned(known);
    try {
      say('starting a gitwatch for each …');
      const peers = await startGitwatches(known.paths, gitwatch);
      try {
        return await measure(service, peers, options);
      } finally {
        await peers.stop();
      }
    } finally {
      await service.stop();
    }
  } finally {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure(service: RunningService, peers: IdlePeers, options: Options): Promise<Report> {
  const { runs, projects, windowMs, say } = options;
  const times: Runs = new Map();
  const cpuOf = (pids: readonly number[]) => pids.reduce((sum, pid) => sum + (cpuMsOf(pid) ?? 0), 0);
  const pssOf = (pids: readonly number[]) => pids.reduce((sum, pid) => sum + (shareOfMemoryMb(pid) ?? 0), 0);
  const ours = [service.pid];
  for (let run = 0; run < runs; run++) {
    say(`idle for ${windowMs / 1_000} s: run ${run + 1} of ${runs} …`);
    const before = { ours: cpuOf(ours), theirs: cpuOf(peers.pids) };
    const began = performance.now();
    await setTimeout(windowMs);
    const lastedMs = performance.now() - began;
    const used = { ours: cpuOf(ours) - before.ours, theirs: cpuOf(peers.pids) - before.theirs };
    addRun(times, `${NAME}: memory, MB`, memoryMbOf(service.pid)?.now ?? Number.NaN);
    addRun(times, `${NAME}: share of memory, MB`, pssOf(ours));
    const cpuAtScan = cpuOf(ours);
    await scanOnce(service, projects);
    const scanMs = cpuOf(ours) - cpuAtScan;
    addRun(times, `${NAME}: processor time of a scan`, scanMs);
    const percent = 100 * (used.ours / lastedMs + scanMs / SCAN_EVERY_MS);
    addRun(times, `${NAME}: percent of a core, its scans included`, percent);
    if (peers.pids.length === 0) continue;
    addRun(times, `${peers.name}: share of memory, MB`, pssOf(peers.pids) * peers.scale);
    addRun(times, `${peers.name}: percent of a core`, (100 * used.theirs * peers.scale) / lastedMs);
  }
  const figures = figuresOf(times);
  return { figures, ratios: ratiosOf(figures, peers, options), notes: peers.notes };
}

const NAME = 'gitferry';

function ratiosOf(figures: Record<string, Figure>, peers: IdlePeers, options: Options): Ratio[] {
  const judged = options.projects >= JUDGED_PROJECTS && options.files >= JUDGED_FILES;
  const of = (what: string) => figures[what]?.median ?? Number.NaN;
  const percent = of(`${NAME}: percent of a core, its scans included`);
  const what = `${options.projects} projects of ${options.files} files`;
  const ratios = [
    ratioOf(
      `idle, ${what}: percent of a core / ${TARGET_PERCENT}`,
      percent / TARGET_PERCENT,
      judged ? 1 : null,
    ),
    ratioOf(
      `idle, ${what}: memory / ${TARGET_MB} MB`,
      of(`${NAME}: memory, MB`) / TARGET_MB,
      judged ? 1 : null,
    ),
  ];
  if (peers.pids.length === 0) return ratios;
  const memory = of(`${NAME}: share of memory, MB`) / of(`${peers.name}: share of memory, MB`);
  const target = judged ? TO_GITWATCH : null;
  return [...ratios, ratioOf(`idle, ${what}: share of memory: ${NAME} / ${peers.name}`, memory, target)];
}
