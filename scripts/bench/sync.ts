// From a saved file to the remote, and a commit alone: ours beside git, gitwatch and plain isomorphic-git, in turns,
// in repositories of 100, 5,000 and 50,000 files.

import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { findChanges } from '../../src/git/changes/changes.ts';
import { openIgnoreRules } from '../../src/git/changes/ignore.ts';
import { commitChanges } from '../../src/git/commit/commit.ts';
import { openObjects } from '../../src/git/objects/objects.ts';
import { toRepoPath } from '../../src/git/paths.ts';
import { probeRepository } from '../../src/git/probe/probe.ts';
import { systemClock, systemRandom } from '../../src/host/clock.ts';
import { type GitRepo, gitEnv } from '../../test/support/git-repo.ts';
import { type GitServer, startGitServer } from '../../test/support/git-server.ts';
import { type Contender, startGit, startGitwatch, startIsomorphic, startOurs } from './contenders.ts';
import { type Figure, figureOf, type Ratio, ratioOf } from './figures.ts';
import { copySample, makeTemplate, type Sample, sampleFile } from './sample-repositories.ts';

export type SyncOptions = {
  runs: number;
  sizes: readonly number[];
  gitwatch: string | null;
  say(text: string): void;
};
export type SyncReport = { figures: Record<string, Figure>; ratios: Ratio[]; notes: string[] };

const TO_GIT: Record<number, number> = { 100: 0.6, 5000: 0.5, 50000: 0.3 };
const LARGEST = 50_000;
const TO_ISOMORPHIC = 0.05;
const GROWTH = 2;
const COMMIT_TO_GIT = 0.1;

