import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { type CheckedFile, checkChanges, type GuardPolicy } from '../../src/guard/check-changes.ts';
import { createSecretCache, type SecretCache } from '../../src/guard/secret-cache.ts';

const TOKEN = `ghp_${'aB3dE5fG7hJ9kL2mN4pQ6rS8tU1vW0xY1234'}`;
const POLICY: GuardPolicy = { secrets: true, maxFileBytes: 100_000_000, allow: [], released: [] };

type Given = { text?: string; sizeBytes?: number; kind?: CheckedFile['kind']; isSymlink?: boolean };

/** Checks files given by path; `reads` are the paths whose content was asked for. */
async function check(
  given: Record<string, Given>,
  options: {
    policy?: Partial<GuardPolicy>;
    cache?: SecretCache;
    tracked?: number;
    signal?: AbortSignal;
  } = {},
) {
  const reads: string[] = [];
  const files = Object.entries(given).map(
    ([path, { text = '', sizeBytes, kind = 'added', isSymlink = false }]) => ({
      path,
      kind,
      isSymlink,
      sizeBytes: sizeBytes ?? Buffer.byteLength(text),
      oid: kind === 'deleted' ? '' : oidOf(text),
    }),
  );
  const result = await checkChanges({
    files,
    trackedFiles: options.tracked ?? 100,
    policy: { ...POLICY, ...options.policy },
    cache: options.cache ?? createSecretCache({ entries: 100 }),
    signal: options.signal ?? new AbortController().signal,
    async read(path) {
      reads.push(path);
      return Buffer.from(given[path]?.text ?? '');
    },
  });
  // The content of what is held is named by its own tests.
  const held = result.held.map(({ oid, sizeBytes, ...file }) => file);
  return { ...result, held, contents: result.held, reads };
}

const oidOf = (text: string) => createHash('sha1').update(text).digest('hex');

test('checkChanges() holds only the file with a secret and names rule and line, never the secret', async () => {
  const result = await check({
    'a.txt': { text: 'fine' },
    'b.txt': { text: `x\n${TOKEN}\n` },
    'c.txt': { text: 'ok' },
  });
  expect(result.held).toEqual([{ path: 'b.txt', reason: 'secret', rule: 'github/token', line: 2 }]);
  expect(JSON.stringify(result.held)).not.toContain(TOKEN.slice(4));
  expect(result.warnings).toEqual([]);
  expect(result.massDeletion).toBeNull();
});

test('checkChanges() holds a modified file as well as a new one', async () => {
  const result = await check({
    '.env': { text: 'A=1', kind: 'modified' },
    'b.txt': { text: TOKEN, kind: 'modified' },
  });
  expect(result.held.map((file) => [file.path, file.reason])).toEqual([
    ['.env', 'denied-name'],
    ['b.txt', 'secret'],
  ]);
});

test('checkChanges() holds a denied name without reading it', async () => {
  const result = await check({ 'app/.env': { text: 'A=1' } });
  expect(result.held).toEqual([{ path: 'app/.env', reason: 'denied-name', rule: '.env' }]);
  expect(result.reads).toEqual([]);
});

test('checkChanges() scans an example settings file like any other', async () => {
  const result = await check({ '.env.example': { text: 'A=\n' }, '.env.sample': { text: TOKEN } });
  expect(result.held.map((file) => file.path)).toEqual(['.env.sample']);
});

test('checkChanges() holds an npm settings file only when it has a token', async () => {
  const npmToken = `//r.io/:_authToken=${'a1b2c3d4e5f6'}`;
  const result = await check({ '.npmrc': { text: npmToken }, 'sub/.npmrc': { text: 'save-exact=true' } });
  expect(result.held).toEqual([{ path: '.npmrc', reason: 'secret', rule: 'npmrc-credential', line: 1 }]);
});

test('checkChanges() holds a file over the limit without reading it', async () => {
  const result = await check({
    'big.bin': { sizeBytes: 100_000_001 },
    'edge.bin': { sizeBytes: 100_000_000 },
  });
  expect(result.held).toEqual([{ path: 'big.bin', reason: 'too-large', rule: 'max-file-bytes 100000000' }]);
  expect(result.reads).toEqual(['edge.bin']);
});

test('checkChanges() obeys a smaller limit of the project', async () => {
  const result = await check(
    { 'a.bin': { sizeBytes: 1001 }, 'b.bin': { sizeBytes: 1000 } },
    { policy: { maxFileBytes: 1000 } },
  );
  expect(result.held.map((file) => file.path)).toEqual(['a.bin']);
});

test('checkChanges() warns of files from 50 MB that go through', async () => {
  const result = await check({
    'a.bin': { sizeBytes: 50_000_000 },
    'b.bin': { sizeBytes: 49_999_999 },
    'c.bin': { sizeBytes: 120_000_000 },
  });
  expect(result.warnings.map((warning) => warning.path)).toEqual(['a.bin']);
  expect(result.warnings[0]?.detail).toContain('50 MB');
});

test('checkChanges() never reads deleted files', async () => {
  const result = await check({ '.env': { kind: 'deleted' }, 'x.txt': { kind: 'deleted' } });
  expect(result.held).toEqual([]);
  expect(result.reads).toEqual([]);
});

