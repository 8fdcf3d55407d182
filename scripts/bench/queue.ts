// Taking a job and completing it, with 100 to 100,000 others pending, beside other queues. All are durable against a
// killed process and may lose a second to a power cut. Ours also writes the history and the feed.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { figureOf, figuresOf, pairedRatio, type Ratio, type Report, ratioOf } from './figures.ts';
import { CONTENDERS, type Contender, OWN, openContender } from './queue-contenders.ts';
import { installPeers } from './queue-peers.ts';

/** `sizes` are numbers of pending jobs; figures are milliseconds for one job. */
export async function benchQueue(input: {
  runs: number;
  sizes: readonly number[];
  pairs: number;
  /** Whether to install other queues and compare with them. */
  compare: boolean;
  say(text: string): void;
}): Promise<Report> {
  const { runs, sizes, pairs, compare, say } = input;
  const notes: string[] = [];
  const times = new Map<string, number[]>();
  const folders: string[] = [];
  const peers = compare ? install(say) : { missing: 'this was not asked for' };
  if ('missing' in peers) notes.push(`NOT COMPARED with any other queue: ${peers.missing}`);
  try {
    for (const pending of sizes) {
      const folder = mkdtempSync(join(tmpdir(), 'gitferry-bench-queue-'));
      folders.push(folder);
      const { contenders, missing } = await openAll(folder, 'missing' in peers ? null : peers.folder);
      for (const note of missing) if (!notes.includes(note)) notes.push(note);
      for (const contender of contenders) {
        say(`${contender.name}: ${pending} pending`);
        await contender.fill(pending);
      }
      for (let run = 0; run < runs; run++) {
        for (const contender of contenders) {
          const key = `${contender.name}, ${pending} pending`;
          const took = await contender.measure(Math.min(pairs, pending));
          times.set(key, [...(times.get(key) ?? []), took]);
        }
      }
      for (const contender of contenders) await contender.close();
    }
  } finally {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
    if (!('missing' in peers)) peers.remove();
  }
  return { figures: figuresOf(times), ratios: ratiosOf(times, sizes), notes };
}

function install(say: (text: string) => void): ReturnType<typeof installPeers> {
  say('installing the other queues');
  return installPeers();
}

/** Each in a process of its own: two builds of SQLite in one do not go together. */
async function openAll(folder: string, peersFolder: string | null) {
  const names = peersFolder === null ? OWN : CONTENDERS;
  const contenders: Contender[] = [];
  const missing: string[] = [];
  for (const name of names) {
    const opened = await openContender(name, { folder, peersFolder });
    if ('missing' in opened) missing.push(`NOT COMPARED with ${name}: ${opened.missing}`);
    else contenders.push(opened);
  }
  return { contenders, missing };
}

/** Of the times for one job: at most so much of the others', at the largest number of pending jobs. */
const TARGETS = [
  ['liteque', 1 / 20],
  ['BullMQ', 1 / 2],
  ['plainjob', 1 / 0.35],
] as const;
/** How far ours is from what the file and its driver allow, and whether that would hold a target. */
function limitsOf(
  limit: string,
  pending: number,
  of: (name: string, pending: number) => number[] | undefined,
): Ratio[] {
  const limits = of(limit, pending) ?? [];
  const named = (name: string, other: string) => `one job: ${name} / ${other}, ${pending} pending`;
  const ratios = [
    ratioOf(named('gitferry', limit), pairedRatio(of('gitferry', pending) ?? [], limits), null),
  ];
  for (const name of ['BullMQ', 'plainjob']) {
    const theirs = of(name, pending);
    if (theirs) ratios.push(ratioOf(named(limit, name), pairedRatio(limits, theirs), null));
  }
  return ratios;
}

/** "The same whatever waits" with room for caches. */
const FLAT = 1.5;

function ratiosOf(times: ReadonlyMap<string, number[]>, sizes: readonly number[]): Ratio[] {
  const of = (name: string, pending: number) => times.get(`${name}, ${pending} pending`);
  const most = Math.max(...sizes);
  const ratios: Ratio[] = [];
  for (const pending of sizes) {
    const ours = of('gitferry', pending) ?? [];
    for (const [name, target] of TARGETS) {
      const theirs = of(name, pending);
      if (theirs === undefined) continue;
      const isJudged = pending === most && most >= 100_000;
      ratios.push(
        ratioOf(
          `one job: gitferry / ${name}, ${pending} pending`,
          pairedRatio(ours, theirs),
          isJudged ? target : null,
        ),
      );
    }
  }
  for (const limit of OWN.filter((name) => name !== 'gitferry')) ratios.push(...limitsOf(limit, most, of));
  const least = Math.min(...sizes);
  const growth = figureOf(of('gitferry', most) ?? []).median / figureOf(of('gitferry', least) ?? []).median;
  if (most > least) ratios.push(ratioOf(`gitferry: ${most} pending / ${least} pending`, growth, FLAT));
  return ratios;
}
