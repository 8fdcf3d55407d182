// One file changed and committed but not pushed: our engine in this process beside git's two commands, in turns; and
// how long a person's git would find the index locked by us.

import { performance } from 'node:perf_hooks';
import { findChanges } from '../../src/git/changes/changes.ts';
import { openIgnoreRules } from '../../src/git/changes/ignore.ts';
import { commitChanges } from '../../src/git/commit/commit.ts';
import { openObjects } from '../../src/git/objects/objects.ts';
import { toRepoPath } from '../../src/git/paths.ts';
import { probeRepository } from '../../src/git/probe/probe.ts';
import { systemClock, systemRandom } from '../../src/host/clock.ts';
import { type GitRepo, gitEnv } from '../../test/support/git-repo.ts';
import { figureOf, pairedRatio, ratioOf } from './figures.ts';
import { type Sample, sampleFile } from './sample-repositories.ts';
import type { SyncOptions, SyncReport } from './sync.ts';

const LARGEST = 50_000;
const TO_GIT = 0.1;
/** The share of a second that one commit may lock the index for. */
const LOCKED_SHARE = 0.01;

export async function benchCommit(
  files: number,
  sample: (name: string) => Promise<Sample>,
  { runs, warmUp }: Pick<SyncOptions, 'runs' | 'warmUp'>,
  report: SyncReport,
): Promise<void> {
  const ours = (await sample('commit-ours')).repo;
  const gits = (await sample('commit-git')).repo;
  const times = { gitferry: [] as number[], git: [] as number[], locked: [] as number[] };
  for (let round = 0; round < warmUp + runs; round++) {
    const filepath = sampleFile((round * 7_919) % files);
    const text = `round ${round}\n`;
    await ours.write(filepath, text);
    const begin = performance.now();
    const lockedMs = await commitByUs(ours, filepath);
    const tookUs = performance.now() - begin;
    await gits.write(filepath, text);
    const theirBegin = performance.now();
    await gits.git('add', '--all');
    await gits.git('commit', '--quiet', '--message', 'Update a file');
    const tookGit = performance.now() - theirBegin;
    if (round < warmUp) continue;
    times.gitferry.push(tookUs);
    times.git.push(tookGit);
    times.locked.push(lockedMs);
  }
  const locked = figureOf(times.locked);
  report.figures[`commit alone, ${files} files: gitferry`] = figureOf(times.gitferry);
  report.figures[`commit alone, ${files} files: git`] = figureOf(times.git);
  report.figures[`index.lock held by a commit, ${files} files`] = locked;
  const toGit = pairedRatio(times.gitferry, times.git);
  report.ratios.push(
    ratioOf(`commit alone, ${files} files: gitferry / git`, toGit, files === LARGEST ? TO_GIT : null),
    ratioOf(`index.lock held, ${files} files, at a commit a second`, locked.median / 1_000, LOCKED_SHARE),
  );
}

/** Answers for how many milliseconds the index was locked. */
async function commitByUs({ path }: GitRepo, filepath: string): Promise<number> {
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
  const at = new Map<string, number>();
  await commitChanges({
    ...{ repo, objects, changes: found.changes, message: 'Update a file\n', author: who, committer: who },
    at: { epochMs: systemClock.now(), offsetMinutes: 0 },
    ...{ clock: systemClock, random: systemRandom, fsync: false, signal },
    faultPoint: (name) => void at.set(name, performance.now()),
  });
  await objects.close();
  return (at.get('index-moved') ?? Number.NaN) - (at.get('index-locked') ?? Number.NaN);
}
