// What a soak tells a person: its seed, what was done to it, what it did, and what the auditor found.

import type { Violation } from './audit.ts';
import { MOMENTS, STEP_POINTS, WORKER_POINTS } from './fault-points.ts';
import type { SoakReport } from './run-soak.ts';

export type SoakCounts = {
  kills: number;
  freezes: number;
  serverKills: number;
  /** Fault points at which a process was struck, of all there are, with how often. */
  points: Map<string, number>;
  pointsInAll: number;
  saved: number;
  queued: number;
  runs: Map<string, number>;
  /** Reasons of runs that did not succeed, with how often. */
  reasons: Map<string, number>;
  events: number;
};

/** The producer's are the four of `enqueue`. */
const POINTS_IN_ALL = (WORKER_POINTS.length + 1) * MOMENTS.length + STEP_POINTS.length;

export function countsOf({ population, evidence, serverKills }: SoakReport): SoakCounts {
  const { entries, runs, events } = evidence;
  const points = entries.flatMap((entry) =>
    entry.kind === 'struck' ? [`${entry.point} ${entry.moment}`] : [],
  );
  return {
    ...{ kills: population.kills, freezes: population.freezes, serverKills },
    points: countUp(points),
    pointsInAll: POINTS_IN_ALL,
    saved: entries.filter(({ kind }) => kind === 'saved').length,
    queued: entries.filter(({ kind }) => kind === 'queued').length,
    runs: countUp(runs.map(({ status }) => status ?? 'unended')),
    reasons: countUp(runs.flatMap(({ error }) => (error === null ? [] : [error]))),
    events: events.length,
  };
}

function countUp(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

const MOST_OF_A_RULE = 5;

/** The first of every rule: one fault may break a rule a thousand times. */
function evenly(violations: readonly Violation[]): Violation[] {
  const rules = new Map<string, Violation[]>();
  for (const each of violations) rules.set(each.rule, [...(rules.get(each.rule) ?? []), each]);
  return [...rules.values()].flatMap((all) => all.slice(0, MOST_OF_A_RULE));
}

export function reportText(report: SoakReport): string {
  const counts = countsOf(report);
  const runs = [...counts.runs].map(([status, count]) => `${count} ${status}`);
  const { violations } = report;
  return [
    `seed ${report.seed}`,
    `${counts.kills} processes killed, ${counts.freezes} frozen beyond their lease, ${counts.serverKills} kills of the server`,
    `struck at ${counts.points.size} fault points (${counts.pointsInAll} are named)`,
    `${counts.saved} changes saved, ${counts.queued} told to the queue, ${counts.events} events`,
    `runs: ${runs.join(', ')}`,
    ...[...counts.reasons].map(([reason, count]) => `  ${count} × ${reason}`),
    violations.length === 0 ? 'the auditor found nothing' : `THE AUDITOR FOUND ${violations.length}:`,
    ...evenly(violations).map(({ rule, detail }) => `  ${rule}: ${detail}`),
  ].join('\n');
}
