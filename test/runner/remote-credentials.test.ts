// Each remote is reached by its own account, on the wire too.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { openObjects } from '../../src/git/objects/objects.ts';
import { pushBranch } from '../../src/git/remote/push.ts';
import { createTransport } from '../../src/git/remote/transport.ts';
import { openRepository } from '../../src/git/repository.ts';
import { createCredentials } from '../../src/github/credentials.ts';
import { environmentSource } from '../../src/github/sources/environment.ts';
import { systemClock } from '../../src/host/clock.ts';
import { type GithubConfig, GithubConfigSchema } from '../../src/model/project-config.ts';
import { credentialsOfRemotes } from '../../src/runner/remote-credentials.ts';
import { createGitRepo } from '../support/git-repo.ts';
import { type GitServer, startGitServer } from '../support/git-server.ts';

const HOST = 'git.example.org';
const TOKENS = {
  [HOST]: 'plain',
  [`work@${HOST}`]: 'of-work',
  [`home@${HOST}`]: 'of-home',
  'other.example.org': 'elsewhere',
};
const credentialsOf = (tokens: Record<string, string>) =>
  createCredentials({
    sourcesFor: () => [environmentSource({ env: {}, tokens: () => tokens })],
    log: { warn: () => {} },
  });
const urlOf = (path: string, host = HOST) => `https://${host}/${path}`;
const finder = (github: Partial<GithubConfig>, tokens: Record<string, string> = TOKENS) => {
  const config = GithubConfigSchema.parse({ enabled: true, ...github });
  const find = credentialsOfRemotes(config, credentialsOf(tokens));
  return async (url: string, host = new URL(url).host) => (await find?.(host, url))?.password ?? null;
};

test('a project that names nothing does as all do', () => {
  const config = GithubConfigSchema.parse({ remotes: [{ name: 'copy', url: urlOf('a/copy.git') }] });
  expect(credentialsOfRemotes(config, credentialsOf(TOKENS))).toBeNull();
});

test('the account of a mirror is for that mirror, and not for the primary on its host', async () => {
  const remotes = [{ name: 'copy', url: urlOf('a/copy.git'), credential: 'home' }];
  const plain = finder({ remotes });
  expect(await plain(urlOf('a/copy.git/info/refs?service=git-receive-pack'))).toBe('of-home');
  expect(await plain(urlOf('a/copy'))).toBe('of-home');
  expect(await plain(urlOf('a/main.git/git-receive-pack'))).toBe('plain');
  const named = finder({ remotes, authentication: { type: 'token', configured: true, credential: 'work' } });
  expect(await named(urlOf('a/main.git/git-upload-pack'))).toBe('of-work');
  expect(await named(urlOf('a/copy.git'))).toBe('of-home');
});

test('a mirror that names none uses the name of the project where its host knows it', async () => {
  const remotes = [
    { name: 'near', url: urlOf('a/near.git') },
    { name: 'far', url: urlOf('a/far.git', 'other.example.org') },
  ];
  const find = finder({ remotes, authentication: { type: 'token', configured: true, credential: 'work' } });
  expect(await find(urlOf('a/near.git'))).toBe('of-work');
  expect(await find(urlOf('a/far.git', 'other.example.org'))).toBe('elsewhere');
});

test.each([
  [
    'nobody',
    /named? the credential "nobody@git\.example\.org", and nobody has one/,
    /gitferry login --name nobody/,
  ],
  ['work@github.com', /"work@github\.com", which is none for git\.example\.org/, /Correct the name/],
])('the name %s is an error, and no other account takes its place', async (credential, detail, action) => {
  const missing = { code: 'credential-missing', action: expect.stringMatching(action) };
  const primary = finder({ authentication: { type: 'token', configured: true, credential } });
  await expect(primary(urlOf('a/main.git'))).rejects.toMatchObject(missing);
  await expect(primary(urlOf('a/main.git'))).rejects.toThrow(detail);
  const mirror = finder({ remotes: [{ name: 'copy', url: urlOf('a/copy.git'), credential }] });
  await expect(mirror(urlOf('a/copy.git'))).rejects.toMatchObject(missing);
  expect(await mirror(urlOf('a/main.git'))).toBe('plain');
  // By SSH no token is needed, and where a host sends on to another one the name means nothing.
  const bySsh = finder({ authentication: { type: 'ssh', configured: true, credential } });
  expect(await bySsh(urlOf('a/main.git'))).toBeNull();
  expect(await primary(urlOf('a/main.git'), 'other.example.org')).toBeNull();
});

