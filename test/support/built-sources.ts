// The program and the scripts of the tests as plain JavaScript, file by file, made before any test. A process that
// starts from it needs half the time of one that learns TypeScript first, and tests start hundreds of them.
// Kept over runs; what did not change is not written again, for another run may be reading it.

import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { BUILT, ROOT } from './module-args.ts';

export async function buildSources(): Promise<void> {
  const sources = (
    await Promise.all(['src', 'test', 'scripts/soak', 'scripts/bench'].map(listSources))
  ).flat();
  const { outputFiles } = await build({
    absWorkingDir: ROOT,
    entryPoints: sources,
    outbase: ROOT,
    outdir: BUILT,
    write: false,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: ['node20.19'],
    plugins: [asItIs],
    logLevel: 'warning',
  });
  await writeChanged(join(BUILT, 'package.json'), Buffer.from('{ "type": "module" }\n'));
  for (const { path, contents } of outputFiles) await writeChanged(path, Buffer.from(contents));
  // From here, too, the program finds its page beside it.
  await symlink(join(ROOT, 'dist'), join(BUILT, 'dist')).catch((error) => {
    if (error.code !== 'EEXIST') throw error;
  });
}

/** Every import stays one: modules keep their places, and what they find beside them. */
const asItIs: Plugin = {
  name: 'as it is',
  setup({ onResolve }) {
    onResolve({ filter: /./ }, ({ path, kind }) => {
      if (kind === 'entry-point') return null;
      return { path: path.startsWith('.') ? path.replace(/\.ts$/, '.js') : path, external: true };
    });
  },
};

async function listSources(folder: string): Promise<string[]> {
  const entries = await readdir(join(ROOT, folder), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && /(?<!\.test|\.d)\.ts$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !path.startsWith(join(ROOT, 'src/dashboard/')));
}

async function writeChanged(path: string, bytes: Buffer): Promise<void> {
  const there = await readFile(path).catch(() => null);
  if (there?.equals(bytes)) return;
  await mkdir(dirname(path), { recursive: true });
  const part = `${path}.${randomUUID()}`;
  await writeFile(part, bytes);
  await rename(part, path);
}
