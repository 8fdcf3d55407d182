// What counts as under a root, on real folders and links.

import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { requireUnderRoots } from '../../src/projects/under-roots.ts';
import { temporaryFolder } from '../support/database.ts';

let folder: { path: string; remove(): Promise<void> };
beforeAll(async () => {
  folder = await temporaryFolder();
  for (const name of ['root/inner', 'elsewhere/secret', 'target']) {
    await mkdir(join(folder.path, name), { recursive: true });
  }
  await symlink(join(folder.path, 'elsewhere'), join(folder.path, 'root', 'out'));
  await symlink(join(folder.path, 'root', 'inner'), join(folder.path, 'root', 'in'));
  await symlink(join(folder.path, 'target'), join(folder.path, 'linked-root'));
});
afterAll(() => folder.remove());

const at = (path: string) => join(folder.path, path);
const outside = expect.objectContaining({ code: 'path-outside-roots' });

test.each(['root', 'root/inner', 'root/inner/../inner', 'root/in', 'root/not-there-yet', 'linked-root'])(
  'requireUnderRoots() lets %s pass',
  async (path) => {
    await requireUnderRoots(at(path), [at('root'), at('linked-root')]);
  },
);

test.each(['elsewhere', 'root/../elsewhere', 'root/out', 'root/out/secret', 'root-2', 'target', '.'])(
  'requireUnderRoots() refuses %s',
  async (path) => {
    await expect(requireUnderRoots(at(path), [at('root')])).rejects.toEqual(outside);
  },
);

test('requireUnderRoots() refuses everything without a root', async () => {
  await expect(requireUnderRoots(at('root'), [])).rejects.toEqual(outside);
});

test('requireUnderRoots() knows the root of all folders', async () => {
  await requireUnderRoots(at('root'), ['/']);
});
