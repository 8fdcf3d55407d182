import { expect, test } from 'vitest';
import { parseConfig } from '../../../src/git/config/config-file.ts';
import { configOf } from '../../../src/git/config/config-values.ts';
import { readIdentity } from '../../../src/git/config/identity.ts';
import { createGitRepo } from '../../support/git-repo.ts';

const identity = (text: string, env: Record<string, string> = {}) =>
  readIdentity(configOf(parseConfig(text)), env);

const USER = '[user]\nname = Ada\nemail = ada@example.com\n';

test('readIdentity() takes user, then author, then the environment, each part by itself', () => {
  expect(identity(USER)).toEqual({ name: 'Ada', email: 'ada@example.com' });
  expect(identity(`${USER}[author]\nname = Grace\n`)).toEqual({ name: 'Grace', email: 'ada@example.com' });
  expect(identity(USER, { GIT_AUTHOR_EMAIL: 'env@example.com' })).toEqual({
    name: 'Ada',
    email: 'env@example.com',
  });
});

test('readIdentity() invents nothing', () => {
  expect(identity('')).toBeNull();
  expect(identity('[user]\nname = Ada\n')).toBeNull();
  expect(identity('[user]\nemail = a@b\n')).toBeNull();
  expect(identity('[user]\nname\nemail = a@b\n')).toBeNull();
  expect(identity('[user]\nname = " ., "\nemail = a@b\n')).toBeNull();
  expect(identity('', { USER: 'ada', EMAIL: 'a@b', LOGNAME: 'ada' })).toBeNull();
});

test.each([' Ada Lovelace. ', 'A <b> c', '"Quoted"', "d'Arc", 'Jürgen 漢', 'a.b'])(
  'readIdentity() cleans the name %j as git does',
  async (name) => {
    const repo = await createGitRepo({ env: { GIT_AUTHOR_NAME: name, GIT_AUTHOR_EMAIL: '<a@b.c>' } });
    try {
      const said = (await repo.git('var', 'GIT_AUTHOR_IDENT')).replace(/ \d+ [+-]\d+\n$/, '');
      const ours = identity('', { GIT_AUTHOR_NAME: name, GIT_AUTHOR_EMAIL: '<a@b.c>' });
      expect(`${ours?.name} <${ours?.email}>`).toBe(said);
    } finally {
      await repo.remove();
    }
  },
);
