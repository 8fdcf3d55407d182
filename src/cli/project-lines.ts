// A project as the command line shows it: its state, why, and what to do.

import type { Client } from '../client/index.ts';
import { STANDING_CODES } from '../model/failure-codes.ts';
import { NEEDS_ATTENTION, needsAttention } from '../model/project.ts';
import type { Paint, Tone } from './terminal/style.ts';
import { ageInWords, count } from './terminal/words.ts';

const STANDING: ReadonlySet<string> = STANDING_CODES;

export type Project = Awaited<ReturnType<Client['project']>>['project'];

export const needsYou = ({ state, stateReason }: Pick<Project, 'state' | 'stateReason'>): boolean =>
  needsAttention(state, stateReason);

export function stateTone(state: Project['state']): Tone {
  if (state === 'safe') return 'green';
  if (NEEDS_ATTENTION.has(state)) return 'red';
  return state === 'paused' || state === 'disabled' ? 'dim' : 'yellow';
}

/** An answer from elsewhere stopped it, and nothing here tells when that changed: it is not asked again by itself. */
function isParked({ state, stateReason }: Project): boolean {
  const isStopped = state === 'blocked' || state === 'paused';
  return isStopped && stateReason !== null && !STANDING.has(stateReason.code);
}

/** State, what waits, reason and action; one fact a line. */
export function describeProject(project: Project, now: number, paint: Paint): string[] {
  const { projectId, state, stateReason, path, lastSafeAt, heldFiles } = project;
  return [
    `${paint('bold', projectId)}  ${paint(stateTone(state), state)}  ${paint('dim', path)}`,
    ...(stateReason === null
      ? []
      : [`  ${stateReason.detail} (${stateReason.code})`, `  ${stateReason.action}`]),
    ...(isParked(project) ? [`  Then: gitferry sync ${projectId}`] : []),
    ...(heldFiles.length === 0 ? [] : [`  held back: ${heldFiles.map((file) => file.path).join(', ')}`]),
    `  ${paint('dim', `last safe: ${ageInWords(lastSafeAt, now)}`)}`,
  ];
}

/** What is not on the remote yet, in few words. */
export function waitingInWords({ pendingFiles, unpushedCommits, behindCommits }: Project): string {
  const parts = [
    pendingFiles > 0 ? `${pendingFiles} changed` : '',
    unpushedCommits > 0 ? `${unpushedCommits} unpushed` : '',
    behindCommits > 0 ? `${behindCommits} behind` : '',
  ];
  return parts.filter((part) => part !== '').join(', ');
}

/** Held files keep nobody from being safe, and are easily overlooked; null when there are none. */
export function heldInWords(projects: readonly Pick<Project, 'heldFiles'>[]): string | null {
  const files = projects.reduce((sum, { heldFiles }) => sum + heldFiles.length, 0);
  if (files === 0) return null;
  return `${count(files, 'file')} ${files === 1 ? 'is' : 'are'} held back on this machine: \`gitferry hold list\`.`;
}
