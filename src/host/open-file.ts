// An open file that is read and written at once as long as it is little (at-once.ts says why), and by another thread
// where it is more, or has to reach the disk. What node:fs/promises has for it, as far as it is used.

import * as fs from 'node:fs';
import { promisify } from 'node:util';
import { atOnce } from './at-once.ts';

/** More than this takes longer than the way to another thread. */
const LITTLE_BYTES = 65_536;

const readWhole = promisify(fs.readFile);
const flush = promisify(fs.fsync);

const readByThread = (file: number, buffer: Buffer, offset: number, length: number, at: number | null) =>
  new Promise<number>((resolve, reject) => {
    fs.read(file, buffer, offset, length, at, (error, count) => (error ? reject(error) : resolve(count)));
  });

const writeByThread = (file: number, content: Uint8Array) =>
  new Promise<number>((resolve, reject) => {
    fs.write(file, content, (error, count) => (error ? reject(error) : resolve(count)));
  });

const openAtOnce = atOnce(fs.openSync);
const readAtOnce = atOnce(fs.readSync);
const writeAtOnce = atOnce(fs.writeFileSync);
const readWholeAtOnce = atOnce((file: number) => fs.readFileSync(file));
const statAtOnce = atOnce((file: number) => fs.fstatSync(file, { bigint: true }));
const truncateAtOnce = atOnce(fs.ftruncateSync);
const closeAtOnce = atOnce(fs.closeSync);

/** @throws the system's error, also by what it answers */
export async function openFile(
  path: string | Buffer,
  flags: string | number = 'r',
  mode?: number,
): Promise<OpenFile> {
  return new OpenFile(await openAtOnce(path, flags, mode));
}

/** Has to be closed: nobody else does. */
export class OpenFile {
  readonly #file: number;

  constructor(file: number) {
    this.#file = file;
  }

  /** `position` null: on from where the last such call ended. */
  async read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number | null,
  ): Promise<{ bytesRead: number }> {
    const read = length > LITTLE_BYTES ? readByThread : readAtOnce;
    return { bytesRead: await read(this.#file, buffer, offset, length, position) };
  }

  /** From where reading has come to, up to its end. */
  async readFile(): Promise<Buffer> {
    const { size } = await this.stat();
    return size > LITTLE_BYTES ? readWhole(this.#file) : readWholeAtOnce(this.#file);
  }

  /** All of the content, from where writing has come to. */
  async writeFile(content: string | Uint8Array): Promise<void> {
    if (content.length <= LITTLE_BYTES) return writeAtOnce(this.#file, content);
    // All in one call where the system takes it: each is a way to another thread.
    let left = typeof content === 'string' ? Buffer.from(content) : content;
    while (left.length > 0) left = left.subarray(await writeByThread(this.#file, left));
  }

  stat(): Promise<fs.BigIntStats> {
    return statAtOnce(this.#file);
  }

  truncate(length: number): Promise<void> {
    return truncateAtOnce(this.#file, length);
  }

  /** Resolves when the content is on the disk. */
  async sync(): Promise<void> {
    await flush(this.#file);
  }

  close(): Promise<void> {
    return closeAtOnce(this.#file);
  }
}
