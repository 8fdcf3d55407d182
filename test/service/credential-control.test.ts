// The credentials as people see them: whose, whether the host takes them, and when they end. The host's word is played.

import { expect, test } from 'vitest';
import type { Account } from '../../src/github/account.ts';
import { createCredentials } from '../../src/github/credentials.ts';
import { environmentSource } from '../../src/github/sources/environment.ts';
import { Failure } from '../../src/model/failure.ts';
import type { Project } from '../../src/model/project.ts';
import { GithubConfigSchema } from '../../src/model/project-config.ts';
import { createCredentialControl } from '../../src/service/credential-control.ts';
import { createManualClock } from '../support/manual-clock.ts';

const DAY_MS = 86_400_000;
const SECRET = 'a-secret-that-must-not-show';

type Mirrors = { url: string; credential?: string }[];

function open(
  projects: Record<string, object>,
  tokens: Record<string, string>,
  mirrors: Record<string, Mirrors> = {},
) {
  const clock = createManualClock();
  const told: { account: Account | Failure } = {
    account: { login: 'octocat', scopes: ['repo'], expiresAt: null },
  };
  const asked: string[] = [];
  const control = createCredentialControl({
    clock,
    credentials: createCredentials({
      sourcesFor: () => [environmentSource({ env: {}, tokens: () => tokens })],
      log: { warn: () => {} },
    }),
    github: {
      async readAccount({ host, as }) {
        asked.push(`${as?.credential ?? ''}@${host}`);
        if (told.account instanceof Failure) throw told.account;
        return told.account;
      },
    },
    hasApi: (host) => host === 'github.com',
    projects: async () =>
      Object.entries(projects).map(
        ([projectId, authentication]) =>
          ({
            projectId,
            github: GithubConfigSchema.parse({
              ...{ enabled: true, authentication },
              remotes: (mirrors[projectId] ?? []).map((mirror, n) => ({ name: `mirror-${n}`, ...mirror })),
            }),
          }) as Project,
      ),
    hostOf: async () => 'github.com',
  });
  return { control, clock, told, asked };
}

test('each credential says who needs it, whose it is, and never what it is', async () => {
  const token = { type: 'token', configured: true };
  const { control, asked } = open(
    { blog: token, notes: { ...token, credential: 'work' }, none: { type: 'none', configured: false } },
    { 'github.com': SECRET, 'git.example.org': SECRET },
  );
  const all = await control.credentials({ refresh: false });
  expect(all).toMatchObject([
    { key: 'git.example.org', state: 'unchecked', projectIds: [], login: null },
    { key: 'github.com', state: 'ok', projectIds: ['blog'], login: 'octocat', scopes: ['repo'] },
    {
      key: 'work@github.com',
      state: 'missing',
      projectIds: ['notes'],
      reason: { code: 'credential-missing' },
    },
  ]);
  expect(asked).toEqual(['@github.com']);
  expect(JSON.stringify(all)).not.toContain(SECRET);
});

test('credentials that only a mirror names are listed with the projects that need them', async () => {
  const token = { type: 'token', configured: true };
  const mirrors = [
    { url: 'https://git.example.org/ada/blog.git', credential: 'backup' },
    { url: 'git@codeberg.org:ada/blog.git', credential: 'keys' },
    { url: 'https://nobody.example.org/ada/blog.git' },
    { url: '/srv/backup/blog.git', credential: 'none' },
  ];
  const tokens = { 'github.com': SECRET, 'backup@git.example.org': SECRET };
  const { control } = open({ blog: token, notes: token }, tokens, {
    blog: mirrors,
    notes: mirrors.slice(0, 1),
  });
  expect(await control.credentials({ refresh: false })).toMatchObject([
    { key: 'backup@git.example.org', name: 'backup', state: 'unchecked', projectIds: ['blog', 'notes'] },
    { key: 'github.com', state: 'ok', projectIds: ['blog', 'notes'] },
    // By SSH nobody has to have one.
    { key: 'keys@codeberg.org', state: 'unchecked', reason: null, projectIds: ['blog'] },
  ]);
});

test('by SSH no token is missing', async () => {
  const { control } = open({ blog: { type: 'ssh', configured: true } }, {});
  expect(await control.credentials({ refresh: false })).toMatchObject([{ state: 'unchecked', reason: null }]);
});

test('the host is asked again after ten minutes, when a person wants it, and after a fault', async () => {
  const { control, clock, told, asked } = open({}, { 'github.com': SECRET });
  for (const refresh of [false, false, true]) await control.credentials({ refresh });
  expect(asked).toHaveLength(2);
  await clock.advance(600_000);
  told.account = new Failure('credential-rejected', 'Bad credentials');
  const [rejected] = await control.credentials({ refresh: false });
  expect(rejected).toMatchObject({ state: 'rejected', reason: { code: 'credential-rejected' } });
  told.account = new Failure('offline', 'no route');
  const [unknown] = await control.credentials({ refresh: false });
  expect(unknown).toMatchObject({ state: 'unchecked', reason: { code: 'offline' } });
  expect(asked).toHaveLength(4);
});

test.each([
  [8, 'ok', null],
  [5, 'ends-soon', /ends in 5 days/],
  [0.5, 'ends-soon', /ends in 1 day\./],
  [-1, 'ended', /ended on \d{4}-\d\d-\d\d/],
] as const)('a token that ends in %d days is %s', async (days, state, words) => {
  const { control, clock, told } = open({}, { 'github.com': SECRET });
  told.account = { login: 'octocat', scopes: null, expiresAt: clock.now() + days * DAY_MS };
  const [shown] = await control.credentials({ refresh: false });
  expect(shown?.state).toBe(state);
  if (words === null) expect(shown?.reason).toBeNull();
  else expect(shown?.reason?.detail).toMatch(words);
});
