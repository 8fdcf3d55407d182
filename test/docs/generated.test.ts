// The tables of the documents say what the source says.

import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { apiReference } from '../../scripts/api-reference.ts';
import { readContract } from '../../scripts/contract-document.ts';
import { TABLES, withTables } from '../../scripts/write-docs.ts';
import { SETTINGS } from '../../src/config/settings.ts';
import { FAILURES } from '../../src/model/failure-codes.ts';
import { PROJECT_STATES } from '../../src/model/project.ts';

const read = (path: string) => readFile(new URL(`../../${path}`, import.meta.url), 'utf8');
/** The same with cells of one space on each side. */
const readUnpadded = async (path: string) => (await read(path)).replaceAll(/ +/g, ' ');

test.each(Object.keys(TABLES))('%s is what `npm run docs` writes', async (path) => {
  const text = await read(path);
  expect(withTables(text, TABLES[path] ?? {})).toBe(text);
});

test('docs/api-reference.md is what `npm run docs` writes from the contract', async () => {
  const contract = await readContract();
  const text = await read('docs/api-reference.md');
  expect(apiReference(contract)).toBe(text);
  const [path = ''] = Object.keys(contract.paths);
  expect(apiReference({ ...contract, paths: { [path]: contract.paths[path] ?? {} } })).not.toBe(text);
});

test('a stale table is written anew, and the text around it stays', () => {
  const stale = 'above\n<!-- t: begin, made by a program -->\n\n| old |\n\n<!-- t: end -->\nbelow\n';
  const fresh = withTables(stale, { t: () => '| new |' });
  expect(fresh).toBe(stale.replace('old', 'new'));
});

test.each([
  ['no markers', 'text'],
  ['no end', '<!-- t: begin -->\n'],
  ['the end before the begin', '<!-- t: end -->\n<!-- t: begin -->\n'],
  ['two tables of one name', '<!-- t: begin -->\n<!-- t: end -->\n<!-- t: begin -->\n<!-- t: end -->\n'],
])('a document with %s is refused', (_what, text) => {
  expect(() => withTables(text, { t: () => '' })).toThrow('"t"');
});

test('every setting, its variable and its default stand in docs/configuration.md', async () => {
  const rows = (await readUnpadded('docs/configuration.md'))
    .split('\n')
    .filter((line) => line.startsWith('| `'));
  for (const [key, { env }] of Object.entries(SETTINGS)) {
    const row = rows.find((line) => line.startsWith(`| \`${key}\` |`));
    expect(row, key).toContain(`\`${env}\``);
  }
  const port = rows.find((line) => line.startsWith('| `port` |'));
  expect(port).toContain('| `3001` | 0 to 65535 | at the next start |');
});

test('every state and every code stands in docs/states-and-actions.md once', async () => {
  const text = await readUnpadded('docs/states-and-actions.md');
  const first = [...text.matchAll(/^\| `([a-z-]+)` \|/gm)].map((match) => match[1]);
  expect([...first].sort()).toEqual([...PROJECT_STATES, ...Object.keys(FAILURES)].sort());
});

test('a code is listed with the state that the product gives it', async () => {
  const text = await readUnpadded('docs/states-and-actions.md');
  expect(text).toMatch(/^\| `folder-missing` \| `missing` \| at the next change or scan \|/m);
  expect(text).toMatch(/^\| `remote-diverged` \| `conflict` \| at the next change or scan \|/m);
  expect(text).toMatch(/^\| `offline` \| `offline` \| yes, after the pause of the host \|/m);
  expect(text).toMatch(/^\| `quiet-hours` \| `pending` \| when the quiet hours end \|/m);
  expect(text).toMatch(/^\| `project-not-found` \| 404 \|/m);
});
