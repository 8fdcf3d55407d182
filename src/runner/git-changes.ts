// A person's own git commands: after one, is there something to sync? Our own commits and pushes touch the
// same files, so what the last run left is compared with what is there now before anything is queued.

import { readFingerprint } from '../detect/fingerprint.ts';
import { listRefs, readHead } from '../git/refs/refs.ts';
import { openRepository } from '../git/repository.ts';
import { matchesBranch } from '../model/branch-match.ts';
import { Failure } from '../model/failure.ts';
import type { ProjectId } from '../model/ids.ts';
import type { Project } from '../model/project.ts';
import { syncedTips } from '../model/remote-state.ts';

const HEADS = 'refs/heads/';

export type GitLook = {
  /** A run has ended: what is there now is what it saw or left. */
  noteRun(project: Project): Promise<void>;
  /** True when HEAD or a matching branch is not what the last sync left, or what blocked it may be gone. */
  needsSync(project: Project): Promise<boolean>;
  forget(projectId: ProjectId): void;
};

/**
 * A blocked project is looked at again when something in its git folder differs from what the blocked run saw;
 * without that memory every such run would count as a change of its own and be followed by the next. So is one of
 * which only snapshots are pushed: its own branches are never the remote's.
 */
export function createGitLook(): GitLook {
  const seen = new Map<ProjectId, string>();
  return {
    async noteRun(project) {
      if (!isRemembered(project)) seen.delete(project.projectId);
      else seen.set(project.projectId, await gitState(project.path));
    },
    async needsSync(project) {
      if (!isRemembered(project)) return hasMoved(project);
      return seen.get(project.projectId) !== (await gitState(project.path));
    },
    forget: (projectId) => void seen.delete(projectId),
  };
}

function isRemembered({ facts, github }: Project): boolean {
  return facts.blocked !== null || github.mode === 'snapshot';
}

async function gitState(path: string): Promise<string> {
  try {
    return await readFingerprint(await openRepository(path));
  } catch (error) {
    if (error instanceof Failure) return error.code;
    throw error;
  }
}

async function hasMoved({ facts, github, path }: Project): Promise<boolean> {
  try {
    const repo = await openRepository(path);
    const head = await readHead(repo);
    if (head.kind === 'detached' || head.branch !== facts.branch) return true;
    const branches = await listRefs(repo, HEADS);
    const synced = syncedTips(facts);
    return [...branches].some(([ref, tip]) => {
      const branch = ref.slice(HEADS.length);
      return matchesBranch(github.syncBranches, branch) && synced[branch] !== tip;
    });
  } catch (error) {
    if (error instanceof Failure) return true; // the sync finds the same and names it
    throw error;
  }
}
