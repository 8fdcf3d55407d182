import { randomBytes } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { applyDelta } from '../../../src/git/objects/delta.ts';
import { PackFile } from '../../../src/git/objects/pack-file.ts';
import { createGitRepo, type GitRepo } from '../../support/git-repo.ts';

const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** A repository whose history makes long delta chains, and with a blob too large for one read window. */
async function makeHistory(): Promise<GitRepo> {
  const git = await createGitRepo();
  cleanUps.push(git.remove);
  const lines = Array.from({ length: 400 }, (_, i) => `line ${i} ${(i * 7919) % 1013}`);
  const stream: string[] = [];
  for (let commit = 0; commit < 60; commit++) {
    lines[(commit * 37) % lines.length] = `changed in ${commit}`;
    const text = lines.join('\n');
    const extra =
      commit === 10 ? Array.from({ length: 60_000 }, (_, i) => `${(i * i) % 9973}`).join(',') : '';
    const message = `commit ${commit}`;
    stream.push(
      `commit refs/heads/main\ncommitter A <a@example.com> ${1_700_000_000 + commit} +0000\n`,
      `data ${message.length}\n${message}\nM 100644 inline dir/text.txt\ndata ${text.length}\n${text}\n`,
    );
    if (extra) stream.push(`M 100644 inline big.csv\ndata ${extra.length}\n${extra}\n`);
  }
  stream.push('tag v1\nfrom refs/heads/main\ntagger A <a@example.com> 1700000000 +0000\ndata 3\none\n');
  await git.gitBytes(['fast-import', '--quiet'], stream.join(''));
  await git.git('repack', '-adfq', '--depth=50', '--window=50');
  return git;
}

async function onlyIndex(git: GitRepo, folder = '.git/objects/pack'): Promise<string> {
  const names = (await readdir(join(git.path, folder))).filter((name) => name.endsWith('.idx'));
  expect(names).toHaveLength(1);
  return join(git.path, folder, names[0] ?? '');
}

async function openPack(path: string): Promise<PackFile> {
  const pack = await PackFile.open(path);
  cleanUps.push(() => pack.close());
  return pack;
}

/** Every object as `git cat-file --batch` gives it. */
async function everyObject(git: GitRepo): Promise<Map<string, { type: string; content: Buffer }>> {
  const bytes = await git.gitBytes(['cat-file', '--batch', '--batch-all-objects']);
  const objects = new Map<string, { type: string; content: Buffer }>();
  for (let at = 0; at < bytes.length; ) {
    const lineEnd = bytes.indexOf('\n', at);
    const [oid = '', type = '', size] = bytes.toString('latin1', at, lineEnd).split(' ');
    const end = lineEnd + 1 + Number(size);
    objects.set(oid, { type, content: bytes.subarray(lineEnd + 1, end) });
    at = end + 1;
  }
  return objects;
}

async function expectSame(git: GitRepo, pack: PackFile): Promise<void> {
  const objects = await everyObject(git);
  expect(objects.size).toBeGreaterThan(180);
  for (const [oid, wanted] of objects) {
    const offset = await pack.find(oid);
    expect(offset).not.toBeNull();
    const object = await pack.read(offset ?? 0);
    expect(object?.type).toBe(wanted.type);
    expect(object?.content.equals(wanted.content)).toBe(true);
  }
}

test('PackFile reads every object of a pack with long delta chains as git does', async () => {
  const git = await makeHistory();
  const pack = await openPack(await onlyIndex(git));
  await expectSame(git, pack);
  expect(await pack.find('0'.repeat(40))).toBeNull();
  expect(await pack.find('f'.repeat(40))).toBeNull();
});

test('PackFile reads deltas that name their base by id', async () => {
  const git = await makeHistory();
  const oids = [...(await everyObject(git)).keys()].join('\n');
  await git.gitBytes(['pack-objects', '-q', '--no-reuse-delta', '--depth=20', 'by-id'], `${oids}\n`);
  await expectSame(git, await openPack(await onlyIndex(git, '.')));
});

