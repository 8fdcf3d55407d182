// Runs of a period, cut into equal parts and counted. Pure; instants are epoch milliseconds.

import type { Run } from './wire.ts';

export type Bucket = {
  from: number;
  good: number;
  bad: number;
  /** Neither pushed nor failed: nothing to do, or tried again later. */
  other: number;
  bytes: number;
  /** Milliseconds; null when nothing finished. */
  p50Ms: number | null;
  p95Ms: number | null;
};

export type Totals = {
  syncs: number;
  /** 0 to 1, of those that pushed or failed; null when none did. */
  successRate: number | null;
  bytes: number;
  p50Ms: number | null;
  p95Ms: number | null;
};

const FAILED = new Set<Run['status']>(['failed', 'blocked', 'conflict', 'crashed']);

export function bucketRuns(
  runs: readonly Run[],
  { from, until, count }: { from: number; until: number; count: number },
): Bucket[] {
  const widthMs = (until - from) / count;
  const parts = Array.from({ length: count }, () => [] as Run[]);
  for (const run of runs) {
    const at = Math.floor((Date.parse(run.startedAt) - from) / widthMs);
    parts[Math.min(at, count - 1)]?.push(run);
  }
  return parts.map((part, index) => {
    const good = part.filter(({ status }) => status === 'success').length;
    const bad = part.filter(({ status }) => FAILED.has(status)).length;
    const { bytes, p50Ms, p95Ms } = totalsOf(part);
    return { from: from + index * widthMs, good, bad, other: part.length - good - bad, bytes, p50Ms, p95Ms };
  });
}

export function totalsOf(runs: readonly Run[]): Totals {
  const good = runs.filter(({ status }) => status === 'success');
  const bad = runs.filter(({ status }) => FAILED.has(status)).length;
  const durations = good.flatMap(({ durationMs }) => (durationMs === null ? [] : [durationMs]));
  durations.sort((a, b) => a - b);
  return {
    syncs: runs.length,
    successRate: good.length + bad === 0 ? null : good.length / (good.length + bad),
    bytes: runs.reduce((sum, { bytesPushed }) => sum + bytesPushed, 0),
    p50Ms: percentile(durations, 0.5),
    p95Ms: percentile(durations, 0.95),
  };
}

/** The smallest value that at least `share` of the sorted values do not exceed. */
function percentile(sorted: readonly number[], share: number): number | null {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? null;
}

/** Round steps from 0 to at least `most`, for an axis. */
export function axisSteps(most: number): number[] {
  if (most <= 0) return [0, 1];
  const raw = most / 4;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= raw) ?? 10) * power;
  return Array.from({ length: Math.ceil(most / step - 1e-9) + 1 }, (_, index) => index * step);
}
