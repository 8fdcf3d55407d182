// Looks for objects in all the places of a repository: its own loose files and packs, then the folders it borrows
// from. Only reads.

import { Failure } from '../../model/failure.ts';
import type { GitObject, ObjectStream } from '../types.ts';
import { alternateFolders } from './alternates.ts';
import { hasLooseObject, type LooseStore, openLooseObject, readLooseObject } from './loose-objects.ts';
import { PackFolder } from './pack-folder.ts';

type Place = { readonly loose: LooseStore; readonly packs: PackFolder };

/** Larger contents come piece by piece from `open`. */
const WHOLE_BYTES = 1024 * 1024;

export class ObjectPlaces {
  readonly own: Place;
  #borrowed: Promise<Place[]> | null = null;

  constructor(own: LooseStore) {
    this.own = placeAt(own);
  }

  /** Null when it is nowhere. @throws Failure `object-corrupt` */
  read(oid: string): Promise<GitObject | null> {
    return this.#search(oid, async ({ loose, packs }) => {
      try {
        const object = await readLooseObject(loose, oid);
        if (object !== null) return object;
      } catch (error) {
        // A pack may hold a sound copy of a damaged loose object.
        const packed = error instanceof Failure ? await packs.read(oid) : null;
        if (packed !== null) return packed;
        throw error;
      }
      return packs.read(oid);
    });
  }

  async has(oid: string): Promise<boolean> {
    const found = await this.#search(oid, async ({ loose, packs }) => {
      return (await hasLooseObject(loose, oid)) || (await packs.has(oid)) ? true : null;
    });
    return found !== null;
  }

  /** As `read`, but large contents come piece by piece where they are stored whole. */
  async open(oid: string): Promise<ObjectStream | null> {
    const streamed = await this.#search(oid, async ({ loose, packs }) => {
      return (await openLooseObject(loose, oid, WHOLE_BYTES)) ?? (await packs.openStream(oid, WHOLE_BYTES));
    });
    if (streamed !== null) return streamed === 'whole' ? this.#openWhole(oid) : streamed;
    return null;
  }

  async close(): Promise<void> {
    const borrowed = (await this.#borrowed) ?? [];
    this.#borrowed = null;
    await Promise.all([this.own, ...borrowed].map(({ packs }) => packs.close()));
  }

  async #openWhole(oid: string): Promise<ObjectStream | null> {
    const object = await this.read(oid);
    if (object === null) return null;
    const { type, content } = object;
    return { type, sizeBytes: content.length, chunks: oneChunk(content) };
  }

  async #search<Found>(oid: string, lookIn: (place: Place) => Promise<Found | null>): Promise<Found | null> {
    if (!/^[0-9a-f]{40}$/.test(oid))
      throw new Failure('object-corrupt', `${JSON.stringify(oid)} is no object id.`);
    const own = await lookIn(this.own);
    if (own !== null) return own;
    this.#borrowed ??= this.#findBorrowed();
    const borrowed = await this.#borrowed;
    for (const place of borrowed) {
      const found = await lookIn(place);
      if (found !== null) return found;
    }
    // A second look with fresh eyes: gc may have moved the object into another pack meanwhile.
    for (const place of [this.own, ...borrowed]) {
      await place.packs.rescan();
      const found = await lookIn(place);
      if (found !== null) return found;
    }
    return null;
  }

  async #findBorrowed(): Promise<Place[]> {
    const folders = await alternateFolders(this.own.loose.objectsDir);
    return folders.map((objectsDir) => placeAt({ objectsDir, fsync: false }));
  }
}

function placeAt(loose: LooseStore): Place {
  return { loose, packs: new PackFolder(loose.objectsDir) };
}

async function* oneChunk(content: Buffer): AsyncGenerator<Uint8Array> {
  yield content;
}
