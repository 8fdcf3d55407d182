// A person's own git commands: after one, is there something to sync? Our own commits and pushes touch the
// same files, so the refs are compared with what was last synced before anything is queued.

import { listRefs, readHead } from '../git/refs/refs.ts';
import { openRepository } from '../git/repository.ts';
import { matchesBranch } from '../model/branch-match.ts';
import { Failure } from '../model/failure.ts';
import type { Project } from '../model/project.ts';

const HEADS = 'refs/heads/';

/** True when HEAD or a matching branch is not what the last sync left, or the project was blocked. */
export async function needsSync(project: Project): Promise<boolean> {
  const { facts, github } = project;
  if (facts.blocked !== null) return true;
  try {
    const repo = await openRepository(project.path);
    const head = await readHead(repo);
    if (head.kind === 'detached' || head.branch !== facts.branch) return true;
    const branches = await listRefs(repo, HEADS);
    return [...branches].some(([ref, tip]) => {
      const branch = ref.slice(HEADS.length);
      return matchesBranch(github.syncBranches, branch) && facts.remoteTips[branch] !== tip;
    });
  } catch (error) {
    if (error instanceof Failure) return true; // the sync finds the same and names it
    throw error;
  }
}
