// Which projects are listed, and in which order. Pure.

import { toneOfProject } from './summary.ts';
import type { Project } from './wire.ts';

export const ORDERS = ['attention', 'name', 'last-safe', 'activity'] as const;
export type Order = (typeof ORDERS)[number];
export const FILTERS = ['all', 'unsafe', 'safe', 'paused', 'disabled'] as const;
export type Filter = (typeof FILTERS)[number];

const TONES = { bad: 0, wait: 1, good: 2, quiet: 3 } as const;

type Wish = { text: string; filter: Filter; order: Order; activity: ReadonlyMap<string, readonly number[]> };

export function listProjects(projects: Iterable<Project>, wish: Wish): Project[] {
  const words = wish.text.toLowerCase().split(/\s+/).filter(Boolean);
  const found = [...projects].filter((project) => fits(project, wish.filter) && holds(project, words));
  return found.sort((a, b) => compare(a, b, wish) || a.projectName.localeCompare(b.projectName));
}

function fits(project: Project, filter: Filter): boolean {
  switch (filter) {
    case 'all':
      return true;
    case 'unsafe':
      return toneOfProject(project) === 'bad' || toneOfProject(project) === 'wait';
    case 'safe':
    case 'paused':
    case 'disabled':
      return project.state === filter;
    default:
      return filter satisfies never;
  }
}

function holds(project: Project, words: readonly string[]): boolean {
  const { projectName, projectId, path, branch, state } = project;
  const text = `${projectName} ${projectId} ${path} ${branch ?? ''} ${state}`.toLowerCase();
  return words.every((word) => text.includes(word));
}

function compare(a: Project, b: Project, { order, activity }: Wish): number {
  switch (order) {
    case 'attention':
      return TONES[toneOfProject(a)] - TONES[toneOfProject(b)];
    case 'name':
      return 0;
    case 'last-safe':
      return (a.lastSafeAt ?? '').localeCompare(b.lastSafeAt ?? '');
    case 'activity':
      return total(activity.get(b.projectId)) - total(activity.get(a.projectId));
    default:
      return order satisfies never;
  }
}

function total(hours: readonly number[] = []): number {
  return hours.reduce((sum, count) => sum + count, 0);
}
