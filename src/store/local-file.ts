// The database's file before it is opened: whether it is there, and may be written. Answers its size.

import { constants } from 'node:fs';
import { access, mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Failure } from '../model/failure.ts';

/** Makes the folder; says what is wrong in the way of permissions before SQLite says less. */
export async function prepareFile(path: string): Promise<number> {
  try {
    await mkdir(dirname(path), { recursive: true });
    await access(dirname(path), constants.W_OK);
  } catch (error) {
    throw new Failure(
      'database-read-only',
      `The folder ${dirname(path)} of the database cannot be written to.`,
      {
        cause: error,
      },
    );
  }
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw new Failure('database-read-only', `The database ${path} cannot be read.`, { cause: error });
  });
  if (!found) return 0;
  if (found.isDirectory()) {
    throw new Failure('invalid-config', `The database path ${path} is a folder.`, {
      action: 'Name a file: --db or SYNC_DB_PATH.',
    });
  }
  await access(path, constants.R_OK | constants.W_OK).catch((error: unknown) => {
    throw new Failure('database-read-only', `The database ${path} cannot be written to.`, { cause: error });
  });
  return found.size;
}

/** @throws Failure `database-missing`, `database-read-only` */
export async function sizeToRead(path: string): Promise<number> {
  try {
    const found = await stat(path);
    if (found.isFile()) return found.size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
      throw new Failure('database-read-only', `The database ${path} cannot be read.`, { cause: error });
    }
  }
  throw new Failure('database-missing', `There is no database ${path}.`);
}
