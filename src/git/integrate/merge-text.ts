// Merges two changed versions of one text line by line. Pure. Never guesses: changes that touch are a conflict, unless
// both sides say the same there.

import { diffLines, type Hunk } from './line-diff.ts';

/** The merged bytes; null for a conflict, and for what is no text (it holds a NUL byte) or too large to compare. */
export function mergeText(base: Buffer, ours: Buffer, theirs: Buffer): Buffer | null {
  for (const text of [base, ours, theirs]) {
    if (text.length > LARGEST_BYTES || text.includes(0)) return null;
  }
  const [baseLines, ourLines, theirLines] = [base, ours, theirs].map(linesOf) as [
    string[],
    string[],
    string[],
  ];
  const merged = mergeLines(baseLines, ourLines, theirLines);
  return merged === null ? null : Buffer.from(merged.join(''), 'latin1');
}

const LARGEST_BYTES = 16 * 1024 * 1024;

/** Bytes as characters; each line keeps its end, so a missing last line end is a difference. */
function linesOf(text: Buffer): string[] {
  return text.toString('latin1').match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

function mergeLines(base: string[], ours: string[], theirs: string[]): string[] | null {
  const mine = diffLines(base, ours);
  const other = diffLines(base, theirs);
  const merged: string[] = [];
  let at = 0;
  while (mine.length > 0 || other.length > 0) {
    const cluster = takeCluster(mine, other);
    for (const line of base.slice(at, cluster.from)) merged.push(line);
    const text = resolve(cluster, base, ours, theirs);
    if (text === null) return null;
    for (const line of text) merged.push(line);
    at = cluster.to;
  }
  for (const line of base.slice(at)) merged.push(line);
  return merged;
}

/** Changes of both sides that overlap or touch, and the stretch of the old text that they cover. */
type Cluster = { from: number; to: number; mine: Hunk[]; other: Hunk[] };

function takeCluster(mine: Hunk[], other: Hunk[]): Cluster {
  const first = Math.min(
    mine[0]?.from ?? Number.POSITIVE_INFINITY,
    other[0]?.from ?? Number.POSITIVE_INFINITY,
  );
  const cluster: Cluster = { from: first, to: first, mine: [], other: [] };
  for (let grew = true; grew; ) {
    grew = false;
    for (const [hunks, taken] of [
      [mine, cluster.mine],
      [other, cluster.other],
    ] as const) {
      const next = hunks[0];
      if (next === undefined || next.from > cluster.to) continue;
      taken.push(next);
      hunks.shift();
      cluster.to = Math.max(cluster.to, next.to);
      grew = true;
    }
  }
  return cluster;
}

function resolve(cluster: Cluster, base: string[], ours: string[], theirs: string[]): string[] | null {
  if (cluster.other.length === 0) return sideOf(cluster, cluster.mine, base, ours);
  if (cluster.mine.length === 0) return sideOf(cluster, cluster.other, base, theirs);
  const a = sideOf(cluster, cluster.mine, base, ours);
  const b = sideOf(cluster, cluster.other, base, theirs);
  return a.length === b.length && a.every((line, at) => line === b[at]) ? a : null;
}

/** What one side makes of the cluster's stretch. */
function sideOf(cluster: Cluster, hunks: readonly Hunk[], base: string[], side: string[]): string[] {
  const parts: string[][] = [];
  let at = cluster.from;
  for (const hunk of hunks) {
    parts.push(base.slice(at, hunk.from), side.slice(hunk.newFrom, hunk.newTo));
    at = hunk.to;
  }
  return parts.concat([base.slice(at, cluster.to)]).flat();
}
