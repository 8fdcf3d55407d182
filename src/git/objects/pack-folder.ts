// The packs under objects/pack, found again when gc has replaced them; by their own indexes, or where one is gone by
// the index over many packs. Knows nothing of loose objects.

import { readdir, utimes } from '../../host/small-files.ts';
import { errorCode, isAbsent } from '../io-failure.ts';
import type { GitObject, ObjectStream } from '../types.ts';
import { type MultiPackIndex, openMultiPackIndex } from './multi-pack-index.ts';
import { PackFile } from './pack-file.ts';

type Found = { pack: PackFile; offset: number };

export class PackFolder {
  readonly #dir: string;
  /** By name of the pack file; the last one that held something comes first. */
  #packs = new Map<string, PackFile>();
  /** Deleted by gc while open: reads that began may go on with them. */
  #deleted: PackFile[] = [];
  #multiPackIndexes: MultiPackIndex[] = [];
  #scan: Promise<void> | null = null;

  constructor(objectsDir: string) {
    this.#dir = `${objectsDir}/pack`;
  }

  /** Null when no pack known so far holds it. @throws Failure `object-corrupt` */
  async read(oid: string): Promise<GitObject | null> {
    const found = await this.#find(oid);
    return found === null ? null : found.pack.read(found.offset);
  }

  /** Null when no pack known so far holds it; `whole` when `read` is the way to get it. @throws as `read` */
  async openStream(oid: string, wholeBytes: number): Promise<ObjectStream | 'whole' | null> {
    const found = await this.#find(oid);
    return found === null ? null : ((await found.pack.openStream(found.offset, wholeBytes)) ?? 'whole');
  }

  async has(oid: string): Promise<boolean> {
    return (await this.#find(oid)) !== null;
  }

  /**
   * Whether a pack still on disk holds the object; if so the pack is made young, so that gc keeps what a new commit
   * is about to need. False when that is not possible: the object must be written then.
   */
  async keep(oid: string, nowMs: number): Promise<boolean> {
    const found = await this.#find(oid);
    if (found === null) return false;
    try {
      await utimes(found.pack.packPath, nowMs / 1000, nowMs / 1000);
      return true;
    } catch (error) {
      if (isAbsent(error) || ['EPERM', 'EACCES', 'EROFS'].includes(errorCode(error))) return false;
      throw error;
    }
  }

  /** Looks which packs there are now. */
  async rescan(): Promise<void> {
    const before = this.#scan;
    this.#scan = (async () => {
      // A failed scan before this one has told its own caller.
      if (before !== null) await before.catch(() => undefined);
      await this.#readFolder();
    })();
    await this.#scan;
  }

  async close(): Promise<void> {
    // A failed scan has told its own caller.
    await this.#scan?.catch(() => undefined);
    const open = [...this.#packs.values(), ...this.#deleted, ...this.#multiPackIndexes];
    this.#packs = new Map();
    this.#deleted = [];
    this.#multiPackIndexes = [];
    this.#scan = null;
    await Promise.all(open.map((each) => each.close()));
  }

  async #find(oid: string): Promise<Found | null> {
    if (this.#scan === null) await this.rescan();
    else await this.#scan;
    for (const [name, pack] of [...this.#packs]) {
      const offset = await pack.find(oid);
      if (offset === null) continue;
      this.#putFirst(name, pack);
      return { pack, offset };
    }
    return null;
  }

  #putFirst(name: string, pack: PackFile): void {
    if (this.#packs.get(name) !== pack || this.#packs.keys().next().value === name) return;
    this.#packs.delete(name);
    this.#packs = new Map([[name, pack], ...this.#packs]);
  }

  async #readFolder(): Promise<void> {
    const listed = await namesIn(this.#dir);
    const there = new Set(listed.filter((name) => name.endsWith('.pack')));
    const packs = new Map<string, PackFile>();
    for (const [name, pack] of this.#packs) {
      if (there.has(name)) packs.set(name, pack);
      else this.#deleted.push(pack);
    }
    this.#packs = packs;
    for (const name of listed) {
      const packName = name.replace(/\.idx$/, '.pack');
      if (!name.endsWith('.idx') || !there.has(packName) || packs.has(packName)) continue;
      const pack = await openPack(`${this.#dir}/${name}`);
      if (pack !== null) packs.set(packName, pack);
    }
    const unnamed = [...there].filter((name) => !packs.has(name));
    if (unnamed.length > 0) await this.#readMultiPackIndex(unnamed);
  }

  /** A pack without an index of its own is either being written or named there. */
  async #readMultiPackIndex(unnamed: readonly string[]): Promise<void> {
    const index = await openMultiPackIndex(`${this.#dir}/multi-pack-index`);
    if (index === null) return;
    this.#multiPackIndexes.push(index);
    for (const name of unnamed) {
      if (!index.packs.includes(name)) continue;
      const pack = new PackFile(`${this.#dir}/${name}`, index.namesOf(name), (oid) => this.read(oid));
      this.#packs.set(name, pack);
    }
  }
}

async function openPack(path: string): Promise<PackFile | null> {
  try {
    return await PackFile.open(path);
  } catch (error) {
    // Deleted between listing and opening.
    if (isAbsent(error)) return null;
    throw error;
  }
}

async function namesIn(dir: string): Promise<string[]> {
  try {
    return await readdir(dir);
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}
