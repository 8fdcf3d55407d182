// Pure rules around a file that is kept on the machine: how its content is named, whether a person may let it go.

import type { HeldFile } from './project.ts';

/** GitHub refuses objects above 100 MiB, so nothing releases a file above its round figure. */
export const MAX_FILE_BYTES = 100_000_000;

/** As `github.guard.allow` names one exact content; null when it is not known. */
export function fingerprintOf({ oid }: Pick<HeldFile, 'oid'>): string | null {
  return oid === undefined ? null : `sha1:${oid}`;
}

/** What is held in the work tree, and so differs from HEAD. */
export function heldInWorkTree(files: readonly HeldFile[]): HeldFile[] {
  return files.filter((file) => file.commit === undefined);
}

/** Whether a person's word is enough to let it go. */
export function isReleasable({ oid, sizeBytes = 0 }: HeldFile): boolean {
  return oid !== undefined && sizeBytes <= MAX_FILE_BYTES;
}

export function whatToDo(file: HeldFile): string {
  if (file.oid === undefined) return 'Trigger a sync: it looks at the file again and names its content.';
  if (!isReleasable(file))
    return 'Use Git LFS, or keep it out of git (.gitignore): GitHub takes no file above 100 MB.';
  if (file.commit !== undefined)
    return 'Take it out of the unpushed commits (`git rebase -i`) and revoke the secret, or release it.';
  return 'Keep it out of git (.gitignore) or take the secret out of it; or release it once or always.';
}
