// The built page (scripts/build-page.ts) as it lies on disk, read once. Knows nothing of what the page shows.

import { readdir, readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { unlessAbsent } from '../host/unless-absent.ts';

/** From src/http and from dist/http alike. */
const FOLDER = new URL('../../dist/page/', import.meta.url);

const TYPES: Record<string, string> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
};

export type PageFile = { type: string; bytes: Uint8Array<ArrayBuffer>; gzipped: Uint8Array<ArrayBuffer> };

/** By name; empty when the page was never built. A failure is not remembered. */
export function createPageFiles(folder: URL = FOLDER): () => Promise<ReadonlyMap<string, PageFile>> {
  let loaded: ReadonlyMap<string, PageFile> | null = null;
  return async () => {
    if (loaded !== null) return loaded;
    const files = await readAll(folder);
    if (files.has('index.html')) loaded = files;
    return files;
  };
}

async function readAll(folder: URL): Promise<Map<string, PageFile>> {
  const files = new Map<string, PageFile>();
  for (const name of await namesIn(folder)) {
    const type = TYPES[name.slice(name.lastIndexOf('.') + 1)];
    if (type === undefined) continue;
    const bytes = new Uint8Array(await readFile(new URL(name, folder)));
    files.set(name, { type, bytes, gzipped: new Uint8Array(gzipSync(bytes)) });
  }
  return files;
}

async function namesIn(folder: URL): Promise<string[]> {
  return (await unlessAbsent(readdir(folder))) ?? [];
}
