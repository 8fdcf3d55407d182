import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { contentKind, createSecretScan } from '../../src/guard/scan-secrets.ts';

// Secrets are put together at run time: this file must pass every scanner as it stands.
const MIXED = 'aB3dE5fG7hJ9kL2mN4pQ6rS8tU1vW0xY';
const HEX = '9f8e7d6c5b4a39281706f5e4d3c2b1a0';
const mixed = (length: number) => MIXED.repeat(Math.ceil(length / MIXED.length)).slice(0, length);
const hex = (length: number) => HEX.repeat(Math.ceil(length / HEX.length)).slice(0, length);
const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const jwt = (head: unknown, claims: unknown) => `${base64(head)}.${base64(claims)}.${mixed(43)}`;
const pem = (type: 'ec' | 'ed25519') => {
  const pair =
    type === 'ec' ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : generateKeyPairSync('ed25519');
  return pair.privateKey.export({ type: type === 'ec' ? 'sec1' : 'pkcs8', format: 'pem' }).toString();
};
const rsaPem = (modulusLength = 1024) =>
  generateKeyPairSync('rsa', { modulusLength })
    .privateKey.export({ type: 'pkcs8', format: 'pem' })
    .toString();
/** A shell's `${NAME}`. */
const variable = (name: string) => `$\{${name}}`;

const scan = await createSecretScan();
const { signal } = new AbortController();
const find = (text: string | Uint8Array, path = 'notes.txt') =>
  scan(typeof text === 'string' ? Buffer.from(text) : text, contentKind(path), signal);

const DISCORD_ACCOUNT = Buffer.from('812345678901234567').toString('base64url');

const SECRETS: [rule: string, text: string, path?: string][] = [
  ['aws/access-key-id', `AKIA${'QWERTYUIOP123456'}`],
  ['aws/secret-access-key', `aws_secret_access_key = ${mixed(40)}`],
  ['github/token', `ghp_${mixed(36)}`],
  ['github/token', `github_pat_${mixed(22)}_${mixed(59)}`],
  ['npm/access-token', `npm_${mixed(36)}`],
  ['slack/token', `${'xoxb'}-123456789012-123456789012-${mixed(24)}`],
  ['openai/token', `sk-${mixed(20)}T3BlbkFJ${mixed(20)}`],
  ['sendgrid/key', `SG.${mixed(22)}.${mixed(43)}`],
  ['gitlab/personal-access-token', `glpat-${mixed(20)}`],
  ['basicauth/basic-auth', `https://deploy:${mixed(16)}@ci.acme.io/path`],
  ['basicauth/basic-auth', `https://x-access-token:${mixed(20)}@github.com/u/r.git`],
  ['database-connection-string/postgre-sql-connection', `postgres://app:${mixed(16)}@db.acme.io:5432/app`],
  ['private-key', rsaPem()],
  ['private-key', rsaPem().replaceAll('\n', '\r\n')],
  ['private-key', pem('ec')],
  ['private-key', pem('ed25519')],
  ['private-key', JSON.stringify({ type: 'service_account', private_key: pem('ed25519') })],
  ['private-key', `-----BEGIN PGP PRIVATE ${'KEY'} BLOCK-----\nVersion: GnuPG v2\n\n${mixed(64)}\n`],
  ['google-api-key', `AIza${mixed(35)}`],
  ['json-web-token', jwt({ alg: 'HS256', typ: 'JWT' }, { sub: 'user-77', iat: 1 })],
  ['pypi-token', `pypi-AgEIcHlwaS5vcmc${mixed(90)}`],
  ['discord-bot-token', `${DISCORD_ACCOUNT}.${mixed(6)}.${mixed(38)}`],
  ['discord-webhook', `https://discord.com/api/webhooks/123456789012345678/${mixed(68)}`],
  ['telegram-bot-token', `123456789:AA${mixed(33)}`],
  ['digitalocean-token', `dop_v1_${hex(64)}`],
  ['stripe-key', `sk_live_${mixed(24)}`],
  ['azure-storage-key', `DefaultEndpointsProtocol=https;AccountName=a;AccountKey=${mixed(86)}==`],
  ['npmrc-credential', `//registry.acme.io/:_authToken=${hex(36)}`, '.npmrc'],
  ['npmrc-credential', `_auth = "${mixed(24)}"`, 'pkg/.npmrc'],
  ['assigned-secret', 'DB_PASSWORD=sunny-day', 'prod.env'],
  ['assigned-secret', `export API_KEY="${mixed(20)}"`, 'deploy.sh'],
  ['assigned-secret', `  POSTGRES_PASSWORD: ${mixed(16)}`, 'compose.yml'],
  ['assigned-secret', `SECRET_KEY = '${mixed(30)}'`, 'settings.py'],
  ['assigned-secret', `ENV SESSION_SECRET=${hex(32)}`, 'Dockerfile'],
];

