// Environment variables that look like ours and are not: mostly a slip of the pen, which would otherwise go unseen.

import { SETTING_KEYS, settingOf } from './settings.ts';

const PREFIX = 'SYNC_';

/** Variables that begin as ours do and that no setting reads, each with the known name that is most like it. */
export function unknownVariables(
  env: Readonly<Record<string, string | undefined>>,
): { variable: string; nearest: string }[] {
  const known = SETTING_KEYS.flatMap((key) => settingOf(key).env ?? []);
  return Object.keys(env)
    .filter((name) => name.startsWith(PREFIX) && env[name] !== undefined && !known.includes(name))
    .sort()
    .map((variable) => ({ variable, nearest: nearestOf(variable, known) }));
}

function nearestOf(name: string, known: readonly string[]): string {
  const distances = known.map((each) => ({ each, distance: editDistance(name, each) }));
  return distances.reduce((best, next) => (next.distance < best.distance ? next : best)).each;
}

/** How many letters have to be put in, taken out or changed to make `b` of `a`. */
function editDistance(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (const [row, letter] of [...a].entries()) {
    const line = [row + 1];
    for (const [column, other] of [...b].entries()) {
      const changed = (above[column] ?? 0) + (letter === other ? 0 : 1);
      line.push(Math.min(changed, (above[column + 1] ?? 0) + 1, (line[column] ?? 0) + 1));
    }
    above = line;
  }
  return above[b.length] ?? 0;
}
