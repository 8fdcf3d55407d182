// Functions of node:fs/promises for looks and small files, done at once (at-once.ts says why). Not for contents of any
// size, and not for flushing.

import * as fs from 'node:fs';
import type * as promises from 'node:fs/promises';
import { atOnce } from './at-once.ts';

// A named pipe in the place of a file must not be waited for.
const READ_FLAGS = fs.constants.O_RDONLY | (fs.constants.O_NONBLOCK ?? 0);

const same = <Promised>(call: unknown) => atOnce(call as (...args: unknown[]) => unknown) as Promised;

export const lstat = same<typeof promises.lstat>(fs.lstatSync);
export const stat = same<typeof promises.stat>(fs.statSync);
export const readdir = same<typeof promises.readdir>(fs.readdirSync);
export const readlink = same<typeof promises.readlink>(fs.readlinkSync);
export const realpath = same<typeof promises.realpath>(fs.realpathSync.native);
export const link = atOnce(fs.linkSync);
export const rename = atOnce(fs.renameSync);
export const mkdir = atOnce(fs.mkdirSync);
export const unlink = atOnce(fs.unlinkSync);
export const utimes = atOnce(fs.utimesSync);

/** The whole of a small file, with an encoding as text. */
export const readFile = atOnce((path: string | Buffer, encoding?: BufferEncoding) =>
  fs.readFileSync(path, { encoding: encoding ?? null, flag: READ_FLAGS as unknown as string }),
) as {
  (path: string | Buffer): Promise<Buffer>;
  (path: string | Buffer, encoding: BufferEncoding): Promise<string>;
};

export const writeFile = atOnce(
  (path: string, content: string | Uint8Array, options: { mode?: number; flag?: string } = {}) =>
    fs.writeFileSync(path, content, options),
);
