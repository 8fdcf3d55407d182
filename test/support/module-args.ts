// How a process of its own runs a module of this project: on Node what test/support/built-sources.ts made of it.

import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const BUILT = join(ROOT, 'node_modules/.cache/gitferry-tests');

/** The arguments with which `process.execPath` runs the module at this path, which lies in src or test. */
export function moduleArgs(path: string): string[] {
  if ('Deno' in globalThis) return ['run', '-A', path];
  return [join(BUILT, relative(ROOT, path).replace(/\.ts$/, '.js'))];
}
