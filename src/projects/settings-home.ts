// Where a project's settings live: its own project.json when that speaks of gitferry, otherwise the database.

import { readProjectFile } from '../detect/project-file.ts';
import type { Reason } from '../model/failure.ts';
import { type GithubConfig, GithubConfigSchema, type ProjectFile } from '../model/project-config.ts';

export type FoundSettings =
  | { home: 'file'; file: ProjectFile; github: GithubConfig; broken: null }
  | { home: 'file'; file: null; github: null; broken: Reason }
  | { home: 'database'; file: ProjectFile | null; github: null; broken: null };

/**
 * Reads project.json. Other programs use that name too: a valid file without a `github` part
 * is not ours to fill, and the settings stay in the database.
 */
export async function findSettings(folder: string): Promise<FoundSettings> {
  const found = await readProjectFile(folder);
  switch (found.kind) {
    case 'absent':
      return { home: 'database', file: null, github: null, broken: null };
    case 'invalid':
      return { home: 'file', file: null, github: null, broken: found.reason };
    case 'valid': {
      const { file } = found;
      if (file.github === undefined) return { home: 'database', file, github: null, broken: null };
      return { home: 'file', file, github: file.github, broken: null };
    }
    default:
      return found satisfies never;
  }
}

/** What a project without settings of its own gets when a person names it: naming is the consent. */
export function namedDefaults(branch: string | null): GithubConfig {
  const patterns = branch === null ? undefined : [branch, 'auto/*'];
  return GithubConfigSchema.parse({ enabled: true, ...(patterns && { syncBranches: patterns }) });
}
