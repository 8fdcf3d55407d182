// How a process of its own runs a module of this project: on Node what test/support/built-sources.ts made of it.

import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const BUILT = join(ROOT, 'node_modules/.cache/gitferry-tests');

/** What was made of the module at this path, which lies in src, test, scripts/soak or scripts/bench. */
export const builtPath = (path: string) => join(BUILT, relative(ROOT, path).replace(/\.ts$/, '.js'));

/** The arguments with which `process.execPath` runs such a module. */
export const moduleArgs = (path: string): string[] =>
  'Deno' in globalThis ? ['run', '-A', path] : [builtPath(path)];
