// Moves loose objects into one pack where no git is installed to do it. Nothing is taken away before the pack has been
// read back whole. Keeps what nobody refers to, too: pruning is left to git.

import { readdir, rm, rmdir } from 'node:fs/promises';
import { errorCode, isAbsent } from '../io-failure.ts';
import { mapConcurrently } from '../map-concurrently.ts';
import { type LooseStore, openLooseObject, readLooseObject } from './loose-objects.ts';
import { objectId } from './object-format.ts';
import { PackFile } from './pack-file.ts';
import { createPack, type NewPack } from './pack-writer.ts';
import { damaged } from './read-at.ts';

const OBJECTS_AT_ONCE = 4;
/** Larger contents stay files of their own: they are few, and must not be held in memory. */
const LARGEST_BYTES = 8 * 1024 * 1024;
const NAME = /^[0-9a-f]{38}$/;
/** Another program put something there, or took it away first. */
const HARMLESS = new Set(['ENOTEMPTY', 'EEXIST', 'ENOENT']);

/**
 * Answers how many objects were moved. Damaged ones stay where they are. Safe beside other programs and crashes: an
 * object is there twice for a while, never not at all.
 * @throws Failure `object-corrupt` when the new pack cannot be read back, `disk-full`, `write-refused`; the signal's reason
 */
export async function consolidateObjects(store: LooseStore, signal: AbortSignal): Promise<number> {
  const pack = await createPack(store);
  try {
    const found = await looseNames(store.objectsDir);
    const moved = await mapConcurrently(found, OBJECTS_AT_ONCE, async (oid) => {
      signal.throwIfAborted();
      return (await addTo(pack, store, oid)) ? oid : null;
    });
    const oids = moved.filter((oid) => oid !== null);
    const index = await pack.finish();
    if (index === null) return 0;
    await verify(index, oids, signal);
    for (const oid of oids)
      await rm(`${store.objectsDir}/${oid.slice(0, 2)}/${oid.slice(2)}`, { force: true });
    await removeEmptyFolders(store.objectsDir, oids);
    return oids.length;
  } finally {
    await pack.discard();
  }
}

async function looseNames(objectsDir: string): Promise<string[]> {
  const folders = (await readdir(objectsDir)).filter((name) => /^[0-9a-f]{2}$/.test(name));
  const found = await mapConcurrently(folders, OBJECTS_AT_ONCE, async (folder) => {
    const names = await readdir(`${objectsDir}/${folder}`).catch((error: unknown) => {
      if (isAbsent(error)) return [];
      throw error;
    });
    return names.filter((name) => NAME.test(name)).map((name) => folder + name);
  });
  return found.flat();
}

async function addTo(pack: NewPack, store: LooseStore, oid: string): Promise<boolean> {
  const opened = await openLooseObject(store, oid, LARGEST_BYTES);
  if (opened === null) return false;
  if (opened !== 'whole') {
    // Leaving the loop closes the file.
    for await (const _piece of opened.chunks) break;
    return false;
  }
  const object = await readLooseObject(store, oid).catch(() => null);
  if (object === null || objectId(object.type, object.content) !== oid) return false;
  await pack.add({ oid, ...object });
  return true;
}

async function verify(index: string, oids: readonly string[], signal: AbortSignal): Promise<void> {
  const pack = await PackFile.open(index);
  try {
    for (const oid of oids) {
      signal.throwIfAborted();
      const offset = await pack.find(oid);
      const object = offset === null ? null : await pack.read(offset);
      if (object === null || objectId(object.type, object.content) !== oid) {
        throw damaged(pack.packPath, `${oid} cannot be read back`);
      }
    }
  } finally {
    await pack.close();
  }
}

async function removeEmptyFolders(objectsDir: string, oids: readonly string[]): Promise<void> {
  for (const folder of new Set(oids.map((oid) => oid.slice(0, 2)))) {
    try {
      await rmdir(`${objectsDir}/${folder}`);
    } catch (error) {
      if (!HARMLESS.has(errorCode(error))) throw error;
    }
  }
}
