// The folders a person named on the command line: a work tree becomes an enabled project, a folder that holds
// work trees is a root: what lies under it is listed, and synced only when its project.json says so.

import { classifyFolder, discoverRepositories } from '../detect/discover.ts';
import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import { Failure } from '../model/failure.ts';
import { needsAttention, type Project, projectState } from '../model/project.ts';
import type { ProjectTable } from '../runner/project-table.ts';
import { firstCloneOf } from '../store/project-ids.ts';
import { type EnrolPorts, enrolProject } from './enrol.ts';

/**
 * Answers one line a folder for the person.
 * @throws Failure that names every folder that is neither; nothing is enrolled then
 */
export async function enrolFolders(
  folders: readonly string[],
  ports: EnrolPorts & { clock: Pick<Clock, 'now'>; autoStart: boolean },
): Promise<{ lines: string[]; roots: string[] }> {
  const lines: string[] = [];
  const roots: string[] = [];
  for (const { folder, kind } of await classifyAll(folders)) {
    if (kind === 'work-tree') {
      const project = await enrolProject({ path: folder }, ports);
      lines.push(`${project.projectId}: ${standing(project, ports)}${sameAs(project)}`);
    } else roots.push(folder);
  }
  return { lines, roots };
}

/** @throws Failure `not-a-repository` */
async function classifyAll(folders: readonly string[]) {
  const refused: string[] = [];
  const known: { folder: string; kind: 'work-tree' | 'root' }[] = [];
  for (const folder of folders) {
    const kind = await classifyFolder(folder);
    if (kind === 'work-tree' || kind === 'root') known.push({ folder, kind });
    else refused.push(folder);
  }
  if (refused.length === 0) return known;
  const [verb, hold] = refused.length === 1 ? ['is', 'holds'] : ['are', 'hold'];
  throw new Failure('not-a-repository', `${refused.join(', ')} ${verb} no git work tree and ${hold} none.`);
}

/** Said where a person would look for the other name. */
function sameAs(project: Project): string {
  const first = firstCloneOf(project);
  return first === null ? '' : ` (${first} is the same repository on another machine)`;
}

/** As far as it is known before anything was compared. */
function standing(
  project: Project,
  { clock, autoStart }: { clock: Pick<Clock, 'now'>; autoStart: boolean },
): string {
  const { state, reason } = projectState({ ...project, job: null, gate: null, now: clock.now() });
  if (needsAttention(state, reason)) return `${state} ${project.path}${reason ? `: ${reason.detail}` : ''}`;
  if (state === 'disabled' || state === 'paused') return `${state} ${project.path}`;
  return `${autoStart ? 'syncing' : 'not started'} ${project.path}`;
}

/** Enrols what lies under the roots and consented in its project.json. Known projects are left alone. */
export async function enrolConsented(
  roots: readonly string[],
  maxDepth: number,
  ports: EnrolPorts & { log: Log; projects: ProjectTable },
): Promise<void> {
  if (roots.length === 0) return;
  const known = new Set(ports.projects.all().map((project) => project.path));
  for (const found of await discoverRepositories(roots, { maxDepth })) {
    if (found.projectFile !== 'enabled' || known.has(found.path)) continue;
    try {
      ports.projects.put(await enrolProject({ path: found.path }, ports));
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      ports.log.warn(
        { path: found.path, code: error.code },
        'a project that asks to be synced was not taken in',
      );
    }
  }
}
