// Medians, spreads and ratios, and whether a ratio holds its target. Pure.

export type Figure = { runs: number[]; median: number; least: number; most: number };

export function figureOf(runs: readonly number[]): Figure {
  const sorted = runs.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const median = ((sorted[Math.floor(middle)] ?? 0) + (sorted[Math.ceil(middle)] ?? 0)) / 2;
  return { runs: [...runs], median, least: sorted[0] ?? 0, most: sorted.at(-1) ?? 0 };
}

/** What a benchmark answers; figures are milliseconds where their names say nothing else. */
export type Report = { figures: Record<string, Figure>; ratios: Ratio[]; notes: string[] };

/** Runs as they come in, by the name of their figure. */
export type Runs = Map<string, number[]>;

export function addRun(runs: Runs, name: string, value: number): void {
  runs.set(name, [...(runs.get(name) ?? []), value]);
}

export function figuresOf(runs: Runs): Record<string, Figure> {
  return Object.fromEntries([...runs].map(([name, values]) => [name, figureOf(values)]));
}

/** `most` is the largest ratio that is good enough; null: only shown. */
export type Ratio = { what: string; value: number; most: number | null; holds: boolean | null };

export function ratioOf(what: string, value: number, most: number | null): Ratio {
  return { what, value, most, holds: most === null ? null : value <= most };
}

/** The middle one of the ratios of runs that were made right after one another: the machine was the same for both. */
export function pairedRatio(ours: readonly number[], theirs: readonly number[]): number {
  return figureOf(ours.map((value, run) => value / (theirs[run] ?? Number.NaN))).median;
}

export function ratioText({ what, value, most, holds }: Ratio): string {
  const target = most === null ? '' : `  target ≤ ${most}  ${holds ? 'PASS' : 'FAIL'}`;
  return `${what.padEnd(62)} ${value.toFixed(3).padStart(8)}×${target}`;
}