test.each(SECRETS)(
  'createSecretScan() finds %s with its line and never tells it',
  async (rule, text, path) => {
    expect(await find(`first\nsecond\n${text}\nlast\n`, path)).toEqual({ rule, line: 3 });
  },
);

const token = `ghp_${mixed(36)}`;

test('createSecretScan() names the first of several secrets', async () => {
  const google = `AIza${mixed(35)}`;
  expect(await find(`a\n${google}\n${token}\n`)).toEqual({ rule: 'google-api-key', line: 2 });
  expect(await find(`a\n${token}\n${google}\n`)).toEqual({ rule: 'github/token', line: 2 });
});

test.each([
  'secretlint-disable',
  'secretlint-disable-line',
  'secretlint-disable-next-line',
  'secretlint-disable @secretlint/secretlint-rule-github',
])('createSecretScan() is not silenced by a %s comment', async (comment) => {
  expect(await find(`// ${comment}\n${token} // ${comment}\n`)).toEqual({ rule: 'github/token', line: 2 });
});

test('createSecretScan() finds a secret between bytes that are no text', async () => {
  const noise = Buffer.from(Array.from({ length: 4096 }, (_none, at) => (at * 97 + (at >> 3)) & 0xff));
  const content = Buffer.concat([noise, Buffer.from(`\0${token}\0`), noise]);
  expect((await find(content))?.rule).toBe('github/token');
});

test.each(['密码', 'пароль', 'ключª', '\u{1F511}'])(
  'createSecretScan() finds a secret that touches %s',
  async (letters) => {
    expect((await find(`${letters}${token}${letters}`))?.rule).toBe('github/token');
  },
);

test('createSecretScan() reads UTF-8 with a byte order mark', async () => {
  expect(await find(`\ufeffAPI_KEY=${mixed(20)}\n`)).toEqual({ rule: 'assigned-secret', line: 1 });
});

test('createSecretScan() reads UTF-16 of both byte orders, with and without a mark', async () => {
  const text = `line one\r\nétwo\r\n${token}\r\n`;
  const little = Buffer.from(text, 'utf16le');
  const big = Buffer.from(text, 'utf16le').swap16();
  const marked = [
    Buffer.concat([Buffer.from([0xff, 0xfe]), little]),
    Buffer.concat([Buffer.from([0xfe, 0xff]), big]),
  ];
  for (const bytes of [...marked, little, big]) {
    expect(await find(bytes)).toEqual({ rule: 'github/token', line: 3 });
  }
});

test.each([240_000, 245_700, 245_760, 262_120, 262_140, 262_144, 262_160, 491_500, 3_000_000])(
  'createSecretScan() finds a secret at byte %d of a large file, with its line',
  async (at) => {
    const line = `${'lorem ipsum '.repeat(8)}\n`;
    const before = line.repeat(Math.ceil(at / line.length)).slice(0, at - 1);
    const text = `${before}\n${token}\n${line.repeat(100)}`;
    expect(await find(text)).toEqual({ rule: 'github/token', line: text.slice(0, at).split('\n').length });
  },
);

