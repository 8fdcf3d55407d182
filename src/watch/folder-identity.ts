// Tells one folder from another at the same path: a watch stays with the folder, not with its name.

import { lstat } from '../host/small-files.ts';

/** Differs for another folder that took the name of this one. Rejects with the system's error. */
export async function identityOf(path: string): Promise<string> {
  const { dev, ino, birthtimeNs } = await lstat(path, { bigint: true });
  return `${dev}:${ino}:${birthtimeNs}`;
}

/** Null when nothing is there. */
export async function presentIdentity(path: string): Promise<string | null> {
  try {
    return await identityOf(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
