// The changes of a soak: each is one file of its own, so that each can be found again on the remote.

import { createHash } from 'node:crypto';

const A_FOLDER = 100;

export const changedFile = (change: number) => `changes/${Math.floor(change / A_FOLDER)}/${change}.txt`;
export const contentOf = (change: number) => `change ${change}\n`;

/** The number of a changed file, or null for another file. */
export function changeIn(path: string): number | null {
  const found = /^changes\/\d+\/(\d+)\.txt$/.exec(path);
  return found ? Number(found[1]) : null;
}

/** The id that git gives to the content of a change. */
export function blobOf(change: number): string {
  const content = contentOf(change);
  return createHash('sha1').update(`blob ${content.length}\0${content}`).digest('hex');
}
