// A project as the command line shows it: its state, why, and what to do.

import type { Client } from '../client/index.ts';
import { NEEDS_ATTENTION } from '../model/project.ts';
import type { Paint, Tone } from './terminal/style.ts';
import { ageInWords } from './terminal/words.ts';

export type Project = Awaited<ReturnType<Client['project']>>['project'];

export const needsYou = ({ state }: Pick<Project, 'state'>): boolean => NEEDS_ATTENTION.has(state);

export function stateTone(state: Project['state']): Tone {
  if (state === 'safe') return 'green';
  if (NEEDS_ATTENTION.has(state)) return 'red';
  return state === 'paused' || state === 'disabled' ? 'dim' : 'yellow';
}

/** State, what waits, reason and action; one fact a line. */
export function describeProject(project: Project, now: number, paint: Paint): string[] {
  const { projectId, state, stateReason, path, lastSafeAt, heldFiles } = project;
  return [
    `${paint('bold', projectId)}  ${paint(stateTone(state), state)}  ${paint('dim', path)}`,
    ...(stateReason === null
      ? []
      : [`  ${stateReason.detail} (${stateReason.code})`, `  ${stateReason.action}`]),
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
