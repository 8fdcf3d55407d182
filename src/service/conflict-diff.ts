// What a person looks at before choosing: theirs against mine, for each file of a conflict. Reads only.

import { toRepoPath } from '../git/paths.ts';
import { readRef } from '../git/refs/refs.ts';
import { diffPaths } from '../git/snapshot/diff-snapshot.ts';
import { withRepository } from '../git/snapshot/protect.ts';
import type { SyncPorts } from '../git/sync/sync-ports.ts';
import { Failure } from '../model/failure.ts';
import type { Project } from '../model/project.ts';
import type { ConflictDiff } from '../model/service.ts';
import { refuseElsewhere } from './other-machine.ts';

/** @throws Failure `no-conflict`, `folder-missing`, and reasons of the repository */
export async function diffConflict(
  project: Project,
  ports: { sync: SyncPorts; machineId: string },
): Promise<ConflictDiff> {
  const { conflictFiles, branch, remoteTips } = project.facts;
  const theirs = branch === null ? undefined : remoteTips[branch];
  if (conflictFiles.length === 0 || theirs === undefined) {
    throw new Failure('no-conflict', `The project "${project.projectId}" has no conflict.`);
  }
  refuseElsewhere(project, ports);
  return withRepository({ worktree: project.path }, ports.sync, async ({ repo }, objects) => {
    const ours = await readRef(repo, `refs/heads/${branch}`);
    if (ours === null) throw new Failure('no-conflict', `The branch ${branch} is gone here.`);
    const { files } = await diffPaths(objects, {
      before: (await objects.readCommit(theirs)).tree,
      after: (await objects.readCommit(ours)).tree,
      paths: conflictFiles.map(({ path }) => toRepoPath(path)),
    });
    const texts = new Map(files.map(({ path, diff }) => [path, diff]));
    return { files: conflictFiles.map((file) => ({ ...file, diff: texts.get(file.path) ?? null })) };
  });
}
