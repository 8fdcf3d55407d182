// When a project is due by the clock: its cron times and its quiet hours, both in its own time zone. Pure; knows
// neither the queue nor what a sync does.

import { Cron } from 'croner';

/** Local times as `HH:MM`; `to` before `from` means the next day. */
type QuietHours = { from: string; to: string };

export type ScheduleTimes = {
  cron?: string | undefined;
  /** IANA name; left out: the machine's own. */
  timezone?: string | undefined;
  quietHours?: QuietHours | undefined;
};

/** From `from`, included, to `until`, excluded; epoch milliseconds. */
export type QuietWindow = { from: number; until: number };

const FIVE_FIELDS = /^\s*(?:@\w+|\S+(?:\s+\S+){4})\s*$/;

/**
 * The first instant after `after` (epoch milliseconds) at which the cron expression is due; null without one, and for
 * one that cannot be used here. A time that summer time skips comes at the end of the gap, one that it repeats comes
 * once.
 */
export function nextCronTime({ cron, timezone }: ScheduleTimes, after: number): number | null {
  if (cron === undefined || faultOfCron(cron) !== null) return null;
  if (timezone !== undefined && faultOfTimezone(timezone) !== null) return null;
  return nextTime(cron, timezone, after);
}

/**
 * The quiet hours in which `now` lies, otherwise the next ones; null without any. Of those that have begun only the
 * end is looked up: `from` is then `now`.
 */
export function quietWindow({ quietHours, timezone }: ScheduleTimes, now: number): QuietWindow | null {
  if (quietHours === undefined) return null;
  if (timezone !== undefined && faultOfTimezone(timezone) !== null) return null;
  const [begin, end] = [daily(quietHours.from), daily(quietHours.to)];
  const from = nextTime(begin, timezone, now);
  const until = nextTime(end, timezone, now);
  if (from === null || until === null) return null;
  if (until < from) return { from: now, until };
  const after = nextTime(end, timezone, from);
  return after === null ? null : { from, until: after };
}

/** Whether `now` lies in the quiet hours. */
export function isQuiet(times: ScheduleTimes | undefined, now: number): boolean {
  const window = times === undefined ? null : quietWindow(times, now);
  return window !== null && window.from <= now;
}

/** Why the text is no cron expression that ever comes; null when it is one. */
export function faultOfCron(cron: string): string | null {
  const other = 'is no cron expression of five fields, for example "0 18 * * 1-5"';
  // A single date would be understood too.
  if (!FIVE_FIELDS.test(cron)) return other;
  try {
    return nextTime(cron, 'UTC', 0) === null ? 'never comes' : null;
  } catch {
    return other;
  }
}

/** Why there is no such time zone; null when there is. */
export function faultOfTimezone(timezone: string): string | null {
  try {
    new Intl.DateTimeFormat('en', { timeZone: timezone });
    return null;
  } catch {
    return 'is no time zone, for example "Europe/Berlin"';
  }
}

function nextTime(cron: string, timezone: string | undefined, after: number): number | null {
  // Five fields: what is due every second would never let the queue rest.
  const pattern = new Cron(cron, {
    mode: '5-part',
    paused: true,
    ...(timezone !== undefined && { timezone }),
  });
  return pattern.nextRun(new Date(after))?.getTime() ?? null;
}

/** `HH:MM` as a cron expression. */
function daily(time: string): string {
  const [hour, minute] = time.split(':');
  return `${Number(minute)} ${Number(hour)} * * *`;
}
