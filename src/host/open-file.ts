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

/**
 * Has to be closed: nobody else does. Once it is, it has no number any more, which the system gives to the next file that
 * anybody opens; and it is so only when nothing is under way in it.
 */
export class OpenFile {
  #number: number | null;
  readonly #underWay = new Set<Promise<unknown>>();

  constructor(file: number) {
    this.#number = file;
  }

  get #file(): number {
    if (this.#number !== null) return this.#number;
    throw Object.assign(new Error('EBADF: the file is closed'), { code: 'EBADF' });
  }

  async #awaited<Result>(work: Promise<Result>): Promise<Result> {
    this.#underWay.add(work);
    try {
      return await work;
    } finally {
      this.#underWay.delete(work);
    }
  }

  /** `position` null: on from where the last such call ended. */
  async read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number | null,
  ): Promise<{ bytesRead: number }> {
    const read = length > LITTLE_BYTES ? readByThread : readAtOnce;
    return { bytesRead: await this.#awaited(read(this.#file, buffer, offset, length, position)) };
  }

  /** From where reading has come to, up to its end. */
  async readFile(): Promise<Buffer> {
    const { size } = await this.stat();
    return this.#awaited(size > LITTLE_BYTES ? readWhole(this.#file) : readWholeAtOnce(this.#file));
  }

  /** All of the content, from where writing has come to. */
  async writeFile(content: string | Uint8Array): Promise<void> {
    if (content.length <= LITTLE_BYTES) return this.#awaited(writeAtOnce(this.#file, content));
    // All in one call where the system takes it: each is a way to another thread.
    let left = typeof content === 'string' ? Buffer.from(content) : content;
    while (left.length > 0) left = left.subarray(await this.#awaited(writeByThread(this.#file, left)));
  }

  async stat(): Promise<fs.BigIntStats> {
    return this.#awaited(statAtOnce(this.#file));
  }

  async truncate(length: number): Promise<void> {
    return this.#awaited(truncateAtOnce(this.#file, length));
  }

  /** Resolves when the content is on the disk. */
  async sync(): Promise<void> {
    await this.#awaited(flush(this.#file));
  }

  /** Closed once, however often it is called. */
  async close(): Promise<void> {
    const file = this.#number;
    this.#number = null;
    await Promise.allSettled(this.#underWay);
    if (file !== null) await closeAtOnce(file);
  }
}
