// Texts for instants, durations and sizes. Pure; instants are epoch milliseconds or ISO texts.

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** `12 s ago`, `in 3 min`; whole units, never more than one. */
export function agoText(instant: string | number, now: number): string {
  const at = typeof instant === 'number' ? instant : Date.parse(instant);
  const away = now - at;
  if (Math.abs(away) < SECOND_MS) return 'just now';
  const text = spanText(Math.abs(away));
  return away > 0 ? `${text} ago` : `in ${text}`;
}

/** One rounded-down unit: `59 s`, `3 min`, `5 h`, `2 days`. */
export function spanText(ms: number): string {
  if (ms < MINUTE_MS) return `${Math.floor(ms / SECOND_MS)} s`;
  if (ms < HOUR_MS) return `${Math.floor(ms / MINUTE_MS)} min`;
  if (ms < 2 * DAY_MS) return `${Math.floor(ms / HOUR_MS)} h`;
  return `${Math.floor(ms / DAY_MS)} days`;
}

/** To the second, as it runs down: `45 s`, `1 min 5 s`, `2 h 3 min`. */
export function countdownText(ms: number): string {
  const seconds = Math.ceil(ms / SECOND_MS);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

/** How long something took: `61 ms`, `1.2 s`, `2 min 5 s`. */
export function durationText(ms: number): string {
  if (ms < SECOND_MS) return `${Math.round(ms)} ms`;
  if (ms < MINUTE_MS) return `${(ms / SECOND_MS).toFixed(1)} s`;
  return `${Math.floor(ms / MINUTE_MS)} min ${Math.floor((ms % MINUTE_MS) / SECOND_MS)} s`;
}

export function bytesText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let size = bytes;
  let unit = 0;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${unit === 0 || size >= 100 ? Math.round(size) : size.toFixed(1)} ${units[unit]}`;
}

/** In the person's own time zone and manner. */
export function instantText(instant: string | number): string {
  return new Date(instant).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
}

export function timeText(instant: string | number): string {
  return new Date(instant).toLocaleTimeString();
}

export function countText(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString()} ${count === 1 ? one : many}`;
}

export const shortId = (id: string) => id.slice(0, 7);

/** What to do, without the words for programs and the command line: the page has buttons for these. */
export function adviceText(action: string): string {
  return action.replace(/ \((?:(?:GET|POST|PUT|PATCH|DELETE) |`gitferry )[^)]*\)/g, '');
}

/** What a person typed as local time; nothing, or half of it, filters nothing. */
export function instantOf(local: string): string | undefined {
  const at = Date.parse(local);
  return Number.isNaN(at) ? undefined : new Date(at).toISOString();
}
