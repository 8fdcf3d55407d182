// From starting the service to its first sync, with 10 and with 1,000 projects that it knows: a file that was saved
// while nothing ran is on the remote. And how much memory it then takes. All projects but that one are clean.

import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock, systemRandom } from '../../src/host/clock.ts';
import { silentLog } from '../../src/host/log.ts';
import { type EnrolPorts, enrolProject } from '../../src/projects/enrol.ts';
import type { Database } from '../../src/store/database.ts';
import { openDatabase } from '../../src/store/open.ts';
import { runGit } from '../../test/support/git-repo.ts';
import { type GitServer, startGitServer } from '../../test/support/git-server.ts';
import { startService } from '../../test/support/service.ts';
import { type Figure, figureOf, type Ratio, ratioOf } from './figures.ts';
import { copySample, makeTemplate, type Sample, sampleFile } from './sample-repositories.ts';

export type StartReport = { figures: Record<string, Figure>; ratios: Ratio[]; notes: string[] };

const FILES = 20;
const MACHINE = 'bench';
const TARGET_MS = 5_000;
const TARGET_MB = 300;
const QUIET_MS = 100;
const LIMIT_MS = 120_000;

/** `sizes` are numbers of projects. Figures are milliseconds, memory megabytes. */
export async function benchStart(input: {
  runs: number;
  sizes: readonly number[];
  say(text: string): void;
}): Promise<StartReport> {
  const { runs, sizes, say } = input;
  const figures = new Map<string, number[]>();
  const note = (key: string, value: number) => figures.set(key, [...(figures.get(key) ?? []), value]);
  for (const size of sizes) {
    const folder = await mkdtemp(join(tmpdir(), 'gitferry-bench-start-'));
    const server = await startGitServer();
    try {
      say(`making ${size} projects …`);
      const sample = await makeProjects(folder, size, server);
      for (let run = 0; run < runs; run++) {
        say(`start with ${size} projects: run ${run + 1} of ${runs} …`);
        await sample.repo.write(sampleFile(run % FILES), `run ${run}\n`.repeat(20));
        for (const [what, value] of Object.entries(await startOnce(folder, sample, server))) {
          note(`${size} projects: ${what}`, value);
        }
      }
    } finally {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    }
  }
  const all = Object.fromEntries([...figures].map(([key, values]) => [key, figureOf(values)]));
  return { figures: all, ratios: ratiosOf(all, sizes), notes: [] };
}

async function startOnce(folder: string, sample: Sample, server: GitServer): Promise<Record<string, number>> {
  const path = new URL(sample.remoteUrl).pathname;
  const from = server.requests.length;
  const isPushed = () =>
    server.requests.slice(from).some((one) => {
      return one.path.startsWith(path) && one.method === 'POST' && one.status === 200;
    });
  const began = performance.now();
  const pushed = server.waitFor(isPushed, LIMIT_MS).then(() => performance.now() - began);
  const service = await startService({
    dataDir: join(folder, 'data'),
    env: { SYNC_MACHINE_ID: MACHINE, SYNC_FSYNC: 'false' },
  });
  try {
    const listeningMs = performance.now() - began;
    const feed = await service.feed(0);
    const scanned = feed.until(({ type }) => type === 'scan.finished', 'the first scan', LIMIT_MS);
    const firstSyncMs = await pushed;
    await scanned;
    const scannedMs = performance.now() - began;
    feed.close();
    const memory = await memoryMb(service.pid);
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

/** Linux only. */
async function memoryMb(pid: number): Promise<{ now: number; most: number } | null> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => null);
  if (text === null) return null;
  const of = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1]) / 1_024;
  return { now: of('VmRSS'), most: of('VmHWM') };
}

/** One that has a remote; the others are copies of it, known as safe, whose remotes nobody asks. */
async function makeProjects(folder: string, size: number, server: GitServer): Promise<Sample> {
  const template = await makeTemplate(join(folder, 'template'), FILES);
  const sample = await copySample(server, template, join(folder, 'projects', 'p0'), 'p0');
  const paths = [sample.repo.path];
  for (let n = 1; n < size; n++) {
    const path = join(folder, 'projects', `p${n}`);
    await cp(sample.repo.path, path, { recursive: true });
    await runGit(['remote', 'set-url', 'origin', `${server.url}/p${n}.git`], { cwd: path });
    // Git knows the copied files by other stat data: it looks at them once and writes it down.
    await runGit(['status', '--short'], { cwd: path });
    paths.push(path);
  }
  const ports = { clock: systemClock, random: systemRandom, log: silentLog };
  const db = await openDatabase({ path: join(folder, 'data', 'queue.db') }, ports);
  await enrolAll(paths, { db, machineId: MACHINE, env: {}, homeDir: folder });
  await callSafe(db, (await sample.repo.git('rev-parse', 'HEAD')).trim());
  await db.close();
  return sample;
}

async function enrolAll(paths: readonly string[], ports: EnrolPorts): Promise<void> {
  for (const path of paths) await enrolProject({ path }, ports);
}

/** The first one was worked on last. */
async function callSafe(db: Database, tip: string): Promise<void> {
  await db.run(
    `UPDATE projects SET branch = 'main', remote_tips = json_object('main', :tip),
       last_safe_at = :now - id * 1000, last_activity_at = :now - id * 1000`,
    { tip, now: systemClock.now() },
  );
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