test('createSecretScan() finds a long key cut by a window border', async () => {
  const key = rsaPem(2048);
  for (const at of [261_000, 262_100, 262_143]) {
    expect((await find(`${'x '.repeat(at / 2)}\n${key}`))?.rule).toBe('private-key');
  }
});

const HARMLESS: [what: string, text: string, path?: string][] = [
  ['nothing', ''],
  ['a uuid', 'id = "123e4567-e89b-42d3-a456-426614174000"'],
  ['hashes', `sha256:${hex(64)}\n${hex(40)}\nsha512-${mixed(86)}==`],
  ['an image in base64', `data:image/png;base64,${Buffer.from(mixed(4000)).toString('base64')}`],
  [
    'a public key',
    generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  ],
  ['a public ssh key', `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${mixed(43)} me@laptop`],
  ['a key placeholder', `-----BEGIN PRIVATE ${'KEY'}-----\n...\n-----END PRIVATE ${'KEY'}-----`],
  ['code about keys', `if (text.includes('-----BEGIN PRIVATE ${'KEY'}-----')) throw new Error('a key')`],
  [
    'example settings',
    `DB_PASSWORD=changeme\nAPI_KEY=your-api-key\nSECRET_KEY=<secret>\nTOKEN=${variable('TOKEN')}\nA_TOKEN=\n`,
    '.env.example',
  ],
  [
    'references to secrets',
    `API_TOKEN=$(cat token)\nAPI_TOKEN: ${variable('{ secrets.API_TOKEN_2 }')}\nAPI_TOKEN=/run/secrets/token1\nAPI_TOKEN=op://vault1/item/field`,
  ],
  [
    'members of objects',
    'API_TOKEN = process.env.API_TOKEN_1;\nACCESS_KEY = settings.keys.access1234\nTOKEN = readToken(12345678)',
  ],
  [
    'names of tokens',
    "ACCESS_TOKEN: 'access_token',\nTOKEN_NAME=abc123def456ghi789\nNEXT_PUBLIC_API_KEY=abc123def456ghi789jkl",
  ],
  [
    'local databases',
    'postgres://postgres:postgres@db:5432/app\nmysql://root:Xy77ab99@localhost/app\nmongodb://app:app@mongo',
  ],
  [
    'example URLs',
    `https://user:pass@example.com/\nhttps://name:S3cretWord@api.example.org\nhttps://me:${variable('TOKEN')}@github.com`,
  ],
  ['the best known sample token', jwt({ alg: 'HS256' }, { sub: '1234567890', name: 'John Doe' })],
  ['a token for browsers', jwt({ alg: 'HS256' }, { role: 'anon', iss: 'supabase' })],
  ['an unsigned token', jwt({ alg: 'none' }, { sub: 'u' })],
  ['three words with dots', `eyJ${mixed(20)}.eyJ${mixed(30)}.${mixed(30)}`],
  ['dotted identifiers', `M${mixed(23)}.${mixed(6)}.${mixed(27)}`],
  ['documented formats', `AIza${'X'.repeat(35)} sk_live_${'0'.repeat(24)} ghp_xxxx AKIAIOSFODNN7EXAMPLE`],
  ['an account number', 'account = 123456789012\naws_account_id: 1234-5678-9012'],
  ['an npm setting by variable', `//packages.acme.io/:_authToken=${variable('NPM_TOKEN')}\n`, '.npmrc'],
  ['a token setting in prose', '_authToken=abcdefgh1234', 'README.md'],
  [
    'minified code',
    `!function(e,t){"object"==typeof exports?module.exports=t():e.T=t()}(this,(()=>{var a=[${'{b:1,c:"d"},'.repeat(3000)}]`,
  ],
];

