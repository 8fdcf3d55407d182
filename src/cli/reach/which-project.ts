// The project a person means: by its id, its path, or a folder inside of it.

import { isAbsolute, relative, resolve, sep } from 'node:path';
import { type Client, everyPage } from '../../client/index.ts';
import type { Host } from '../../host/types.ts';
import { Failure } from '../../model/failure.ts';
import { exists } from './known-services.ts';

type Project = Awaited<ReturnType<Client['project']>>['project'];

/** @throws Failure `project-not-found`, which names what there is */
export async function whichProject(
  text: string,
  { client, host }: { client: Client; host: Host },
): Promise<Project> {
  const all = await everyProject(client);
  const byId = all.find(({ projectId }) => projectId === text);
  if (byId !== undefined) return byId;
  const path = resolve(host.cwd, text);
  const byPath = all.find((project) => project.path === path);
  if (byPath !== undefined) return byPath;
  // A mistyped id is no folder: inside of a project it must not mean that project.
  const around = (await exists(path)) ? all.filter((project) => isInside(path, project.path)) : [];
  const nearest = around.sort((a, b) => b.path.length - a.path.length)[0];
  if (nearest !== undefined) return nearest;
  const ids = all.slice(0, 20).map(({ projectId }) => projectId);
  const known = ids.length === 0 ? 'There is no project yet.' : `Projects: ${ids.join(', ')}.`;
  throw new Failure('project-not-found', `"${text}" is no project, and in none. ${known}`, {
    action: 'See `gitferry list`.',
  });
}

export async function everyProject(client: Client): Promise<Project[]> {
  const all: Project[] = [];
  for await (const page of everyPage((cursor) => client.projects({ limit: 500, ...(cursor && { cursor }) })))
    all.push(...page.projects);
  return all;
}

function isInside(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way === '' || (!isAbsolute(way) && way !== '..' && !way.startsWith(`..${sep}`));
}
