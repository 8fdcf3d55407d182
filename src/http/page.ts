// The page at `/` and its files. They hold no data: the page asks the API like every other caller.

import type { Context } from 'hono';
import { html } from 'hono/html';
import { Failure } from '../model/failure.ts';
import type { ApiApp } from './api-app.ts';
import { createPageFiles, type PageFile } from './page-files.ts';
import { answerPage, STYLE } from './page-frame.ts';

export function addPageRoutes(app: ApiApp, files = createPageFiles()): void {
  app.get('/', async (c) => {
    const index = (await files()).get('index.html');
    if (index !== undefined) return answerFile(c, index, 'no-cache');
    const text = html`<p class="summary">The page is not built yet. Run <code>npm run build:page</code>, then load this again.</p>`;
    return answerPage(c, 503, 'gitferry', text);
  });
  app.get('/assets/:name', async (c) => {
    const name = c.req.param('name');
    const file = name === 'index.html' ? undefined : (await files()).get(name);
    if (file === undefined)
      throw new Failure('not-found', `There is no file "${name.slice(0, 200)}" of the page.`);
    // The name changes with the content.
    return answerFile(c, file, 'public, max-age=31536000, immutable');
  });
  app.get('/style.css', (c) => {
    c.header('Content-Type', 'text/css; charset=utf-8');
    c.header('Cache-Control', 'public, max-age=300');
    return c.body(STYLE);
  });
}

function answerFile(c: Context, file: PageFile, caching: string) {
  c.header('Content-Type', file.type);
  c.header('Cache-Control', caching);
  c.header('Vary', 'Accept-Encoding');
  if (!/\bgzip\b/.test(c.req.header('accept-encoding') ?? '')) return c.body(file.bytes);
  c.header('Content-Encoding', 'gzip');
  return c.body(file.gzipped);
}
