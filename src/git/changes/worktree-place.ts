// Tells whether a path lies in ordinary folders of the work tree, or what on the way to it stands against that:
// a link, a file, nothing at all, another repository.

import { Failure } from '../../model/failure.ts';
import type { IndexFile } from '../index/index-file.ts';
import { errorCode } from '../io-failure.ts';
import { diskPath, type RepoPath } from '../paths.ts';
import { FILE_MODE } from '../types.ts';
import { childPath } from './index-children.ts';
import { isGitFolderName } from './path-names.ts';
import type { WorktreeFiles } from './worktree-files.ts';

/**
 * - `inside`: every parent is a real folder, or cannot be looked at: whoever looks at the path itself then sees that.
 * - `cut`: `at` is the topmost parent that is a link, a file or missing; nothing below it is there. (Git keeps what it
 *   tracks behind a link that leads round in a circle: it cannot look there, and says so at every command.)
 * - `foreign`: below another repository, a submodule or git's own folder: none of our business.
 */
export type Place =
  | { readonly kind: 'inside' }
  | { readonly kind: 'cut'; readonly at: RepoPath }
  | { readonly kind: 'foreign' };

const INSIDE: Place = { kind: 'inside' };
const FOREIGN: Place = { kind: 'foreign' };

type PlaceInput = { worktree: string; index: IndexFile; files: WorktreeFiles };

/** What cannot be looked at counts as inside; a fault that is not the file system's is a bug. */
function insideUnlessBug(error: unknown): Place {
  if (errorCode(error) === '' && !(error instanceof Failure)) throw error;
  return INSIDE;
}

/** The answer to "where is this path?"; each folder is looked at once. */
export function createPlaceFinder(input: PlaceInput): (path: RepoPath) => Promise<Place> {
  const known = new Map<string, Promise<Place>>();
  /** The place of what lies directly in `folder`. */
  const within = (folder: string): Promise<Place> => {
    if (folder === '') return Promise.resolve(INSIDE);
    const asked = known.get(folder) ?? lookAt(folder as RepoPath);
    known.set(folder, asked);
    return asked;
  };
  const lookAt = async (folder: RepoPath): Promise<Place> => {
    // Asked all at once: on the way to a file each folder would cost two looks after one another.
    const looks = Promise.allSettled([look(folder), look(childPath(folder, '.git'))]);
    const place = await placeOf(folder);
    const [stats, nested] = await looks;
    if (place.kind !== 'inside') return place;
    if (input.index.find(folder)?.mode === FILE_MODE.submodule) return FOREIGN;
    if (stats.status === 'rejected') return insideUnlessBug(stats.reason);
    if (!stats.value?.isDirectory()) return { kind: 'cut', at: folder };
    if (nested.status === 'rejected') return insideUnlessBug(nested.reason);
    return nested.value === null ? INSIDE : FOREIGN;
  };
  const look = async (path: string) => input.files.lstat(diskPath(input.worktree, path));
  const placeOf = async (path: RepoPath): Promise<Place> => {
    const slash = path.lastIndexOf('/');
    if (isGitFolderName(path.slice(slash + 1))) return FOREIGN;
    return within(slash < 0 ? '' : path.slice(0, slash));
  };
  return placeOf;
}
