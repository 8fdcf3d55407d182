// Taking a job and completing it, with 100 to 100,000 others pending, beside other queues. All are durable against a
// killed process and may lose a second to a power cut. Ours also writes the history and the feed.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { figuresOf, pairedRatio, type Ratio, type Report, ratioOf } from './figures.ts';
import { CONTENDERS, type Contender, OWN, openContender } from './queue-contenders.ts';
import { installPeers } from './queue-peers.ts';

/** Programs run their first hundreds of calls slower. */
const WARM_UP = 500;

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
  const opened: { pending: number; contender: Contender }[] = [];
  const peers = compare ? install(say) : { missing: 'this was not asked for' };
  if ('missing' in peers) notes.push(`NOT COMPARED with any other queue: ${peers.missing}`);
  try {
    for (const pending of sizes) {
      const folder = mkdtempSync(join(tmpdir(), 'gitferry-bench-queue-'));
      folders.push(folder);
      const { contenders, missing } = await openAll(folder, 'missing' in peers ? null : peers.folder);
      for (const note of missing) if (!notes.includes(note)) notes.push(note);
      opened.push(...contenders.map((contender) => ({ pending, contender })));
    }
    for (const { pending, contender } of opened) {
      say(`${contender.name}: ${pending} pending`);
      await contender.fill(pending);
      await contender.measure(Math.min(pairs, WARM_UP), pending);
    }
    // What filling them has written must not be on its way to the disk while they are measured.
    execFileSync('sync');
    for (let run = 0; run < runs; run++) {
      say(`run ${run + 1} of ${runs}`);
      for (const { pending, contender } of inTurns(opened, run)) {
        const key = `${contender.name}, ${pending} pending`;
        times.set(key, [...(times.get(key) ?? []), await contender.measure(pairs, pending)]);
      }
    }
    for (const { contender } of opened) await contender.close();
  } finally {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
    if (!('missing' in peers)) peers.remove();
  }
  return { figures: figuresOf(times), ratios: ratiosOf(times, sizes), notes };
}

/** Every run begins with another one. */
function inTurns<T>(all: readonly T[], run: number): T[] {
  const first = all.length === 0 ? 0 : run % all.length;
  return [...all.slice(first), ...all.slice(0, first)];
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
  const growth = pairedRatio(of('gitferry', most) ?? [], of('gitferry', least) ?? []);
  if (most > least) ratios.push(ratioOf(`gitferry: ${most} pending / ${least} pending`, growth, FLAT));
  return ratios;
}
