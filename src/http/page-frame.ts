// The frame of the server-rendered pages and their style. No script: the pages work under the strict CSP.

import type { Context } from 'hono';
import { html } from 'hono/html';
import type { ContentfulStatusCode } from 'hono/utils/http-status';

type Html = ReturnType<typeof html>;

/** `html` escapes what is put into it. `refreshS`: the browser loads the page anew after so many seconds. */
export function answerPage(
  c: Context,
  status: ContentfulStatusCode,
  title: string,
  content: Html,
  refreshS?: number,
) {
  const refresh = refreshS === undefined ? '' : html`<meta http-equiv="refresh" content="${refreshS}">`;
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
${refresh}
<title>${title} – gitferry</title>
<link rel="stylesheet" href="/style.css">
</head>
<body>
<header><h1>${title}</h1><nav><a href="/">Projects</a> <a href="/api/sync/status">Status</a> <a href="/api/sync/projects">Projects as JSON</a> <a href="/docs">API</a> <a href="/openapi.json">OpenAPI</a></nav></header>
<main>${content}</main>
</body>
</html>`;
  return c.html(page, status);
}

export const STYLE = `
:root {
  color-scheme: light dark;
  --page: #fbfaf8; --card: #ffffff; --text: #22252a; --quiet: #646a73; --line: #e3e1dc;
  --good: #1f7a4d; --wait: #8a6100; --bad: #b3261e; --link: #1f5fa8;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #15171a; --card: #1d2024; --text: #e6e4df; --quiet: #9aa0a8; --line: #33373d;
    --good: #6fcf97; --wait: #e0b45c; --bad: #ff8a80; --link: #8ab8f0;
  }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 68rem; padding: 2rem 1.25rem 4rem; background: var(--page); color: var(--text);
  font: 1rem/1.5 system-ui, sans-serif; }
header { display: flex; flex-wrap: wrap; gap: .5rem 2rem; align-items: baseline; justify-content: space-between; }
h1 { margin: 0; font-size: 1.5rem; font-weight: 600; }
nav { display: flex; flex-wrap: wrap; gap: .25rem 1rem; font-size: .9rem; }
a { color: var(--link); }
.summary { margin: 1.5rem 0; font-size: 1.125rem; }
table { width: 100%; border-collapse: collapse; background: var(--card); border: 1px solid var(--line); }
th, td { padding: .65rem .8rem; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line);
  overflow-wrap: anywhere; }
th { font-size: .8rem; font-weight: 600; color: var(--quiet); }
tbody tr:last-child td { border-bottom: 0; }
small, .quiet { color: var(--quiet); font-size: .875rem; }
details { padding: .5rem 0; border-bottom: 1px solid var(--line); }
summary { cursor: pointer; }
details table { margin: .5rem 0; }
.state { font-weight: 600; white-space: nowrap; }
.good { color: var(--good); } .wait { color: var(--wait); } .bad { color: var(--bad); }
@media (max-width: 40rem) {
  thead { display: none; }
  tr, td { display: block; }
  td { border: 0; padding: .2rem .8rem; }
  tr { border-bottom: 1px solid var(--line); padding: .6rem 0; }
}
`;
