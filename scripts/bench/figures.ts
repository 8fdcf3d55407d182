// Medians, spreads and ratios, and whether a ratio holds its target. Pure.

export type Figure = { runs: number[]; median: number; least: number; most: number };

export function figureOf(runs: readonly number[]): Figure {
  const sorted = runs.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const median = ((sorted[Math.floor(middle)] ?? 0) + (sorted[Math.ceil(middle)] ?? 0)) / 2;
  return { runs: [...runs], median, least: sorted[0] ?? 0, most: sorted.at(-1) ?? 0 };
}

/** `most` is the largest ratio that is good enough; null: only shown. */
export type Ratio = { what: string; value: number; most: number | null; holds: boolean | null };

export function ratioOf(what: string, value: number, most: number | null): Ratio {
  return { what, value, most, holds: most === null ? null : value <= most };
}

export function ratioText({ what, value, most, holds }: Ratio): string {
  const target = most === null ? '' : `  target ≤ ${most}  ${holds ? 'holds' : 'MISSED'}`;
  return `${what.padEnd(62)} ${value.toFixed(3).padStart(8)}×${target}`;
}
