// Figures in words: durations, ages, sizes and counts. Pure.

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
] as const;

/** The largest unit alone: `3 min`; below a second in milliseconds. */
export function durationInWords(ms: number): string {
  for (const [unit, size] of UNITS) if (ms >= size) return `${Math.floor(ms / size)} ${unit}`;
  return `${Math.round(ms)} ms`;
}

/** `instant` as the API writes it. */
export function ageInWords(instant: string | null, now: number): string {
  if (instant === null) return 'never';
  const age = now - Date.parse(instant);
  return age < 1_000 ? 'now' : `${durationInWords(age)} ago`;
}

/** How long until then; "now" for what is past. */
export function untilInWords(instant: string | null, now: number): string {
  if (instant === null) return '';
  const left = Date.parse(instant) - now;
  return left <= 0 ? 'now' : `in ${durationInWords(left)}`;
}

export function sizeInWords(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${(bytes / 1_000).toFixed(1)} kB`;
  if (bytes < 1_000_000_000) return `${(bytes / 1_000_000).toFixed(1)} MB`;
  return `${(bytes / 1_000_000_000).toFixed(1)} GB`;
}

export function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}

/** Local time to the second, as a log shows it. */
export function timeInWords(instant: string): string {
  const date = new Date(instant);
  const two = (value: number) => String(value).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}
