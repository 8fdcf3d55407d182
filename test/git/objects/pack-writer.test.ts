import { randomBytes } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 as zlibCrc32 } from 'node:zlib';
import { afterEach, expect, test } from 'vitest';
import { crc32 } from '../../../src/git/objects/crc32.ts';
import { objectId } from '../../../src/git/objects/object-format.ts';
import { openObjects } from '../../../src/git/objects/objects.ts';
import { packIndexBytes } from '../../../src/git/objects/pack-index-bytes.ts';
import { createPack } from '../../../src/git/objects/pack-writer.ts';
import { openRepository } from '../../../src/git/repository.ts';
import { createGitRepo } from '../../support/git-repo.ts';

const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function makeBench() {
  const git = await createGitRepo();
  cleanUps.push(git.remove);
  const objectsDir = join(git.path, '.git/objects');
  const objects = openObjects(await openRepository(git.path), { fsync: true });
  cleanUps.push(() => objects.close());
  return {
    git,
    objects,
    packDir: join(objectsDir, 'pack'),
    pack: await createPack({ objectsDir, fsync: true }),
  };
}

const contents = [0, 1, 15, 16, 2047, 2048, 70_000].map((size) => randomBytes(size));

test('createPack() makes a pack and an index that git verifies and reads', async () => {
  const { git, objects, packDir, pack } = await makeBench();
  const all = [...contents, ...Array.from({ length: 500 }, (_, i) => Buffer.from(`content ${i}`))];
  const oids = all.map((content) => objectId('blob', content));
  await Promise.all(all.map((content, i) => pack.add({ oid: oids[i] ?? '', type: 'blob', content })));
  await pack.add({ oid: oids[0] ?? '', type: 'blob', content: all[0] ?? Buffer.alloc(0) });
  expect(await objects.has(oids[3] ?? '')).toBe(false);
  const index = await pack.finish();
  await pack.discard();
  const verified = await git.git('verify-pack', '-v', index ?? '');
  expect(verified).toContain(`non delta: ${all.length} objects`);
  expect((await readdir(packDir)).toSorted()).toEqual(
    [index, index?.replace(/idx$/, 'pack')].map((path) => path?.slice(packDir.length + 1)),
  );
  expect((await stat(index ?? '')).mode & 0o777).toBe(0o444);
  for (const [i, content] of all.entries()) {
    expect((await objects.read(oids[i] ?? '')).content.equals(content)).toBe(true);
  }
  await git.git('fsck', '--full', '--strict');
});

test('createPack() leaves nothing behind when it is given up or empty', async () => {
  const { packDir, pack, git } = await makeBench();
  await pack.add({ oid: objectId('blob', Buffer.from('a')), type: 'blob', content: Buffer.from('a') });
  expect(await readdir(packDir)).toEqual([expect.stringMatching(/^tmp_pack_/)]);
  await pack.discard();
  const empty = await createPack({ objectsDir: join(git.path, '.git/objects'), fsync: false });
  expect(await empty.finish()).toBeNull();
  expect(await readdir(packDir)).toEqual([]);
});

test('openBatch() writes many objects as one pack, and only once it is finished', async () => {
  const { git, objects, packDir, pack } = await makeBench();
  await pack.discard();
  const known = await objects.write('blob', Buffer.from('loose already'));
  const batch = await objects.openBatch();
  const oids = await Promise.all(contents.map((content) => batch.write('blob', content)));
  expect(await batch.write('blob', Buffer.from('loose already'))).toBe(known);
  await batch.finish();
  await batch.discard();
  expect((await readdir(packDir)).filter((name) => name.endsWith('.pack'))).toHaveLength(1);
  for (const oid of oids) expect(await git.git('cat-file', '-t', oid)).toBe('blob\n');
  // What is packed now is not written again.
  const again = await objects.openBatch();
  for (const content of contents) await again.write('blob', content);
  await again.finish();
  expect((await readdir(packDir)).filter((name) => name.endsWith('.pack'))).toHaveLength(1);
});

test('packIndexBytes() keeps offsets above 2 GiB in a table of their own', () => {
  const places = new Map([
    ['11'.repeat(20), { offset: 12, crc: 1 }],
    ['ff'.repeat(20), { offset: 2 ** 31, crc: 2 }],
    ['ab'.repeat(20), { offset: 2 ** 33 + 5, crc: 3 }],
  ]);
  const bytes = packIndexBytes(places, Buffer.alloc(20, 7));
  const offsetsAt = 8 + 1024 + 3 * 24;
  const offsets = [0, 1, 2].map((i) => bytes.readUInt32BE(offsetsAt + i * 4));
  expect(offsets).toEqual([12, 0x80000000, 0x80000001]);
  expect([0, 1].map((i) => Number(bytes.readBigUInt64BE(offsetsAt + 12 + i * 8)))).toEqual([
    2 ** 33 + 5,
    2 ** 31,
  ]);
});

test('crc32() is that of zlib', () => {
  for (const content of contents) {
    expect(crc32(content)).toBe(zlibCrc32(content));
    expect(crc32(content.subarray(9), crc32(content.subarray(0, 9)))).toBe(zlibCrc32(content));
  }
});
