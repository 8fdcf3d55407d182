import { expect, test } from 'vitest';
import {
  displayUrl,
  httpsEquivalent,
  isLoopback,
  normalRemote,
  parseRemoteUrl,
  sameRemote,
} from '../../../src/git/remote/remote-url.ts';

test.each([
  ['https://github.com/u/r.git', 'https', 'github.com', 'u/r.git', false],
  ['HTTPS://GitHub.com:443/u/R', 'https', 'github.com', 'u/R', false],
  ['https://git.example.com:8443/u/r', 'https', 'git.example.com:8443', 'u/r', false],
  ['https://user:t0ken@github.com/u/r', 'https', 'github.com', 'u/r', true],
  ['https://t0ken@github.com/u/r', 'https', 'github.com', 'u/r', true],
  ['http://127.0.0.1:8080/r', 'http', '127.0.0.1:8080', 'r', false],
  ['http://[::1]:8080/r', 'http', '[::1]:8080', 'r', false],
  ['git@github.com:u/r.git', 'ssh', 'github.com', 'u/r.git', false],
  ['github.com:u/r.git', 'ssh', 'github.com', 'u/r.git', false],
  ['ssh://git@GitHub.com/u/r', 'ssh', 'github.com', 'u/r', false],
  ['ssh://git@example.com:2222/u/r', 'ssh', 'example.com:2222', 'u/r', false],
  ['ssh://git:secret@example.com:22/u/r', 'ssh', 'example.com', 'u/r', true],
  ['file:///srv/with%20space/r.git', 'file', '', '/srv/with space/r.git', false],
  ['/srv/git/r.git', 'file', '', '/srv/git/r.git', false],
  ['../r.git', 'file', '', '../r.git', false],
  ['C:\\repos\\r', 'file', '', 'C:\\repos\\r', false],
  ['C:/repos/r', 'file', '', 'C:/repos/r', false],
  ['git://example.com/r', 'unknown', '', 'git://example.com/r', false],
  ['https://', 'unknown', '', 'https://', false],
  ['', 'unknown', '', '', false],
])('parseRemoteUrl() reads %s', (url, kind, host, path, hasCredentials) => {
  expect(parseRemoteUrl(url)).toEqual({ kind, host, path, hasCredentials });
});

test.each([
  ['git@github.com:u/r.git', 'https://github.com/u/r.git'],
  ['ssh://git@github.com/u/r', 'https://github.com/u/r'],
  ['ssh://git@ssh.github.com:443/u/r.git', 'https://github.com/u/r.git'],
  ['git@gitlab.com:g/sub/r.git', 'https://gitlab.com/g/sub/r.git'],
  ['git@bitbucket.org:u/r.git', 'https://bitbucket.org/u/r.git'],
  ['https://user:t0ken@github.com/u/r', 'https://github.com/u/r'],
  ['git@git.example.com:u/r.git', null],
  ['http://github.com/u/r', null],
  ['/srv/git/r.git', null],
])('httpsEquivalent() of %s is %s', (url, expected) => {
  expect(httpsEquivalent(url)).toBe(expected);
});

test.each([
  ['https://user:t0ken@github.com/u/r', 'https://github.com/u/r'],
  ['https://t0ken@github.com/u/r', 'https://github.com/u/r'],
  ['https://user:p@ss@github.com/u/r', 'https://github.com/u/r'],
  ['https://github.com/u/r@1', 'https://github.com/u/r@1'],
  ['git@github.com:u/r', 'git@github.com:u/r'],
  ['ssh://git:secret@example.com/u/r', 'ssh://git@example.com/u/r'],
  ['ftp://user:t0ken@example.com/r', 'ftp://example.com/r'],
])('displayUrl() shows %s as %s', (url, expected) => {
  expect(displayUrl(url)).toBe(expected);
});

test('sameRemote() sees through scheme, ending and case of known hosts', () => {
  expect(sameRemote('git@github.com:User/Repo.git', 'https://github.com/user/repo/')).toBe(true);
  expect(sameRemote('https://t0ken@github.com/u/r', 'https://github.com/u/r')).toBe(true);
  expect(sameRemote('https://git.example.com/u/R', 'https://git.example.com/u/r')).toBe(false);
  expect(sameRemote('https://github.com/u/r', 'https://github.com/u/r2')).toBe(false);
});

test('normalRemote() never holds a credential', () => {
  expect(normalRemote('https://user:t0ken@github.com/u/r.git')).not.toContain('t0ken');
});

test.each([
  ['localhost', true],
  ['localhost:3000', true],
  ['app.localhost', true],
  ['127.0.0.1:80', true],
  ['127.8.9.1', true],
  ['[::1]:80', true],
  ['127.0.0.1.example.com', false],
  ['localhost.example.com', false],
  ['192.168.0.1', false],
])('isLoopback(%s) is %s', (host, expected) => {
  expect(isLoopback(host)).toBe(expected);
});
