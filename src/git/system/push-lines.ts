// Reads what `git push --porcelain --progress` writes. Pure.

export type PushLine = {
  /** `!` refused, `=` up to date, `*` new, a blank for a fast-forward. */
  flag: string;
  /** The remote's tip before, where git names it. */
  from: string | null;
  to: string | null;
  /** For a refusal: what stands in the parentheses. */
  reason: string;
  /** Refused by the remote's side, not by git here. */
  byRemote: boolean;
};

const UNITS: Readonly<Record<string, number>> = { bytes: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };
const PROGRESS =
  /^(?:remote: )?(?:Enumerating|Counting|Compressing|Writing|Resolving|Delta|Total|Uploading|Locking|Filtering)\b.*$/;

/** The line of the one branch that was pushed; null when git did not come so far. */
export function readPushLine(out: string): PushLine | null {
  for (const line of out.split('\n')) {
    const [flag = '', refs = '', summary = ''] = line.split('\t');
    if (!/^[ *=!+-]$/.test(flag) || !refs.includes(':')) continue;
    const [, from = null, to = null] = /^([0-9a-f]{40})\.\.([0-9a-f]{40})/.exec(summary) ?? [];
    const reason = /\((.*)\)$/.exec(summary)?.[1] ?? summary;
    return { flag, from, to, reason, byRemote: summary.startsWith('[remote ') };
  }
  return null;
}

/** The size of the pack as git says it: rounded above 1 KiB. 0 when nothing was sent. */
export function sentBytes(err: string): number {
  const [, number = '0', unit = 'bytes'] =
    /Writing objects: 100% \(\d+\/\d+\), ([\d.]+) (bytes|KiB|MiB|GiB)/.exec(err) ?? [];
  return Math.round(Number(number) * (UNITS[unit] ?? 1));
}

/** The words for people, without progress. */
export function pushMessages(err: string): string {
  const lines = err.split(/[\r\n]+/).map((line) => line.trimEnd());
  return lines.filter((line) => line !== '' && !PROGRESS.test(line)).join('\n');
}
