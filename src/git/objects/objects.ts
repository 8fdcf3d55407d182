// The object store of one repository: loose objects, then packs. Alternates and partial clones are the probe's
// matter; nothing here talks to a remote.

import { open } from 'node:fs/promises';
import { type Clock, systemClock } from '../../host/clock.ts';
import { Failure } from '../../model/failure.ts';
import { readFailure } from '../io-failure.ts';
import type { GitObject, ObjectStore, ObjectType, Repository, TreeEntry, WorkFileBlob } from '../types.ts';
import {
  hashBlobStream,
  hasLooseObject,
  type LooseStore,
  readLooseObject,
  writeLooseObject,
  writeLooseStream,
} from './loose-objects.ts';
import { LruCache } from './lru-cache.ts';
import { objectId, parseCommit, parseTree } from './object-format.ts';
import { PackFolder } from './pack-folder.ts';

const CHUNK_BYTES = 256 * 1024;

export type ObjectsOptions = {
  /** Flush every written object to the disk before it gets its name. */
  fsync: boolean;
  /** Bound of the tree cache, counted in entries of trees; default 20000 (about 3 MB). */
  treeCacheEntries?: number;
  /** Used to make packs young when a new commit needs what is in them; default the system's. */
  clock?: Clock;
};

/** Opens nothing until the first read. */
export function openObjects(repository: Repository, options: ObjectsOptions): ObjectStore {
  const loose: LooseStore = { objectsDir: `${repository.commonDir}/objects`, fsync: options.fsync };
  const packs = new PackFolder(loose.objectsDir);
  const trees = new LruCache<string, readonly TreeEntry[]>(
    options.treeCacheEntries ?? 20_000,
    (entries) => entries.length + 1,
  );
  const clock = options.clock ?? systemClock;
  const read = async (oid: string) => (await readObject(loose, packs, oid)) ?? missing(oid);

  return {
    read,
    async readCommit(oid) {
      return parseCommit(oid, contentOf(await read(oid), 'commit', oid));
    },
    async readTree(oid) {
      const cached = trees.get(oid);
      if (cached !== undefined) return cached;
      const entries = parseTree(oid, contentOf(await read(oid), 'tree', oid));
      trees.set(oid, entries);
      return entries;
    },
    async has(oid) {
      const found = async () => (await hasLooseObject(loose, oid)) || (await packs.has(oid));
      if (await found()) return true;
      await packs.rescan();
      return found();
    },
    async write(type, content) {
      const oid = objectId(type, content);
      if (await packs.keep(oid, clock.now())) return oid;
      await writeLooseObject(loose, { oid, type, content });
      return oid;
    },
    async writeBlobFile(file) {
      const blob = {
        chunks: readChunks(file),
        sizeBytes: file.sizeBytes,
        oid: file.oid ?? null,
        name: file.name,
      };
      const packed = blob.oid !== null && (await packs.keep(blob.oid, clock.now()));
      return packed ? hashBlobStream(blob) : writeLooseStream(loose, blob);
    },
    async close() {
      trees.clear();
      await packs.close();
    },
  };
}

async function readObject(loose: LooseStore, packs: PackFolder, oid: string): Promise<GitObject | null> {
  if (!/^[0-9a-f]{40}$/.test(oid))
    throw new Failure('object-corrupt', `${JSON.stringify(oid)} is no object id.`);
  // A second look with fresh eyes: gc may have moved the object into another pack meanwhile.
  const found = await readKnown(loose, packs, oid);
  if (found !== null) return found;
  await packs.rescan();
  return readKnown(loose, packs, oid);
}

async function readKnown(loose: LooseStore, packs: PackFolder, oid: string): Promise<GitObject | null> {
  let damage: unknown = null;
  try {
    const object = await readLooseObject(loose, oid);
    if (object !== null) return object;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    damage = error;
  }
  // A pack may hold a sound copy of a damaged loose object.
  const packed = await packs.read(oid);
  if (packed === null && damage !== null) throw damage;
  return packed;
}

async function* readChunks(file: WorkFileBlob): AsyncGenerator<Uint8Array> {
  try {
    const handle = await open(file.path, file.flags ?? 'r');
    try {
      for (;;) {
        // A new buffer each time: the one before may still be on its way through deflate.
        const { bytesRead, buffer } = await handle.read(
          Buffer.allocUnsafe(CHUNK_BYTES),
          0,
          CHUNK_BYTES,
          null,
        );
        if (bytesRead === 0) return;
        yield buffer.subarray(0, bytesRead);
      }
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw readFailure(error, file.name);
  }
}

function contentOf(object: GitObject, type: ObjectType, oid: string): Buffer {
  if (object.type === type) return object.content;
  throw new Failure('object-corrupt', `${oid} is a ${object.type} where a ${type} is expected.`);
}

function missing(oid: string): never {
  throw new Failure('object-missing', `The object ${oid} is missing.`);
}
