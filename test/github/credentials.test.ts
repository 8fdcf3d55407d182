import { expect, test } from 'vitest';
import { createCredentials, parseTokens } from '../../src/github/credentials.ts';
import { Failure } from '../../src/model/failure.ts';

const credentials = (env: Record<string, string>, tokens: Record<string, string> = {}) =>
  createCredentials({ env, tokens: () => tokens });

test('createCredentials() gives GITHUB_TOKEN to github.com and to nobody else', async () => {
  const found = credentials({ GITHUB_TOKEN: 'one', GH_TOKEN: 'two' });
  expect(found.tokenFor('github.com')).toBe('one');
  expect(found.tokenFor('GitHub.com')).toBe('one');
  expect(await found.credentialFor('github.com')).toEqual({ username: 'x-access-token', password: 'one' });
  expect(found.describe('github.com')).toEqual({ source: 'environment', name: 'GITHUB_TOKEN' });
  for (const host of [
    'api.github.com',
    'github.com:8443',
    'github.com.evil.io',
    'evil-github.com',
    'gitlab.com',
    '',
  ]) {
    expect(found.tokenFor(host)).toBeNull();
    expect(await found.credentialFor(host)).toBeNull();
    expect(found.describe(host)).toBeNull();
  }
});

test('createCredentials() takes GH_TOKEN when GITHUB_TOKEN is missing or blank', () => {
  expect(credentials({ GH_TOKEN: 'two' }).tokenFor('github.com')).toBe('two');
  const blank = credentials({ GITHUB_TOKEN: '  ', GH_TOKEN: 'two\n' });
  expect(blank.tokenFor('github.com')).toBe('two');
  expect(blank.describe('github.com')).toEqual({ source: 'environment', name: 'GH_TOKEN' });
});

test('createCredentials() lets SYNC_TOKENS win for exactly the host and port it names', () => {
  const found = credentials({ GITHUB_TOKEN: 'env' }, { 'github.com': 'own', 'git.acme.io:8443': 'acme' });
  expect(found.tokenFor('github.com')).toBe('own');
  expect(found.describe('github.com')).toEqual({ source: 'SYNC_TOKENS', name: 'github.com' });
  expect(found.tokenFor('GIT.acme.io:8443')).toBe('acme');
  expect(found.tokenFor('git.acme.io')).toBeNull();
  expect(found.tokenFor('git.acme.io:443')).toBeNull();
});

test('createCredentials() takes no token from what every object has', () => {
  expect(credentials({}).tokenFor('constructor')).toBeNull();
  expect(credentials({}).tokenFor('__proto__')).toBeNull();
});

test('createCredentials() follows a change of the tokens', () => {
  let tokens: Record<string, string> = {};
  const found = createCredentials({ env: {}, tokens: () => tokens });
  expect(found.tokenFor('git.acme.io')).toBeNull();
  tokens = { 'git.acme.io': 'new' };
  expect(found.tokenFor('git.acme.io')).toBe('new');
});

test('createCredentials() refuses a variable that no header can carry, without telling it', () => {
  const fault = failureOf(() => credentials({ GITHUB_TOKEN: 'abc def' }));
  expect(fault.code).toBe('invalid-config');
  expect(fault.message).toContain('GITHUB_TOKEN');
  expect(fault.message).not.toContain('abc');
});

test('parseTokens() reads hosts in lower case, with and without a port', () => {
  expect(parseTokens(undefined)).toEqual({});
  expect(parseTokens('  ')).toEqual({});
  expect(
    parseTokens('{"GitHub.com":"a","git.acme.io:8443":"b","localhost:3000":"c","[::1]:80":"d"}'),
  ).toEqual({
    'github.com': 'a',
    'git.acme.io:8443': 'b',
    'localhost:3000': 'c',
    '[::1]:80': 'd',
  });
});

const TOKEN = 'SuperS3cretValue';
test.each([
  ['a scheme', `{"https://github.com":"${TOKEN}"}`, /scheme/],
  ['a path', `{"github.com/acme":"${TOKEN}"}`, /no host/],
  ['a user', `{"me:${TOKEN}@github.com":"x"}`, /no host/],
  ['a token as key', `{"ghp_${TOKEN}":"github.com"}`, /no host/],
  ['a URL with a token', `{"https://me:${TOKEN}@github.com":"x"}`, /github\.com has a scheme/],
  ['a port out of range', `{"github.com:70000":"${TOKEN}"}`, /1-65535/],
  ['an empty token', '{"github.com":""}', /empty token/],
  ['a token with a blank', `{"github.com":"${TOKEN} x"}`, /blanks/],
  ['a token with a line end', `{"github.com":"${TOKEN}\\n"}`, /blanks/],
  ['a number', '{"github.com":5}', /no text/],
  ['the same host twice', `{"github.com":"${TOKEN}","GITHUB.com":"x"}`, /named twice/],
  ['a list', `["${TOKEN}"]`, /JSON object/],
  ['a text', `"${TOKEN}"`, /JSON object/],
  ['broken JSON', `{"github.com":"${TOKEN}"`, /not valid JSON/],
  ['a bare token', TOKEN, /not valid JSON/],
])('parseTokens() refuses %s and never tells a token', (_what, json, expected) => {
  const fault = failureOf(() => parseTokens(json));
  expect(fault.code).toBe('invalid-config');
  expect(fault.message).toMatch(expected);
  expect(`${fault.message}${fault.cause ?? ''}${JSON.stringify(fault.data)}`).not.toContain(TOKEN);
});

test('parseTokens() names every fault at once', () => {
  const fault = failureOf(() => parseTokens('{"a b":"x","https://c.io":"y","d.io":""}'));
  expect(fault.message).toMatch(/no host.*scheme.*d\.io has an empty token/);
});

function failureOf(act: () => unknown): Failure {
  try {
    act();
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
