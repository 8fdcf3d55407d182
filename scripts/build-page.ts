// `npm run build:page`: bundles src/dashboard into dist/page, which the service serves at `/` (src/http/page-files.ts).
// Names of files carry a hash of their content; index.html is written last, so that it never names what is not there.

import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SOURCE = join(ROOT, 'src/dashboard');
const TARGET = join(ROOT, 'dist/page');

/** What was built; `gzipBytes` is what a first visit loads. */
export type BuiltPage = { files: string[]; gzipBytes: number };

export async function buildPage(target = TARGET): Promise<BuiltPage> {
  const result = await build({
    absWorkingDir: ROOT,
    entryPoints: [join(SOURCE, 'main.tsx'), join(SOURCE, 'style/page.css')],
    entryNames: '[name]-[hash]',
    outdir: target,
    write: false,
    bundle: true,
    minify: true,
    format: 'esm',
    target: ['es2022'],
    jsx: 'automatic',
    jsxImportSource: 'preact',
    legalComments: 'none',
  });
  const bundled = result.outputFiles.map((file) => ({
    name: basename(file.path),
    bytes: Buffer.from(file.contents),
  }));
  const icon = await readFile(join(SOURCE, 'icon.svg'));
  const iconHash = createHash('sha256').update(icon).digest('hex').slice(0, 8);
  const assets = [...bundled, { name: `icon-${iconHash}.svg`, bytes: icon }];
  const named = (start: string, end: string) => {
    const found = assets.find(({ name }) => name.startsWith(start) && name.endsWith(end));
    if (found === undefined) throw new Error(`The build made no ${start}*${end}.`);
    return `/assets/${found.name}`;
  };
  const template = await readFile(join(SOURCE, 'index.html'), 'utf8');
  const html = template
    .replace('{{script}}', named('main-', '.js'))
    .replace('{{style}}', named('page-', '.css'))
    .replace('{{icon}}', named('icon-', '.svg'));
  const files = [...assets, { name: 'index.html', bytes: Buffer.from(html) }];
  await mkdir(target, { recursive: true });
  for (const { name, bytes } of files) await writeWhole(join(target, name), bytes);
  const names = files.map(({ name }) => name);
  for (const old of await readdir(target)) {
    if (!names.includes(old) && !old.endsWith('.part')) await rm(join(target, old), { force: true });
  }
  return { files: names, gzipBytes: files.reduce((sum, { bytes }) => sum + gzipSync(bytes).length, 0) };
}

/** Another build may run at the same time, and a service may be reading. */
async function writeWhole(path: string, bytes: Buffer): Promise<void> {
  const part = `${path}.${process.pid}.part`;
  await writeFile(part, bytes);
  await rename(part, path);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { files, gzipBytes } = await buildPage();
  console.log(`dist/page: ${files.length} files, ${(gzipBytes / 1000).toFixed(1)} kB gzipped`);
}
