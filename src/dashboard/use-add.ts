// Adding one folder: made a repository and given one on the host where the person wants it, then synced at once.

import { usePage } from './page-context.ts';
import type { Project } from './wire.ts';

export type AddWish = {
  path: string;
  /** Make a repository of a folder that is none. */
  init?: boolean;
  /** Make a private repository on the host, with this name. */
  create?: { name: string };
};

/** @throws ApiError */
export function useAdd(): (wish: AddWish) => Promise<Project> {
  const { api, live } = usePage();
  return async (wish) => {
    const body = { ...wish, github: { enabled: true } };
    const { project } = await api.send<{ project: Project }>('POST', '/api/sync/projects', body);
    const trigger = `/api/sync/trigger/${encodeURIComponent(project.projectId)}`;
    await api.send('POST', trigger, { immediate: true });
    await live.refresh([project.projectId]);
    return project;
  };
}

/** The last part of a path, as a host takes it for a name. */
export function repositoryName(path: string): string {
  const last =
    path
      .replace(/[\\/]+$/, '')
      .split(/[\\/]/)
      .at(-1) ?? '';
  return last
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 100);
}