test('PackFile reads indexes with 64 bit offsets', async () => {
  const git = await makeHistory();
  const index = await onlyIndex(git);
  await git.git('index-pack', '--index-version=2,0x100', '-o', 'large.idx', index.replace(/idx$/, 'pack'));
  await writeFile(join(git.path, 'large.pack'), await readFile(index.replace(/idx$/, 'pack')));
  await expectSame(git, await openPack(join(git.path, 'large.idx')));
});

test('PackFile refuses an index of version 1', async () => {
  const git = await makeHistory();
  const pack = (await onlyIndex(git)).replace(/idx$/, 'pack');
  await git.git('index-pack', '--index-version=1', '-o', 'old.idx', pack);
  const refusal = { name: 'Failure', code: 'needs-system-git' };
  await expect(PackFile.open(join(git.path, 'old.idx'))).rejects.toMatchObject(refusal);
});

test('PackFile answers with a failure, or the right bytes, wherever a pack is damaged', async () => {
  const git = await makeHistory();
  const index = await onlyIndex(git);
  const good = await readFile(index.replace(/idx$/, 'pack'));
  await writeFile(join(git.path, 'bad.idx'), await readFile(index));
  const objects = await everyObject(git);
  let failures = 0;
  for (let round = 0; round < 40; round++) {
    const bad = Buffer.from(good);
    for (let i = 0; i < 20; i++) {
      const at = (round * 7877 + i * 104_729) % good.length;
      bad[at] = (bad[at] ?? 0) ^ (1 << (round % 8));
    }
    await writeFile(join(git.path, 'bad.pack'), round === 0 ? good.subarray(0, good.length / 2) : bad);
    const pack = await PackFile.open(join(git.path, 'bad.idx'));
    for (const [oid, wanted] of [...objects].slice(round, round + 20)) {
      try {
        const object = await pack.read((await pack.find(oid)) ?? 0);
        expect(object?.content.length).toBe(wanted.content.length);
      } catch (error) {
        expect(error).toMatchObject({ name: 'Failure', code: 'object-corrupt' });
        failures++;
      }
    }
    await pack.close();
  }
  expect(failures).toBeGreaterThan(20);
});

test('applyDelta() refuses deltas that reach outside of their base or themselves', () => {
  const base = Buffer.from('0123456789');
  const copyTwo = Buffer.from([10, 4, 0x91, 3, 2, 2, 0x61, 0x62]);
  expect(applyDelta(base, copyTwo)?.toString()).toBe('34ab');
  const broken = {
    'another base size': [9, 4, 0x91, 3, 2, 2, 0x61, 0x62],
    'a copy past the end': [10, 4, 0x91, 9, 2, 2, 0x61, 0x62],
    'an insert past the end': [10, 4, 0x91, 3, 2, 3, 0x61, 0x62],
    'too little': [10, 4, 0x91, 3, 2],
    'too much': [10, 3, 0x91, 3, 2, 2, 0x61, 0x62],
    'the reserved step': [10, 4, 0],
    'no end of a size': [0xff, 0xff],
  };
  for (const [what, bytes] of Object.entries(broken)) {
    expect(applyDelta(base, Buffer.from(bytes)), what).toBeNull();
  }
});

test('PackFile gives a large object piece by piece, and says when that is not possible', async () => {
  const git = await createGitRepo();
  cleanUps.push(git.remove);
  const large = randomBytes(3_000_000);
  const oid = (await git.gitBytes(['hash-object', '-w', '--stdin'], large)).toString().trim();
  const small = (await git.gitBytes(['hash-object', '-w', '--stdin'], 'small')).toString().trim();
  await git.gitBytes(['pack-objects', '-q', '.git/objects/pack/pack'], `${oid}\n${small}\n`);
  const pack = await openPack(await onlyIndex(git));
  const place = async (id: string) => (await pack.find(id)) ?? Number.NaN;
  expect(await pack.openStream(await place(small), 1000)).toBeNull();
  const stream = await pack.openStream(await place(oid), 1000);
  expect(stream).toMatchObject({ type: 'blob', sizeBytes: large.length });
  const pieces: Uint8Array[] = [];
  for await (const piece of stream?.chunks ?? []) pieces.push(piece);
  expect(pieces.length).toBeGreaterThan(10);
  expect(Buffer.concat(pieces).equals(large)).toBe(true);
});