test('the own credential of a host has no name to log in with', async () => {
  const find = finder({ authentication: { type: 'token', configured: true, credential: HOST } }, {});
  const action = expect.stringMatching(/or name one for this host\.$/);
  await expect(find(urlOf('a/main.git'))).rejects.toMatchObject({ code: 'credential-missing', action });
});

let server: GitServer;
beforeAll(async () => {
  server = await startGitServer();
});
afterAll(() => server.stop());

test('on the wire two remotes of one host get each its own', async () => {
  const [main, copy] = [await server.createRepo('main'), await server.createRepo('copy')];
  const host = new URL(server.url).host;
  const config = GithubConfigSchema.parse({
    remotes: [{ name: 'copy', url: copy.url, credential: 'home' }],
    authentication: { type: 'token', configured: true, credential: 'work' },
  });
  const credentials = credentialsOf({ [`work@${host}`]: 'of-work', [`home@${host}`]: 'of-home' });
  const credentialFor = credentialsOfRemotes(config, credentials);
  if (credentialFor === null) throw new Error('each has its own');
  const transport = createTransport({
    ...{ clock: systemClock, credentialFor, userAgent: 'git/test', idleTimeoutMs: 20_000 },
  });
  for (const { url } of [main, copy, main]) {
    const { body } = await transport.request({
      method: 'GET',
      url: `${url}/info/refs?service=git-receive-pack`,
      headers: {},
      signal: new AbortController().signal,
    });
    for await (const _ of body) void _;
  }
  expect(passwordsSent()).toEqual(['of-work', 'of-home', 'of-work']);
});

test('a mirror that was moved is pushed to by its own account, the upload too', async () => {
  const [old, moved] = [await server.createRepo('before'), await server.createRepo('after')];
  const host = new URL(server.url).host;
  const config = GithubConfigSchema.parse({
    remotes: [{ name: 'copy', url: old.url, credential: 'home' }],
    authentication: { type: 'token', configured: true, credential: 'work' },
  });
  const credentials = credentialsOf({ [`work@${host}`]: 'of-work', [`home@${host}`]: 'of-home' });
  const credentialFor = credentialsOfRemotes(config, credentials);
  if (credentialFor === null) throw new Error('each has its own');
  const repo = await createGitRepo();
  await repo.git('commit', '--quiet', '--allow-empty', '-m', 'first');
  const repository = await openRepository(repo.path);
  const objects = openObjects(repository, { fsync: false });
  const seen = server.requests.length;
  try {
    server.inject(/GET \/before/, {
      kind: 'redirect',
      to: `${moved.url}/info/refs?service=git-receive-pack`,
    });
    const tip = (await repo.git('rev-parse', 'HEAD')).trim();
    const pushed = await pushBranch({
      transport: createTransport({
        ...{ clock: systemClock, credentialFor, userAgent: 'git/test', idleTimeoutMs: 20_000 },
      }),
      ...{ objects, repo: repository, url: old.url, branch: 'main', tip, assumed: null, clock: systemClock },
      signal: new AbortController().signal,
    });
    expect(pushed).toMatchObject({ status: 'pushed', redirectedTo: moved.url });
    expect(passwordsSent(seen)).toEqual(['of-home', 'of-home', 'of-home']);
  } finally {
    await objects.close();
    await repo.remove();
  }
});

function passwordsSent(from = 0): (string | undefined)[] {
  const sent = server.requests.slice(from).map(({ auth }) => auth?.split(' ')[1] ?? '');
  return sent.map((each) => Buffer.from(each, 'base64').toString().split(':')[1]);
}
