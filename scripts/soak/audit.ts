// The auditor: judges what a soak left behind. Pure functions over rows, events, the journal and the remotes; each
// rule has a name, and a test that plants the bug which only this rule is for.

import { blobOf } from './changes.ts';
import type { EventEvidence, Evidence, ProjectEvidence, RunEvidence } from './evidence.ts';
import type { Entry } from './journal.ts';

export type Violation = { rule: string; detail: string };

type Rule = (evidence: Evidence) => string[];

const DONE = new Set(['success', 'no-change']);

/** Every rule that is broken, with what breaks it; empty when all holds. */
export function audit(evidence: Evidence): Violation[] {
  return Object.entries(RULES).flatMap(([rule, find]) => find(evidence).map((detail) => ({ rule, detail })));
}

const RULES: Record<string, Rule> = {
  'change-lost': ({ entries, runs }) => {
    const covered = new Map<string, number>();
    for (const run of runs) {
      if (!DONE.has(run.status ?? '')) continue;
      covered.set(run.project, Math.max(covered.get(run.project) ?? 0, run.generation));
    }
    return entriesOf(entries, 'queued')
      .filter(({ project, generation }) => generation > (covered.get(project) ?? 0))
      .map(({ project, change, generation }) => {
        const text = `Change ${change} of ${project} was queued as generation ${generation}`;
        return `${text}; the last one that a sync finished is ${covered.get(project) ?? 'none'}.`;
      });
  },

  'change-told-too-early': ({ entries, jobs }) => {
    const wanted = new Map(jobs.map((job) => [job.project, job.wanted]));
    const taken = new Map<string, number>();
    return entriesOf(entries, 'queued').flatMap(({ project, change, generation }) => {
      const key = `${project} ${generation}`;
      const other = taken.get(key);
      taken.set(key, change);
      if (other !== undefined) {
        return [
          `Changes ${other} and ${change} of ${project} were both told to be generation ${generation}.`,
        ];
      }
      if (generation <= (wanted.get(project) ?? 0)) return [];
      return [
        `Change ${change} of ${project} was told to be generation ${generation}, which there never was.`,
      ];
    });
  },

  'change-not-on-remote': ({ entries, projects }) => {
    const remotes = byProject(projects);
    return entriesOf(entries, 'saved').flatMap(({ project, change }) => {
      const found = remotes.get(project)?.changes.get(change);
      if (found?.blob === blobOf(change)) return [];
      return [`Change ${change} of ${project} is ${found ? 'not as saved' : 'not there'}.`];
    });
  },

  'change-committed-twice': ({ projects }) =>
    projects.flatMap(({ project, changes }) =>
      [...changes]
        .filter(([, { commits }]) => commits > 1)
        .map(([change, { commits }]) => `Change ${change} of ${project} is in ${commits} commits.`),
    ),

  'runs-overlap': ({ runs }) =>
    inTurn(runs).flatMap(([before, after]) => {
      if (before.finishedAt !== null && before.finishedAt <= after.startedAt) return [];
      return [`${named(after)} began before ${named(before)} had ended.`];
    }),

  'run-unended': ({ runs }) =>
    runs.filter(({ status }) => status === null).map((run) => `${named(run)} never ended.`),

  'run-unaccounted': ({ jobs, runs }) =>
    jobs.flatMap(({ id, project, fence }) => {
      const count = runs.filter(({ jobId }) => jobId === id).length;
      return count === fence ? [] : [`${project} was claimed ${fence} times and has ${count} runs.`];
    }),

  'lease-ignored': ({ runs, lives, entries, leaseMs }) => {
    const killed = new Map(lives.map((life) => [life.who, life.killedAt]));
    // Who ended itself was dead before its parent knew.
    for (const { who, act, at } of entriesOf(entries, 'struck')) if (act === 'kill') killed.set(who, at);
    return runs.flatMap((run) => {
      if (run.status !== 'crashed' || run.finishedAt === null) return [];
      const killedAt = killed.get(run.worker) ?? null;
      const wasDead = killedAt !== null && killedAt - CLOCK_STEP_MS <= run.finishedAt;
      // A lease that was never renewed is the shortest.
      if (wasDead || run.finishedAt - run.startedAt >= leaseMs - CLOCK_STEP_MS) return [];
      return [`${named(run)} was taken from a living worker after ${run.finishedAt - run.startedAt} ms.`];
    });
  },

  'settled-without-claim': ({ entries, runs }) => {
    const statuses = new Map(runs.map((run) => [`${run.jobId} ${run.fence}`, run.status]));
    return entriesOf(entries, 'settled').flatMap(({ who, jobId, fence, status }) => {
      const there = statuses.get(`${jobId} ${fence}`);
      if (there === status) return [];
      return [
        `${who} settled job ${jobId}, fence ${fence}, as ${status}; its run says ${there ?? 'nothing'}.`,
      ];
    });
  },

  'worked-at-once': ({ entries }) => {
    const steps = entriesOf(entries, 'step').map((step) => ({ ...step, run: `${step.who} ${step.fence}` }));
    const last = new Map<string, number>();
    steps.forEach(({ project, run }, at) => void last.set(`${project} ${run}`, at));
    const at = new Map<string, { run: string; until: number }>();
    return steps.flatMap(({ project, run, name }, index) => {
      const open = at.get(project);
      at.set(project, { run, until: last.get(`${project} ${run}`) ?? index });
      if (!open || open.run === run || open.until < index) return [];
      return [`${run} came to ${name} in ${project} while ${open.run} was at work there.`];
    });
  },

  'event-gap': ({ events }) =>
    events.flatMap(({ id }, at) => {
      const expected = (events[at - 1]?.id ?? 0) + 1;
      return id === expected ? [] : [`Event ${expected} is not there; the next one is ${id}.`];
    }),

  'event-unheard': ({ events, heard }) => {
    const at = events.findIndex(({ id }, index) => heard[index] !== id);
    if (at < 0 && heard.length === events.length) return [];
    const index = at < 0 ? events.length : at;
    return [`At place ${index} a listener got event ${heard[index]}; event ${events[index]?.id} is stored.`];
  },

  'event-missing': ({ events, runs }) => {
    const count = (type: string) => events.filter((event) => event.type === type).length;
    const ended = runs.filter(({ status }) => status !== null).length;
    return [
      ...differs('job.running', count('job.running'), runs.length),
      ...differs('run.finished', count('run.finished'), ended),
    ];
  },

  'event-out-of-order': ({ events }) => {
    const states = new Map<number, string>();
    return events.flatMap((event) => {
      const state = stateIn(event);
      if (state === null || event.jobId === null) return [];
      const before = states.get(event.jobId) ?? null;
      states.set(event.jobId, state);
      if (event.from === before) return [];
      return [`Event ${event.id} takes job ${event.jobId} from ${event.from}; it was ${before}.`];
    });
  },

  'job-waits-for-ever': ({ jobs }) =>
    jobs
      .filter(({ state, wanted, done }) => state !== 'idle' || wanted !== done)
      .map(({ project, state }) => `${project} is still ${state} after all was to be quiet.`),

  'repository-unhealthy': ({ projects }) =>
    projects.flatMap(({ project, localTip, remoteTip, complaints }) => [
      ...complaints.map((complaint) => `${project}: ${complaint}`),
      ...(localTip === remoteTip ? [] : [`${project} is at ${localTip} here and at ${remoteTip} there.`]),
    ]),

  'database-damaged': ({ integrity }) => (integrity ?? []).filter((answer) => answer !== 'ok'),

  'process-failed': ({ lives }) =>
    lives
      .filter(({ exitCode }) => exitCode !== null && exitCode !== 0)
      .map(({ who, exitCode }) => `${who} ended by itself with ${exitCode}.`),

  'unexplained-fault': ({ entries }) => entriesOf(entries, 'fault').map(({ who, text }) => `${who}: ${text}`),
};

export const RULE_NAMES: readonly string[] = Object.keys(RULES);

/** The database's clock and ours are read at different moments. */
const CLOCK_STEP_MS = 50;

function entriesOf<K extends Entry['kind']>(entries: readonly Entry[], kind: K) {
  return entries.filter((entry): entry is Extract<Entry, { kind: K }> => entry.kind === kind);
}

const byProject = (projects: readonly ProjectEvidence[]) =>
  new Map(projects.map((project) => [project.project, project]));

/** Runs of one job that follow each other; they come ordered by job and fence. */
function inTurn(runs: readonly RunEvidence[]): [RunEvidence, RunEvidence][] {
  return runs.flatMap((run, at): [RunEvidence, RunEvidence][] => {
    const next = runs[at + 1];
    return next && next.jobId === run.jobId ? [[run, next]] : [];
  });
}

const named = ({ project, fence, worker }: RunEvidence) => `Run ${fence} of ${project} by ${worker}`;

function differs(type: string, found: number, expected: number): string[] {
  return found === expected ? [] : [`There are ${found} events ${type} for ${expected} runs.`];
}

function stateIn({ type }: EventEvidence): string | null {
  return type.startsWith('job.') ? type.slice('job.'.length) : null;
}
