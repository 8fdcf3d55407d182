// A folder that a person names for the first time: what is wrong with its name is told as that, and not as of a project
// whose folder went away.

import { stat } from 'node:fs/promises';
import { Failure } from '../model/failure.ts';

/** @throws Failure `folder-missing`, `not-a-repository` (a file), `folder-unreadable` */
export async function requireNamedFolder(path: string): Promise<void> {
  let isFolder: boolean;
  try {
    isFolder = (await stat(path)).isDirectory();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'ENOTDIR')
      throw new Failure('folder-unreadable', `${path} cannot be read (${code}).`, { cause: error });
    const action = 'Look at the name, or make the folder first.';
    throw new Failure('folder-missing', `There is no folder ${path}.`, { cause: error, action });
  }
  if (isFolder) return;
  throw new Failure('not-a-repository', `${path} is a file.`, { action: 'Name the folder that it is in.' });
}
