// Readers of single arguments. Each says what is expected; commander adds which argument it was.

import { InvalidArgumentError } from 'commander';

export function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}

export function oneOf<const Choice extends string>(choices: readonly Choice[]): (text: string) => Choice {
  return (text) => {
    const found = choices.find((choice) => choice === text);
    if (found === undefined) throw new InvalidArgumentError(`It must be one of ${choices.join(', ')}.`);
    return found;
  };
}

const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** `90s`, `30m`, `2h`, `7d`: milliseconds. */
export function duration(text: string): number {
  const found = /^(\d{1,6})([smhd])$/.exec(text);
  if (found === null)
    throw new InvalidArgumentError('It must be a number with s, m, h or d, for example 2h.');
  return Number(found[1]) * UNIT_MS[found[2] as keyof typeof UNIT_MS];
}

/** A date or instant (ISO 8601), or how long ago: `2h`. Answers epoch milliseconds by `now`. */
export function instant(now: () => number): (text: string) => number {
  return (text) => {
    if (/^\d{1,6}[smhd]$/.test(text)) return now() - duration(text);
    const at = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
    if (Number.isNaN(at)) {
      throw new InvalidArgumentError('It must be a date like 2026-01-31, an instant, or an age like 2h.');
    }
    return at;
  };
}