test.each(HARMLESS)('createSecretScan() finds nothing in %s', async (_what, text, path) => {
  expect(await find(text, path)).toBeNull();
});

test.each([
  'package-lock.json',
  'package.json',
  'node_modules/typescript/lib/typescript.js',
  'node_modules/isomorphic-git/index.umd.min.js',
  'node_modules/hono/README.md',
  'test/guard/scan-secrets.test.ts',
])('createSecretScan() finds nothing in %s', async (path) => {
  expect(await find(readFileSync(new URL(`../../${path}`, import.meta.url)))).toBeNull();
});

test('createSecretScan() keeps scans that run at the same time apart', async () => {
  const contents = Array.from({ length: 40 }, (_none, at) =>
    at % 2 === 0 ? `${'\n'.repeat(at)}${token}` : 'harmless',
  );
  const findings = await Promise.all(contents.map((content) => find(content)));
  expect(findings).toEqual(
    contents.map((_text, at) => (at % 2 === 0 ? { rule: 'github/token', line: at + 1 } : null)),
  );
});

test('createSecretScan() stops when it is aborted', async () => {
  const controller = new AbortController();
  const scanning = scan(Buffer.alloc(20_000_000, 'a b '), 'any', controller.signal);
  controller.abort(new Error('stop now'));
  await expect(scanning).rejects.toThrow('stop now');
});

test('createSecretScan() lets the event loop turn while it reads a large file', async () => {
  let turns = 0;
  let scanning = true;
  const turn = () => {
    turns++;
    if (scanning) setImmediate(turn);
  };
  setImmediate(turn);
  await find(Buffer.alloc(3_000_000, 'plain text '));
  scanning = false;
  expect(turns).toBeGreaterThanOrEqual(10);
});

test.each([
  ['key headers', (n: number) => `-----BEGIN PRIVATE ${'KEY'}-----${'a: b'.repeat(n / 4)}`],
  ['key starts', (n: number) => `-----BEGIN PRIVATE ${'KEY'}-----\n`.repeat(n / 28)],
  ['URLs', (n: number) => 'http://a:b'.repeat(n / 10)],
  ['token starts', (n: number) => 'eyJaaaaaaaaaaa.'.repeat(n / 15)],
  ['blanks', (n: number) => ' '.repeat(n)],
  ['assignments', (n: number) => 'A_TOKEN = "'.repeat(n / 11)],
])('createSecretScan() takes no longer than usual for endless %s', async (_what, text) => {
  const started = performance.now();
  await find(text(1_000_000));
  expect(performance.now() - started).toBeLessThan(3000);
});

test('createSecretScan() stays equally fast and small over thousands of files', async () => {
  const round = async () => {
    const started = performance.now();
    for (let at = 0; at < 1000; at++) await find(`const answer = ${at};\n`.repeat(20));
    return performance.now() - started;
  };
  const first = await round();
  for (let at = 0; at < 3; at++) await round();
  expect(await round()).toBeLessThan(first * 3 + 500);
});

test.each([1, 7, 4096, 262_144, 300_001])(
  'createSecretScan() finds the same in pieces of %d bytes as in a whole',
  async (pieceBytes) => {
    const filler = 'some ordinary line of text that goes on\n'.repeat(pieceBytes < 100 ? 20 : 20_000);
    const text = `${filler}${token}\n${filler}`;
    for (const whole of [
      Buffer.from(text),
      Buffer.from(`\uFEFF${text}`),
      Buffer.from(`\uFEFF${text}`, 'utf16le'),
    ]) {
      const pieces = async function* () {
        for (let at = 0; at < whole.length; at += pieceBytes) yield whole.subarray(at, at + pieceBytes);
      };
      const found = await scan(whole, 'any', signal);
      expect(found).not.toBeNull();
      expect(await scan(pieces(), 'any', signal)).toEqual(found);
    }
  },
);
