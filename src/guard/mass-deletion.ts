// Tells an emptied or unmounted folder from everyday deletions. Pure.

export type MassDeletion = { deleted: number; tracked: number };

/** Fewer deletions than this are everyday work, however small the project. */
const FEWEST_FILES = 10;

/**
 * More than half of the tracked files and at least ten are gone, or every tracked file is gone and nothing
 * took their place. A file that turns up under the same name in another folder was moved, not deleted.
 */
export function findMassDeletion(
  files: readonly { path: string; kind: 'added' | 'modified' | 'deleted' }[],
  tracked: number,
): MassDeletion | null {
  const arrived = new Map<string, number>();
  let added = 0;
  for (const file of files) {
    if (file.kind !== 'added') continue;
    added++;
    arrived.set(nameOf(file.path), (arrived.get(nameOf(file.path)) ?? 0) + 1);
  }
  let deleted = 0;
  for (const file of files) {
    if (file.kind !== 'deleted') continue;
    const moves = arrived.get(nameOf(file.path)) ?? 0;
    if (moves > 0) arrived.set(nameOf(file.path), moves - 1);
    else deleted++;
  }
  const emptied = deleted > 0 && deleted >= tracked && added === 0;
  const most = deleted >= FEWEST_FILES && deleted * 2 > tracked;
  return emptied || most ? { deleted, tracked } : null;
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
