import { describe, expect, test } from 'vitest';
import {
  GithubConfigPatchSchema,
  GithubConfigSchema,
  ProjectFileSchema,
} from '../../src/model/project-config.ts';
import { isQuiet, nextCronTime, quietWindow } from '../../src/model/schedule.ts';

const at = (text: string) => Date.parse(text);
const shown = (instant: number | null) => instant && new Date(instant).toISOString().replace(':00.000Z', 'Z');

/** The first `count` times of a schedule after an instant. */
function times(cron: string, timezone: string | undefined, after: string, count: number): unknown[] {
  const found: unknown[] = [];
  for (let last: number | null = at(after); found.length < count; ) {
    last = nextCronTime({ cron, timezone }, last ?? Number.NaN);
    found.push(shown(last));
  }
  return found;
}

describe('nextCronTime()', () => {
  test.each([
    ['working days', '0 18 * * 1-5', 'UTC', '2026-11-27T12:00Z', ['2026-11-27T18:00Z', '2026-11-30T18:00Z']],
    ['a nickname', '@daily', 'UTC', '2026-11-27T12:00Z', ['2026-11-28T00:00Z', '2026-11-29T00:00Z']],
    [
      'another zone',
      '0 9 * * *',
      'Asia/Tokyo',
      '2026-11-27T12:00Z',
      ['2026-11-28T00:00Z', '2026-11-29T00:00Z'],
    ],
    ['the instant itself, which is over', '0 * * * *', 'UTC', '2026-11-27T12:00Z', ['2026-11-27T13:00Z']],
    ['a leap day', '0 0 29 2 *', 'UTC', '2026-11-27T12:00Z', ['2028-02-29T00:00Z']],
  ])('finds %s', (_what, cron, timezone, after, expected) => {
    expect(times(cron, timezone, after, expected.length)).toEqual(expected);
  });

  test('comes once on the day whose summer time skips the hour, at the end of the gap', () => {
    expect(times('30 2 * * *', 'Europe/Berlin', '2026-03-28T00:00Z', 3)).toEqual([
      '2026-03-28T01:30Z',
      '2026-03-29T01:00Z',
      '2026-03-30T00:30Z',
    ]);
    expect(times('30 2 * * *', 'America/New_York', '2026-03-07T12:00Z', 2)).toEqual([
      '2026-03-08T07:00Z',
      '2026-03-09T06:30Z',
    ]);
  });

  test('comes once on the day whose winter time repeats the hour, also when asked from within', () => {
    const expected = ['2026-10-25T00:30Z', '2026-10-26T01:30Z'];
    expect(times('30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00Z', 2)).toEqual(expected);
    for (const within of ['2026-10-25T00:45Z', '2026-10-25T01:15Z', '2026-10-25T01:45Z']) {
      expect(times('30 2 * * *', 'Europe/Berlin', within, 1)).toEqual(['2026-10-26T01:30Z']);
    }
  });

  test('comes every hour through both changes', () => {
    const hours = (from: string) =>
      times('0 * * * *', 'Europe/Berlin', from, 6).map((text) => at(String(text)));
    for (const from of ['2026-03-28T22:30Z', '2026-10-24T22:30Z']) {
      const found = hours(from);
      expect(found.map((instant) => instant - at(from) - 1_800_000)).toEqual(
        [0, 1, 2, 3, 4, 5].map((n) => n * 3_600_000),
      );
    }
  });

  test('has no time without an expression, and for what cannot be used', () => {
    expect(nextCronTime({}, 0)).toBeNull();
    expect(nextCronTime({ cron: 'nonsense' }, 0)).toBeNull();
    expect(nextCronTime({ cron: '0 0 * * *', timezone: 'Mars/One' }, 0)).toBeNull();
  });
});

describe('quietWindow()', () => {
  const night = { quietHours: { from: '22:00', to: '07:00' }, timezone: 'Europe/Berlin' };
  const noon = { quietHours: { from: '12:00', to: '13:30' }, timezone: 'UTC' };
  test.each([
    ['before', night, '2026-11-27T20:59Z', '2026-11-27T21:00Z', '2026-11-28T06:00Z', false],
    ['at the beginning', night, '2026-11-27T21:00Z', '2026-11-27T21:00Z', '2026-11-28T06:00Z', true],
    ['after midnight', night, '2026-11-28T03:00Z', '2026-11-28T03:00Z', '2026-11-28T06:00Z', true],
    ['at the end', night, '2026-11-28T06:00Z', '2026-11-28T21:00Z', '2026-11-29T06:00Z', false],
    ['within one day', noon, '2026-11-27T12:30Z', '2026-11-27T12:30Z', '2026-11-27T13:30Z', true],
    ['within one day, after', noon, '2026-11-27T14:00Z', '2026-11-28T12:00Z', '2026-11-28T13:30Z', false],
    // One hour shorter and one hour longer than other nights.
    ['in the night of spring', night, '2026-03-28T21:00Z', '2026-03-28T21:00Z', '2026-03-29T05:00Z', true],
    ['in the night of autumn', night, '2026-10-24T20:00Z', '2026-10-24T20:00Z', '2026-10-25T06:00Z', true],
  ])('knows them %s', (_where, schedule, now, from, until, quiet) => {
    const window = quietWindow(schedule, at(now));
    expect([shown(window?.from ?? null), shown(window?.until ?? null)]).toEqual([from, until]);
    expect(isQuiet(schedule, at(now))).toBe(quiet);
  });

  test('there are none without settings, and none in a zone that is not known here', () => {
    expect(quietWindow({}, 0)).toBeNull();
    expect(quietWindow({ ...night, timezone: 'Mars/One' }, 0)).toBeNull();
    expect(isQuiet(undefined, 0)).toBe(false);
  });
});

describe('settings', () => {
  const file = (schedule: object) => ProjectFileSchema.safeParse({ version: 2, github: { schedule } });
  const patch = (schedule: object) => GithubConfigPatchSchema.safeParse({ schedule });

  test.each([
    [{ cron: '61 * * * *' }, 'cron', 'is no cron expression'],
    [{ cron: '* * * * * *' }, 'cron', 'is no cron expression'],
    [{ cron: '2030-01-01T00:00:00' }, 'cron', 'is no cron expression'],
    [{ cron: '0 0 30 2 *' }, 'cron', 'never comes'],
    [{ timezone: 'Mars/One' }, 'timezone', 'is no time zone'],
    [{ quietHours: { from: '24:00', to: '07:00' } }, 'quietHours.from', 'must be a time'],
    [{ quietHours: { from: '07:00', to: '07:00' } }, 'quietHours', 'different times'],
  ])('a person who writes %j is told where and why', (schedule, path, message) => {
    for (const parsed of [file(schedule), patch(schedule)]) {
      expect(parsed.error?.issues[0]?.path.join('.')).toMatch(new RegExp(`${path}$`));
      expect(parsed.error?.issues[0]?.message).toContain(message);
    }
  });

  test('a stored row is read on a machine that does not know its zone', () => {
    const stored = { schedule: { cron: '0 9 * * *', timezone: 'Mars/One' } };
    expect(GithubConfigSchema.safeParse(stored).success).toBe(true);
  });
});
