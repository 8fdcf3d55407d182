// What the build makes of the page, wherever it runs; without a browser.

import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { buildPage } from '../../scripts/build-page.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gitferry-page-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('buildPage() makes a page of at most 150 kB gzipped, the same from the same source', async () => {
  const { files, gzipBytes } = await buildPage(folder);
  expect(gzipBytes).toBeGreaterThan(10_000);
  expect(gzipBytes).toBeLessThanOrEqual(150_000);
  expect((await readdir(folder)).sort()).toEqual([...files].sort());
  expect((await buildPage(folder)).files).toEqual(files);
});

test('buildPage() takes away what an older build left, and every file that index.html names is there', async () => {
  await writeFile(join(folder, 'main-OLD.js'), 'old');
  const { files } = await buildPage(folder);
  expect(await readdir(folder)).not.toContain('main-OLD.js');
  const html = await readFile(join(folder, 'index.html'), 'utf8');
  const named = [...html.matchAll(/"\/assets\/([^"]+)"/g)].map(([, name]) => name);
  expect(named).toHaveLength(3);
  for (const name of named) expect(files).toContain(name);
});

test('the built page names no other host and sets no style attribute', async () => {
  const { files } = await buildPage(folder);
  for (const name of files) {
    const text = await readFile(join(folder, name), 'utf8');
    const hosts = [...text.matchAll(/https?:\/\/([a-z0-9.-]+)/gi)].map(([, host]) => host);
    // Names of the markup languages, asked of nobody.
    expect(hosts.filter((host) => host !== 'www.w3.org')).toEqual([]);
    expect(text).not.toMatch(/\sstyle="/);
  }
});
