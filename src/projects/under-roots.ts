// Whether a folder lies under the configured roots: what a caller over the network may add.

import { realpath } from 'node:fs/promises';
import { resolve, sep } from 'node:path';
import { Failure } from '../model/failure.ts';

/**
 * Looks at the disk only under a root, so that the answer tells nothing of what is elsewhere; links that lead out count
 * as elsewhere. @throws Failure `path-outside-roots`
 */
export async function requireUnderRoots(path: string, roots: readonly string[]): Promise<void> {
  const named = resolve(path);
  const known = roots.map((root) => resolve(root));
  if (!isUnderOne(named, known)) throw outside(path);
  const [real, ...realRoots] = await Promise.all([named, ...known].map(realOrSame));
  if (!isUnderOne(real ?? named, realRoots)) throw outside(path);
}

function isUnderOne(path: string, roots: readonly string[]): boolean {
  return roots.some((root) => path === root || path.startsWith(root.endsWith(sep) ? root : root + sep));
}

/** What is not there is refused by whoever wants to use it. */
async function realOrSame(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    return path;
  }
}

function outside(path: string): Failure {
  return new Failure(
    'path-outside-roots',
    `${path} is not under a folder that may be used over the network.`,
  );
}
