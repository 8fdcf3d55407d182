// The folders a person named on the command line: a work tree becomes an enabled project, a folder that holds
// work trees is a root: what lies under it is listed, and synced only when its project.json says so.

import { classifyFolder, discoverRepositories, type Discovered } from '../detect/discover.ts';
import type { Log } from '../host/log.ts';
import { Failure } from '../model/failure.ts';
import { type EnrolPorts, enrolProject } from './enrol.ts';

/**
 * Answers one line a folder for the person.
 * @throws Failure for the first folder that is neither; nothing after it is enrolled
 */
export async function enrolFolders(
  folders: readonly string[],
  ports: EnrolPorts & { log: Log },
): Promise<{ lines: string[]; roots: string[] }> {
  const lines: string[] = [];
  const roots: string[] = [];
  for (const folder of folders) {
    const kind = await classifyFolder(folder);
    if (kind === 'work-tree') {
      const project = await enrolProject({ path: folder }, ports);
      lines.push(`${project.projectId}: ${project.github.enabled ? 'syncing' : 'disabled'} ${project.path}`);
    } else if (kind === 'root') {
      roots.push(folder);
    } else {
      throw new Failure('not-a-repository', `${folder} is no git work tree and holds none.`);
    }
  }
  return { lines, roots };
}

/** Enrols what lies under the roots and consented in its project.json; lists the rest. */
export async function enrolConsented(
  roots: readonly string[],
  maxDepth: number,
  ports: EnrolPorts & { log: Log },
): Promise<{ enrolled: string[]; listed: Discovered[] }> {
  const enrolled: string[] = [];
  const listed: Discovered[] = [];
  for (const found of await discoverRepositories(roots, { maxDepth })) {
    if (found.projectFile !== 'enabled') {
      listed.push(found);
      continue;
    }
    const project = await enrolProject({ path: found.path }, ports);
    enrolled.push(project.projectId);
  }
  return { enrolled, listed };
}