export async function benchSync(options: SyncOptions): Promise<SyncReport> {
  const report: SyncReport = { figures: {}, ratios: [], notes: [] };
  const folder = await mkdtemp(join(tmpdir(), 'gitferry-bench-'));
  const server = await startGitServer();
  try {
    for (const files of options.sizes) await benchSize(files, { folder, server, ...options }, report);
  } finally {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
  const median = (name: string) => report.figures[name]?.median ?? Number.NaN;
  const [least, most] = [Math.min(...options.sizes), Math.max(...options.sizes)];
  if (least !== most) {
    const value =
      median(`save to remote, ${most} files: gitferry`) / median(`save to remote, ${least} files: gitferry`);
    report.ratios.push(ratioOf(`growth of gitferry from ${least} to ${most} files`, value, GROWTH));
  }
  return report;
}

type Bench = SyncOptions & { folder: string; server: GitServer };

async function benchSize(files: number, bench: Bench, report: SyncReport): Promise<void> {
  bench.say(`making repositories of ${files} files …`);
  const template = await makeTemplate(join(bench.folder, `template-${files}`), files);
  const sample = (name: string) =>
    copySample(bench.server, template, join(bench.folder, `${name}-${files}`), `${name}-${files}`);
  const contenders = await enter(sample, files, bench, report);
  const times = new Map<string, number[]>(contenders.map(({ contender }) => [contender.name, []]));
  try {
    // One round more than counts: the first warms caches on every side.
    for (let round = 0; round <= bench.runs; round++) {
      for (const { contender, sample: its } of contenders) {
        const took = await measure(contender, its, round, files, bench.server, report);
        if (round > 0) times.get(contender.name)?.push(took);
      }
    }
  } finally {
    for (const { contender } of contenders) await contender.stop();
  }
  for (const [name, runs] of times)
    report.figures[`save to remote, ${files} files: ${name}`] = figureOf(runs);
  compare(files, [...times.keys()], report);
  await benchCommit(files, sample, bench, report);
  await rm(template, { recursive: true });
}

async function enter(
  sample: (name: string) => Promise<Sample>,
  files: number,
  bench: Bench,
  report: SyncReport,
) {
  const entered: { contender: Contender; sample: Sample }[] = [];
  const add = async (name: string, start: (its: Sample) => Promise<Contender | null>) => {
    const its = await sample(name);
    const contender = await start(its);
    if (contender) entered.push({ contender, sample: its });
    else report.notes.push(`${name} was SKIPPED at ${files} files: bash or inotifywait is missing`);
  };
  await add('gitferry', (its) => startOurs(its, join(bench.folder, `data-${files}`)));
  await add('git', startGit);
  const { gitwatch } = bench;
  if (gitwatch !== null && existsSync(gitwatch)) await add('gitwatch', (its) => startGitwatch(its, gitwatch));
  else report.notes.push(`gitwatch was SKIPPED at ${files} files: --gitwatch names no file`);
  await add('isomorphic-git', startIsomorphic);
  return entered;
}

/** Milliseconds from the write to the end of the remote's answer, without the quiet period. */
async function measure(
  contender: Contender,
  { repo, remoteUrl }: Sample,
  round: number,
  files: number,
  server: GitServer,
  report: SyncReport,
): Promise<number> {
  const filepath = sampleFile((round * 7_919) % files);
  const path = new URL(remoteUrl).pathname;
  const from = server.requests.length;
  const sent = () => server.requests.slice(from).filter((request) => request.path.startsWith(path));
  const isDone = () => sent().some(({ method, status }) => method === 'POST' && status === 200);
  const begin = performance.now();
  await repo.write(filepath, `round ${round}\n`.repeat(20));
  const acting = contender.act(filepath);
  await Promise.race([server.waitFor(isDone, 120_000), acting.then(() => server.waitFor(isDone, 120_000))]);
  const took = performance.now() - begin - contender.quietMs;
  await acting;
  await contender.settle();
  const requests = sent().length;
  if (contender.name === 'gitferry' && round > 0 && requests !== 1) {
    report.notes.push(`gitferry made ${requests} requests in round ${round} at ${files} files, and not one`);
  }
  return took;
}

function compare(files: number, names: readonly string[], report: SyncReport): void {
  const median = (name: string) =>
    report.figures[`save to remote, ${files} files: ${name}`]?.median ?? Number.NaN;
  for (const name of names) {
    if (name === 'gitferry') continue;
    const target =
      name === 'git'
        ? (TO_GIT[files] ?? null)
        : name === 'isomorphic-git' && files === LARGEST
          ? TO_ISOMORPHIC
          : null;
    report.ratios.push(
      ratioOf(
        `save to remote, ${files} files: gitferry / ${name}`,
        median('gitferry') / median(name),
        target,
      ),
    );
  }
}

/** One file changed, committed and not pushed: our engine in this process beside git's two commands. */
async function benchCommit(
  files: number,
  sample: (name: string) => Promise<Sample>,
  bench: Bench,
  report: SyncReport,
): Promise<void> {
  const ours = (await sample('commit-ours')).repo;
  const gits = (await sample('commit-git')).repo;
  const times: Record<string, number[]> = { gitferry: [], git: [] };
  for (let round = 0; round <= bench.runs; round++) {
    const filepath = sampleFile((round * 7_919) % files);
    for (const [name, repo, commit] of [
      ['gitferry', ours, () => commitByUs(ours, filepath)],
      ['git', gits, () => commitByGit(gits)],
    ] as const) {
      await repo.write(filepath, `round ${round}\n`);
      const begin = performance.now();
      await commit();
      if (round > 0) times[name]?.push(performance.now() - begin);
    }
  }
  for (const [name, runs] of Object.entries(times)) {
    report.figures[`commit alone, ${files} files: ${name}`] = figureOf(runs);
  }
  const value = figureOf(times.gitferry ?? []).median / figureOf(times.git ?? []).median;
  const target = files === LARGEST ? COMMIT_TO_GIT : null;
  report.ratios.push(ratioOf(`commit alone, ${files} files: gitferry / git`, value, target));
}

async function commitByGit(repo: GitRepo): Promise<void> {
  await repo.git('add', '--all');
  await repo.git('commit', '--quiet', '--message', 'Update a file');
}

async function commitByUs({ path }: GitRepo, filepath: string): Promise<void> {
  const env = gitEnv();
  const probe = await probeRepository({ worktree: path, env, homeDir: '', now: systemClock.now() });
  if (probe.kind !== 'ready') throw new Error('The repository is not fit for the built-in engine.');
  const { repo, config, head, fileMode } = probe;
  const objects = openObjects(repo, { fsync: false });
  const { signal } = new AbortController();
  const ignore = openIgnoreRules({ repo, config, homeDir: '', env });
  const scope = new Set([toRepoPath(filepath)]);
  const found = await findChanges({ repo, objects, config, ignore, head, scope, fileMode, signal });
  const who = { name: 'Ada Author', email: 'ada@example.com' };
  const at = { epochMs: systemClock.now(), offsetMinutes: 0 };
  const tools = { clock: systemClock, random: systemRandom, fsync: false, signal };
  const message = 'Update a file\n';
  await commitChanges({
    repo,
    objects,
    changes: found.changes,
    message,
    author: who,
    committer: who,
    at,
    ...tools,
  });
  await objects.close();
}
