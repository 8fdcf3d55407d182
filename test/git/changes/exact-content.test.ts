import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openExactContent, readExactContent } from '../../../src/git/changes/exact-content.ts';
import { objectId } from '../../../src/git/objects/object-format.ts';
import { toRepoPath } from '../../../src/git/paths.ts';

let worktree: string;
beforeEach(async () => {
  worktree = await mkdtemp(join(tmpdir(), 'gitferry-content-'));
});
afterEach(() => rm(worktree, { recursive: true, force: true }));

const file = (name: string) => join(worktree, name);
const at = (name: string, content: Uint8Array) => ({
  worktree,
  path: toRepoPath(name),
  oid: objectId('blob', content),
});
const CHANGED = { code: 'file-changing', data: { path: 'f' } };

test('openExactContent() gives small files and link targets whole, large files piece by piece', async () => {
  const small = Buffer.from('small');
  const large = randomBytes(3_000_000);
  await writeFile(file('f'), small);
  expect(await openExactContent(at('f', small))).toEqual(small);
  await symlink('f', file('link'));
  expect(await openExactContent(at('link', Buffer.from('f')))).toEqual(Buffer.from('f'));
  await writeFile(file('f'), large);
  const pieces: Uint8Array[] = [];
  for await (const piece of (await openExactContent(at('f', large))) as AsyncIterable<Uint8Array>)
    pieces.push(piece);
  expect(pieces.length).toBeGreaterThan(10);
  expect(Buffer.concat(pieces).equals(large)).toBe(true);
  expect((await readExactContent(at('f', large))).equals(large)).toBe(true);
});

test('openExactContent() refuses another content, also when only its unread end differs', async () => {
  const large = Buffer.alloc(3_000_000, 'a');
  await writeFile(file('f'), 'other');
  await expect(openExactContent(at('f', Buffer.from('small')))).rejects.toMatchObject(CHANGED);
  await expect(openExactContent(at('gone', large))).rejects.toMatchObject({ code: 'file-changing' });
  await writeFile(file('f'), Buffer.concat([large.subarray(1), Buffer.from('b')]));
  const content = (await openExactContent(at('f', large))) as AsyncIterable<Uint8Array>;
  const readTheBeginning = async () => {
    for await (const piece of content) if (piece.length > 0) break;
  };
  await expect(readTheBeginning()).rejects.toMatchObject(CHANGED);
  await expect(readExactContent(at('f', large))).rejects.toMatchObject(CHANGED);
});
