// The object store of one repository: everything is looked for in all its places and written into its own folder.
// Partial clones are the probe's matter; nothing here talks to a remote.

import { open } from 'node:fs/promises';
import { type Clock, systemClock } from '../../host/clock.ts';
import { Failure } from '../../model/failure.ts';
import { readFailure } from '../io-failure.ts';
import type {
  GitObject,
  ObjectBatch,
  ObjectStore,
  ObjectStream,
  ObjectType,
  Repository,
  TreeEntry,
  WorkFileBlob,
} from '../types.ts';
import { hashBlobStream, type LooseStore, writeLooseObject, writeLooseStream } from './loose-objects.ts';
import { LruCache } from './lru-cache.ts';
import { objectId, parseCommit, parseTree } from './object-format.ts';
import { recallObject, rememberObject } from './object-memory.ts';
import { ObjectPlaces } from './object-places.ts';
import { createPack } from './pack-writer.ts';

const CHUNK_BYTES = 256 * 1024;
// What a commit writes and the commits and trees it is built on are needed again a moment later, by the push.
const REMEMBERED_BYTES = 2 * 1024 * 1024;
const OBJECT_OVERHEAD_BYTES = 128;

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
  const places = new ObjectPlaces(loose);
  const { packs } = places.own;
  const trees = new LruCache<string, readonly TreeEntry[]>(
    options.treeCacheEntries ?? 20_000,
    (entries) => entries.length + 1,
  );
  const clock = options.clock ?? systemClock;
  const remembered = new LruCache<string, GitObject>(
    REMEMBERED_BYTES,
    ({ content }) => content.length + OBJECT_OVERHEAD_BYTES,
  );
  const read = async (oid: string) => {
    const known = remembered.get(oid);
    // Blobs that were written are only streamed again, by a push; who reads one whole asks for what is on the disk.
    if (known !== undefined && known.type !== 'blob') return known;
    const recalled = recallObject(loose.objectsDir, oid);
    if (recalled !== undefined) return recalled;
    const object = (await places.read(oid)) ?? missing(oid);
    if (object.type === 'commit' || object.type === 'tree') remembered.set(oid, object);
    rememberObject(loose.objectsDir, oid, object);
    return object;
  };

  const writeBlobFile = async (file: WorkFileBlob) => {
    const blob = {
      chunks: readChunks(file),
      sizeBytes: file.sizeBytes,
      oid: file.oid ?? null,
      name: file.name,
    };
    const packed = blob.oid !== null && (await packs.keep(blob.oid, clock.now()));
    return packed ? hashBlobStream(blob) : writeLooseStream(loose, blob);
  };

  return {
    read,
    async open(oid) {
      const known = remembered.get(oid);
      return known ? streamOf(known) : ((await places.open(oid)) ?? missing(oid));
    },
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
    has: async (oid) => remembered.get(oid) !== undefined || places.has(oid),
    async write(type, content) {
      const oid = objectId(type, content);
      const isPacked = await packs.keep(oid, clock.now());
      if (!isPacked) await writeLooseObject(loose, { oid, type, content });
      // A copy: what the caller does with its bytes afterwards is its own matter.
      const object = { type, content: Buffer.from(content) };
      remembered.set(oid, object);
      rememberObject(loose.objectsDir, oid, object);
      return oid;
    },
    writeBlobFile,
    openBatch: () => openBatch({ loose, packs, clock, writeBlobFile }),
    async close() {
      trees.clear();
      remembered.clear();
      await places.close();
    },
  };
}

type BatchParts = {
  loose: LooseStore;
  packs: ObjectPlaces['own']['packs'];
  clock: Clock;
  writeBlobFile: ObjectBatch['writeBlobFile'];
};

async function openBatch({ loose, packs, clock, writeBlobFile }: BatchParts): Promise<ObjectBatch> {
  const pack = await createPack(loose);
  return {
    async write(type, content) {
      const oid = objectId(type, content);
      if (!pack.has(oid) && !(await packs.keep(oid, clock.now()))) await pack.add({ oid, type, content });
      return oid;
    },
    writeBlobFile,
    async finish() {
      if ((await pack.finish()) !== null) await packs.rescan();
    },
    discard: () => pack.discard(),
  };
}

function streamOf({ type, content }: GitObject): ObjectStream {
  return { type, sizeBytes: content.length, chunks: onePiece(content) };
}

async function* onePiece(content: Buffer): AsyncGenerator<Uint8Array> {
  yield content;
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