test('checkChanges() scans the target of a symbolic link', async () => {
  const result = await check({ link: { text: `https://me:${'Xk29fJq81mZ'}@ci.acme.io/x`, isSymlink: true } });
  expect(result.held).toEqual([{ path: 'link', reason: 'secret', rule: 'basicauth/basic-auth', line: 1 }]);
});

test('checkChanges() with secrets off looks at sizes alone', async () => {
  const result = await check(
    { '.env': { text: TOKEN }, 'big.bin': { sizeBytes: 200_000_000 } },
    { policy: { secrets: false } },
  );
  expect(result.held.map((file) => file.path)).toEqual(['big.bin']);
  expect(result.reads).toEqual([]);
});

test('checkChanges() lets allowed paths, patterns and exact contents through', async () => {
  const given = {
    'docs/a.md': { text: TOKEN },
    'fixtures/key.pem': { text: 'x' },
    'other.txt': { text: `${TOKEN}!` },
  };
  const allow = ['docs/a.md', 'fixtures/**', `sha1:${oidOf(`${TOKEN}!`).toUpperCase()}`];
  expect((await check(given)).held).toHaveLength(3);
  expect((await check(given, { policy: { allow } })).held).toEqual([]);
});

test('checkChanges() holds an allowed fingerprint again when the content changes', async () => {
  const allow = [`sha1:${oidOf(TOKEN)}`];
  expect((await check({ 'a.txt': { text: TOKEN } }, { policy: { allow } })).held).toEqual([]);
  expect((await check({ 'a.txt': { text: `${TOKEN}\n` } }, { policy: { allow } })).held).toHaveLength(1);
});

test("checkChanges() lets an allowed file over the project's own limit through, but none over the host's", async () => {
  const given = { 'a.mp4': { sizeBytes: 2000 }, 'b.mp4': { sizeBytes: 100_000_001 } };
  const result = await check(given, { policy: { maxFileBytes: 1000, allow: ['*.mp4'] } });
  expect(result.held.map((file) => file.path)).toEqual(['b.mp4']);
});

test('checkChanges() reads each content once, also under another path of the same kind', async () => {
  const cache = createSecretCache({ entries: 10 });
  const first = await check({ 'a.txt': { text: TOKEN }, 'b.txt': { text: TOKEN } }, { cache });
  expect(first.held.map((file) => file.path)).toEqual(['a.txt', 'b.txt']);
  expect(first.reads).toEqual(['a.txt']);
  expect((await check({ 'c.txt': { text: TOKEN } }, { cache })).reads).toEqual([]);
});

test('checkChanges() judges the same content anew where its kind makes it a secret', async () => {
  const text = 'DB_PASSWORD=sunny-day';
  const result = await check({ 'a.txt': { text }, 'prod.env': { text } });
  expect(result.held.map((file) => file.path)).toEqual(['prod.env']);
});

test('checkChanges() reports a mass deletion beside what it holds', async () => {
  const given: Record<string, Given> = { '.env': { text: 'A=1' } };
  for (let at = 0; at < 60; at++) given[`f${at}.txt`] = { kind: 'deleted' };
  const result = await check(given, { tracked: 100 });
  expect(result.massDeletion).toEqual({ deleted: 60, tracked: 100 });
  expect(result.held).toHaveLength(1);
});

test('checkChanges() passes on what reading throws and stops when it is aborted', async () => {
  const failing = checkChanges({
    files: [{ path: 'a', kind: 'added', isSymlink: false, sizeBytes: 1, oid: 'x' }],
    trackedFiles: 1,
    policy: POLICY,
    cache: createSecretCache({ entries: 1 }),
    signal: new AbortController().signal,
    read: () => Promise.reject(new Error('it moved')),
  });
  await expect(failing).rejects.toThrow('it moved');
  await expect(check({ a: { text: 'x' } }, { signal: AbortSignal.abort(new Error('stop')) })).rejects.toThrow(
    'stop',
  );
});

test('checkChanges() names the exact content of what it holds', async () => {
  const { contents } = await check({ '.env': { text: 'A=1' }, 'big.bin': { sizeBytes: 100_000_001 } });
  expect(contents).toMatchObject([
    { path: '.env', oid: oidOf('A=1'), sizeBytes: 3 },
    { path: 'big.bin', oid: oidOf(''), sizeBytes: 100_000_001 },
  ]);
});

test('checkChanges() lets a content pass that was released at its path, and no other content or path', async () => {
  const released = [{ path: 'a.txt', oid: oidOf(TOKEN) }];
  const held = async (given: Record<string, Given>) =>
    (await check(given, { policy: { released } })).held.map((file) => file.path);
  expect(await held({ 'a.txt': { text: TOKEN } })).toEqual([]);
  expect(await held({ 'b.txt': { text: TOKEN } })).toEqual(['b.txt']);
  expect(await held({ 'a.txt': { text: `${TOKEN}\n` } })).toEqual(['a.txt']);
});

test('checkChanges() releases a file up to what GitHub takes, and not above', async () => {
  const given = { 'a.bin': { sizeBytes: 100_000_000 }, 'b.bin': { sizeBytes: 100_000_001 } };
  const policy = { maxFileBytes: 10, allow: [`sha1:${oidOf('')}`] };
  const { held } = await check(given, { policy });
  expect(held).toEqual([{ path: 'b.bin', reason: 'too-large', rule: 'max-file-bytes 100000000' }]);
});
