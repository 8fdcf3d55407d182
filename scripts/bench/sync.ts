// From a saved file to the remote: ours beside git, gitwatch and plain isomorphic-git, in repositories of 100, 5,000
// and 50,000 files, all in turns, so that a ratio compares what ran under the same load.

import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { type GitServer, startGitServer } from '../../test/support/git-server.ts';
import { benchCommit } from './commit.ts';
import {
  type Contender,
  startGit,
  startGitwatch,
  startIsomorphic,
  startLikeGitwatch,
  startOurs,
} from './contenders.ts';
import { cpuMsOf, endedChildrenCpuMs } from './cpu-time.ts';
import { type Figure, figureOf, pairedRatio, type Ratio, ratioOf } from './figures.ts';
import { copySample, makeTemplate, type Sample, sampleFile } from './sample-repositories.ts';

export type SyncOptions = {
  runs: number;
  /** Rounds before those that count: a service has saved before, and so has the machine with git. */
  warmUp: number;
  sizes: readonly number[];
  gitwatch: string | null;
  say(text: string): void;
};
export type SyncReport = { figures: Record<string, Figure>; ratios: Ratio[]; notes: string[] };

const TO_GIT: Record<number, number> = { 100: 0.6, 5000: 0.5, 50000: 0.3 };
const LARGEST = 50_000;
const TO_ISOMORPHIC = 0.05;
const GROWTH = 2;
const OURS = 'gitferry';

type Bench = SyncOptions & { folder: string; server: GitServer };
/** One contender in one repository. `cpuMs` is the sum over all rounds that count; null where it is not known. */
type Entry = { files: number; contender: Contender; sample: Sample; wallMs: number[]; cpuMs: number | null };
type MakeSample = (name: string) => Promise<Sample>;

