// The last step of `npm run build`, after tsc wrote dist: bundles what is used of MCP's SDK into dist/mcp/sdk.js, with its
// licences beside it, and removes the types that no entry of the package leads to.

import { existsSync } from 'node:fs';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const DIST = join(ROOT, 'dist');

/** `zod` stays outside: tools are described with the one that an install has. */
async function bundleMcpSdk(): Promise<void> {
  const outfile = join(DIST, 'mcp/sdk.js');
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: ['src/mcp/sdk.ts'],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: ['node20.19'],
    external: ['zod', 'zod/*'],
    legalComments: 'none',
    metafile: true,
  });
  const packages = new Set(
    Object.keys(metafile.inputs).flatMap(
      (file) => /^(node_modules\/(?:.*\/node_modules\/)?(?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? [],
    ),
  );
  const licences = await Promise.all([...packages].sort().map(licenceOf));
  const head = 'sdk.js holds parts of these packages:\n';
  await writeFile(join(DIST, 'mcp/sdk.licenses.txt'), [head, ...licences].join('\n'));
}

async function licenceOf(folder: string): Promise<string> {
  const { name, version, license } = JSON.parse(await readFile(join(ROOT, folder, 'package.json'), 'utf8'));
  const file = (await readdir(join(ROOT, folder))).find((entry) => /^licen[cs]e(?:\.|$)/i.test(entry));
  if (file === undefined) throw new Error(`${name} brings no text of its licence; it cannot be bundled.`);
  return `== ${name} ${version} (${license})\n\n${await readFile(join(ROOT, folder, file), 'utf8')}`;
}

/** Types that programs can reach; those of the rooms inside are of no use to anybody. */
async function pruneTypes(): Promise<number> {
  const { exports } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
  const todo = Object.values<string | { types: string }>(exports).flatMap((entry) =>
    typeof entry === 'string' ? [] : [resolve(ROOT, entry.types)],
  );
  const needed = new Set<string>();
  for (let file = todo.pop(); file !== undefined; file = todo.pop()) {
    if (needed.has(file)) continue;
    needed.add(file);
    const text = await readFile(file, 'utf8');
    for (const [, name = ''] of text.matchAll(/(?:from|import)[ (]*['"](\.{1,2}\/[^'"]+)['"]/g)) {
      todo.push(resolve(dirname(file), name.replace(/\.[jt]sx?$/, '.d.ts')));
    }
  }
  const all = (await readdir(DIST, { recursive: true })).filter((name) => name.endsWith('.d.ts'));
  const unneeded = all.map((name) => join(DIST, name)).filter((file) => !needed.has(file));
  await Promise.all(unneeded.map((file) => rm(file)));
  return needed.size;
}

if (!existsSync(join(DIST, 'main.js'))) throw new Error('dist/main.js is not there: run `npm run build`.');
await bundleMcpSdk();
console.log(`${relative(ROOT, DIST)}: types of ${await pruneTypes()} modules are kept`);
