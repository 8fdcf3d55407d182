// The one sentence at the top: whether everything is safe. Pure.

import { agoText, countText } from './format.ts';
import type { Connection } from './store.ts';
import type { Project, Status } from './wire.ts';

export type Tone = 'good' | 'wait' | 'bad' | 'quiet';
export type Summary = { tone: Tone; headline: string; detail: string };

const NEEDS_PERSON: ReadonlySet<Project['state']> = new Set(['conflict', 'blocked', 'missing']);

export function toneOf(state: Project['state']): Tone {
  if (state === 'safe') return 'good';
  if (NEEDS_PERSON.has(state)) return 'bad';
  return state === 'paused' || state === 'disabled' ? 'quiet' : 'wait';
}

/** Cannot go on by itself. */
export const needsPerson = ({ state, stateReason }: Project): boolean =>
  NEEDS_PERSON.has(state) || (state === 'paused' && stateReason !== null);

export const toneOfProject = (project: Project): Tone =>
  needsPerson(project) ? 'bad' : toneOf(project.state);

/** Safe but for files that stay on this machine: worth a look, and no alarm. */
export const holdsBack = (project: Project): boolean =>
  project.heldFiles.length > 0 && project.state !== 'disabled' && !needsPerson(project);

type Known = { status: Status | null; projects: readonly Project[]; connection: Connection; now: number };

/** `now` is the service's epoch milliseconds. */
export function summarize({ status, projects, connection, now }: Known): Summary {
  if (connection.kind === 'lost') {
    return { tone: 'quiet', headline: 'Not known at the moment', detail: 'The service does not answer.' };
  }
  if (status === null || connection.kind === 'connecting') {
    return { tone: 'quiet', headline: 'Looking…', detail: 'Asking the service.' };
  }
  if (!status.database.reachable) {
    const { reason, owed } = status.database;
    const waiting = owed.total > 0 ? `${countText(owed.total, 'project')} committed here and waiting.` : '';
    return {
      tone: 'bad',
      headline: 'The shared queue is away',
      detail: `${reason?.detail ?? ''} ${waiting}`.trim(),
    };
  }
  if (!status.serviceRunning) {
    return { tone: 'bad', headline: 'Syncing is stopped', detail: 'Nothing is pushed until it is started.' };
  }
  return ofProjects(projects, now);
}

function ofProjects(projects: readonly Project[], now: number): Summary {
  const watched = projects.filter(({ state }) => state !== 'disabled');
  const last = lastChange(watched, now);
  if (watched.length === 0) return { tone: 'quiet', headline: 'No project is synced yet', detail: '' };
  const people = watched.filter(needsPerson).length;
  if (people > 0) {
    const safe = watched.filter(({ state }) => state === 'safe').length;
    return {
      tone: 'bad',
      headline: people === 1 ? '1 project needs you' : `${people} projects need you`,
      detail: `${safe} of ${countText(watched.length, 'project')} ${safe === 1 ? 'is' : 'are'} safe${last}`,
    };
  }
  const paused = watched.filter(({ state }) => state === 'paused').length;
  const onTheWay = watched.filter(({ state }) => state !== 'safe' && state !== 'paused').length;
  if (onTheWay > 0) {
    const rest = watched.length - onTheWay - paused;
    return {
      tone: 'wait',
      headline: `${countText(onTheWay, 'project')} on the way`,
      detail: `${rest} of ${watched.length} safe${pausedText(paused)}${last}`,
    };
  }
  if (paused > 0) {
    return {
      tone: 'wait',
      headline: `${countText(paused, 'project')} paused`,
      detail: `${watched.length - paused} of ${watched.length} safe${last}`,
    };
  }
  const held = watched.reduce((sum, { heldFiles }) => sum + heldFiles.length, 0);
  const heldText = held === 0 ? '' : `, ${countText(held, 'file')} held back`;
  return {
    tone: 'good',
    headline: allSafe(watched.length),
    detail: `${last}${heldText}`.replace(/^, l/, 'L'),
  };
}

function allSafe(count: number): string {
  return count === 1 ? 'Your project is safe' : `All ${count.toLocaleString()} projects are safe`;
}

const pausedText = (paused: number) => (paused === 0 ? '' : `, ${paused} paused`);

function lastChange(projects: readonly Project[], now: number): string {
  const times = projects.flatMap(({ lastSync }) => (lastSync ? [Date.parse(lastSync.finishedAt)] : []));
  return times.length === 0 ? '' : `, last sync ${agoText(Math.max(...times), now)}`;
}
