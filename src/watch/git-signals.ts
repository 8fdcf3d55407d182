// Which changes inside a git folder mean that a person (or a sync) did something worth a look.
// Objects, logs, lock files and temporary files are git's own noise.

// A folder here (`rebase-merge`) counts when it appears or vanishes, not what happens inside it.
const SIGNALS = new Set([
  'HEAD',
  'index',
  'packed-refs',
  'config',
  'MERGE_HEAD',
  'CHERRY_PICK_HEAD',
  'REVERT_HEAD',
  'BISECT_LOG',
  'rebase-merge',
  'rebase-apply',
]);

export const BRANCHES_FOLDER = 'refs/heads';

/** `path` is relative to the git folder (or common folder), `/` between parts. */
export function isGitSignal(path: string): boolean {
  if (path.startsWith(`${BRANCHES_FOLDER}/`)) return !path.endsWith('.lock');
  return SIGNALS.has(path);
}
