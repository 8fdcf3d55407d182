// The watcher asks of every folder whether git ignores it; the rules of a repository are opened once.

import { type IgnoreRules, openIgnoreRules } from '../git/changes/ignore.ts';
import { readGitConfig } from '../git/config/user-config.ts';
import { toRepoPath } from '../git/paths.ts';
import { openRepository } from '../git/repository.ts';
import { Failure } from '../model/failure.ts';
import type { ProjectId } from '../model/ids.ts';
import type { Project } from '../model/project.ts';

type Ports = { env: Readonly<Record<string, string | undefined>>; homeDir: string };

export type IgnoreCache = {
  /** False where it cannot be told: a watch too many is better than a change unseen. */
  isIgnored(project: Project, path: string, isFolder: boolean): Promise<boolean>;
  /** The project is not watched any more. */
  forget(projectId: ProjectId): void;
};

export function createIgnoreCache(ports: Ports): IgnoreCache {
  const opened = new Map<ProjectId, { path: string; rules: Promise<IgnoreRules> }>();
  return {
    async isIgnored(project, path, isFolder) {
      let entry = opened.get(project.projectId);
      if (entry?.path !== project.path) {
        entry = { path: project.path, rules: open(project.path, ports) };
        opened.set(project.projectId, entry);
      }
      try {
        return await (await entry.rules).isIgnored(toRepoPath(path), isFolder);
      } catch (error) {
        opened.delete(project.projectId);
        if (error instanceof Failure) return false;
        throw error;
      }
    },
    forget: (projectId) => void opened.delete(projectId),
  };
}

async function open(path: string, ports: Ports): Promise<IgnoreRules> {
  const repo = await openRepository(path);
  return openIgnoreRules({ repo, config: await readGitConfig({ repo, ...ports }), ...ports });
}
