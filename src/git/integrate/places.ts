// The places in the work tree that a move concerns: how they stand, and new files for them. The way there and the way
// back both begin here.

import type { GitConfig } from '../config/config-values.ts';
import type { IndexFile } from '../index/index-file.ts';
import type { TreeDifference } from '../objects/trees.ts';
import type { Repository } from '../types.ts';
import type { FilesInput } from './update-files.ts';
import { lookAtSteps, type Step } from './update-steps.ts';
import type { WorkTreeTools } from './work-tree-tools.ts';

type Looking = { repo: Repository; config: GitConfig; signal: AbortSignal; tools: WorkTreeTools };

/** @throws as `lookAtSteps` */
export async function look(
  differences: readonly TreeDifference[],
  { repo, config, signal, tools }: Looking,
  known?: IndexFile,
): Promise<Step[]> {
  const index = known ?? (await tools.readIndex());
  return lookAtSteps(differences, {
    worktree: repo.worktree,
    index,
    fileMode: config.getBoolean('core.fileMode') ?? true,
    symlinks: config.getBoolean('core.symlinks') ?? true,
    outside: await tools.findOutside(differences, index),
    readContent: tools.readContent,
    signal,
  });
}

export async function filesOf(
  differences: readonly TreeDifference[],
  { repo, tools }: { repo: Repository; tools: WorkTreeTools },
): Promise<FilesInput> {
  const temporary = temporaryFolder(repo);
  const wanted = differences.flatMap(({ path, after }) => (after === null ? [] : [{ path, target: after }]));
  const newFiles = await tools.openFiles(wanted, temporary);
  return { worktree: repo.worktree, objects: tools.objects, temporary, newFiles };
}

export function isRule({ path }: TreeDifference): boolean {
  return /(?:^|\/)\.gitattributes$/.test(path);
}

export function temporaryFolder({ gitDir }: Repository): string {
  return `${gitDir}/gitferry-update`;
}