export async function benchSync(options: SyncOptions): Promise<SyncReport> {
  const report: SyncReport = { figures: {}, ratios: [], notes: [] };
  const folder = await mkdtemp(join(tmpdir(), 'gitferry-bench-'));
  const server = await startGitServer();
  const bench = { folder, server, ...options };
  try {
    const makers = new Map<number, MakeSample>();
    for (const files of options.sizes) makers.set(files, await samplesOf(files, bench));
    const entries: Entry[] = [];
    try {
      for (const [files, sample] of makers) await enter(entries, files, sample, bench, report);
      const { warmUp, runs } = options;
      for (let round = 0; round < warmUp + runs; round++) {
        const counts = round >= warmUp;
        options.say(
          counts ? `round ${round - warmUp + 1} of ${runs} …` : `warming up: ${round + 1} of ${warmUp} …`,
        );
        for (const entry of inTurn(entries, round)) await save(entry, { round, counts }, server, report);
      }
    } finally {
      for (const { contender } of entries) await contender.stop();
    }
    compare(entries, report);
    for (const [files, sample] of makers) await benchCommit(files, sample, options, report);
  } finally {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
  return report;
}

async function samplesOf(files: number, bench: Bench): Promise<MakeSample> {
  bench.say(`making a repository of ${files} files …`);
  const template = await makeTemplate(join(bench.folder, `template-${files}`), files);
  return (name) =>
    copySample(bench.server, template, join(bench.folder, `${name}-${files}`), `${name}-${files}`);
}

async function enter(
  entries: Entry[],
  files: number,
  sample: MakeSample,
  bench: Bench,
  report: SyncReport,
): Promise<void> {
  const add = async (name: string, start: (its: Sample) => Promise<Contender | null>) => {
    const its = await sample(name);
    const contender = await start(its);
    if (contender) entries.push({ files, contender, sample: its, wallMs: [], cpuMs: 0 });
    else report.notes.push(`${name} was SKIPPED at ${files} files: bash or inotifywait is missing`);
  };
  await add(OURS, (its) => startOurs(its, join(bench.folder, `data-${files}`)));
  await add('git', startGit);
  const { gitwatch } = bench;
  if (gitwatch !== null && existsSync(gitwatch)) await add('gitwatch', (its) => startGitwatch(its, gitwatch));
  else {
    await add('like-gitwatch', startLikeGitwatch);
    const why = 'the commands that gitwatch runs, without its script and its wait: --gitwatch names no file';
    report.notes.push(`"like gitwatch" at ${files} files: ${why}`);
  }
  await add('isomorphic-git', startIsomorphic);
}

/** Nobody is always first. */
function inTurn(entries: readonly Entry[], round: number): Entry[] {
  const from = round % entries.length;
  return [...entries.slice(from), ...entries.slice(0, from)];
}

/** From the write to the end of the remote's answer, without the quiet period; processor time until all is at rest. */
async function save(
  entry: Entry,
  { round, counts }: { round: number; counts: boolean },
  server: GitServer,
  report: SyncReport,
): Promise<void> {
  const { contender, sample, files } = entry;
  const filepath = sampleFile((round * 7_919) % files);
  const path = new URL(sample.remoteUrl).pathname;
  const from = server.requests.length;
  const sent = () => server.requests.slice(from).filter((request) => request.path.startsWith(path));
  const isDone = () => sent().some(({ method, status }) => method === 'POST' && status === 200);
  const cpuBefore = cpuMs(contender);
  const begin = performance.now();
  await sample.repo.write(filepath, `round ${round}\n`.repeat(20));
  const acting = contender.act(filepath);
  await Promise.race([server.waitFor(isDone, 120_000), acting.then(() => server.waitFor(isDone, 120_000))]);
  const took = performance.now() - begin - contender.quietMs;
  await acting;
  await contender.settle();
  const cpuAfter = cpuMs(contender);
  if (!counts) return;
  entry.wallMs.push(took);
  const isKnown = cpuBefore !== null && cpuAfter !== null && entry.cpuMs !== null;
  entry.cpuMs = isKnown ? (entry.cpuMs ?? 0) + cpuAfter - cpuBefore : null;
  const requests = sent().length;
  if (contender.name === OURS && requests !== 1) {
    report.notes.push(`${OURS} made ${requests} requests in round ${round} at ${files} files, and not one`);
  }
}

/** Of the contender and of everything that ran to its end, the remote's programs among it. */
function cpuMs({ pid }: Contender): number | null {
  const ended = endedChildrenCpuMs();
  const own = pid === null ? 0 : cpuMsOf(pid);
  return ended === null || own === null ? null : ended + own;
}

function compare(entries: readonly Entry[], report: SyncReport): void {
  for (const { files, contender, wallMs } of entries) {
    report.figures[`save to remote, ${files} files: ${contender.name}`] = figureOf(wallMs);
  }
  const ours = entries.filter(({ contender }) => contender.name === OURS);
  for (const our of ours) {
    for (const other of entries) {
      if (other.files === our.files && other !== our) report.ratios.push(...ratiosOf(our, other));
    }
  }
  const bySize = ours.toSorted((a, b) => a.files - b.files);
  const [least, most] = [bySize[0], bySize.at(-1)];
  if (!least || !most || least === most) return;
  const what = `growth of ${OURS} from ${least.files} to ${most.files} files`;
  report.ratios.push(ratioOf(what, pairedRatio(most.wallMs, least.wallMs), GROWTH));
}

function ratiosOf(our: Entry, other: Entry): Ratio[] {
  const { files } = our;
  const { name } = other.contender;
  const toIsomorphic = name === 'isomorphic-git' && files === LARGEST ? TO_ISOMORPHIC : null;
  const target = name === 'git' ? (TO_GIT[files] ?? null) : toIsomorphic;
  const wall = ratioOf(
    `save to remote, ${files} files: ${OURS} / ${name}`,
    pairedRatio(our.wallMs, other.wallMs),
    target,
  );
  if (our.cpuMs === null || !other.cpuMs) return [wall];
  return [
    wall,
    ratioOf(`  processor time, remote included: ${OURS} / ${name}`, our.cpuMs / other.cpuMs, null),
  ];
}
