// From starting the service to its first sync, with 10 and with 1,000 projects that it knows: a file that was saved
// while nothing ran is on the remote. And how much memory it then takes. All projects but that one are clean.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type GitServer, startGitServer } from '../../test/support/git-server.ts';
import { startService } from '../../test/support/service.ts';
import { addRun, type Figure, figuresOf, type Ratio, type Report, type Runs, ratioOf } from './figures.ts';
import { type KnownProjects, MACHINE, makeKnownProjects } from './known-projects.ts';
import { memoryMbOf } from './process-memory.ts';
import { sampleFile } from './sample-repositories.ts';

const FILES = 20;
const TARGET_MS = 5_000;
const TARGET_MB = 300;
const QUIET_MS = 100;
const LIMIT_MS = 120_000;

/** `sizes` are numbers of projects. Figures are milliseconds, memory megabytes. */
export async function benchStart(input: {
  runs: number;
  sizes: readonly number[];
  say(text: string): void;
}): Promise<Report> {
  const { runs, sizes, say } = input;
  const times: Runs = new Map();
  for (const size of sizes) {
    const folder = await mkdtemp(join(tmpdir(), 'gitferry-bench-start-'));
    const server = await startGitServer();
    try {
      say(`making ${size} projects …`);
      const projects = await makeKnownProjects({ folder, projects: size, files: FILES, server });
      for (let run = 0; run < runs; run++) {
        say(`start with ${size} projects: run ${run + 1} of ${runs} …`);
        await projects.sample.repo.write(sampleFile(run % FILES), `run ${run}\n`.repeat(20));
        for (const [what, value] of Object.entries(await startOnce(projects, server))) {
          addRun(times, `${size} projects: ${what}`, value);
        }
      }
    } finally {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    }
  }
  const all = figuresOf(times);
  return { figures: all, ratios: ratiosOf(all, sizes), notes: [] };
}

async function startOnce(
  { sample, dataDir }: KnownProjects,
  server: GitServer,
): Promise<Record<string, number>> {
  const path = new URL(sample.remoteUrl).pathname;
  const from = server.requests.length;
  const isPushed = () =>
    server.requests.slice(from).some((one) => {
      return one.path.startsWith(path) && one.method === 'POST' && one.status === 200;
    });
  const began = performance.now();
  const beganAt = Date.now();
  const pushed = server.waitFor(isPushed, LIMIT_MS).then(() => performance.now() - began);
  const service = await startService({
    dataDir,
    env: { SYNC_MACHINE_ID: MACHINE, SYNC_FSYNC: 'false' },
  });
  try {
    const listeningMs = performance.now() - began;
    const feed = await service.feed(0);
    // The feed replays the scans of earlier starts, too.
    const isScanned = ({ type, at }: { type: string; at: string }) =>
      type === 'scan.finished' && Date.parse(at) >= beganAt;
    const scanned = feed.until(isScanned, 'the first scan', LIMIT_MS);
    const firstSyncMs = await pushed;
    await scanned;
    const scannedMs = performance.now() - began;
    feed.close();
    const memory = memoryMbOf(service.pid);
    return {
      'the API answers': listeningMs,
      'the first sync is done': firstSyncMs - QUIET_MS,
      'all are compared': scannedMs,
      ...(memory !== null && { 'memory then, MB': memory.now, 'most memory, MB': memory.most }),
    };
  } finally {
    await service.stop();
  }
}

function ratiosOf(figures: Record<string, Figure>, sizes: readonly number[]): Ratio[] {
  const most = Math.max(...sizes);
  const target = most >= 1_000 ? 1 : null;
  const of = (what: string) => figures[`${most} projects: ${what}`]?.median ?? Number.NaN;
  const share = of('the first sync is done') / TARGET_MS;
  const ratios = [ratioOf(`first sync with ${most} projects / ${TARGET_MS} ms`, share, target)];
  const memory = of('memory then, MB');
  if (!Number.isNaN(memory)) {
    ratios.push(ratioOf(`memory with ${most} projects / ${TARGET_MB} MB`, memory / TARGET_MB, target));
  }
  return ratios;
}
