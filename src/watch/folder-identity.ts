// Tells one folder from another at the same path: a watch stays with the folder, not with its name.

import { lstat } from '../host/small-files.ts';
import { unlessAbsent } from '../host/unless-absent.ts';

/** Differs for another folder that took the name of this one. Rejects with the system's error. */
export async function identityOf(path: string): Promise<string> {
  const { dev, ino, birthtimeNs } = await lstat(path, { bigint: true });
  return `${dev}:${ino}:${birthtimeNs}`;
}

/** Null when nothing is there. */
export function presentIdentity(path: string): Promise<string | null> {
  return unlessAbsent(identityOf(path));
}
