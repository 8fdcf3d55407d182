// A branch's rules are read before a push, from a real server; what cannot be read stands in nobody's way.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createPace } from '../../src/github/pace.ts';
import { createGithubClient } from '../../src/github/rest-client.ts';
import { systemClock } from '../../src/host/clock.ts';
import { silentLog } from '../../src/host/log.ts';
import { GithubConfigSchema } from '../../src/model/project-config.ts';
import { createBranchRules } from '../../src/runner/branch-rules.ts';
import { createManualClock, type ManualClock } from '../support/manual-clock.ts';

const MINUTE_MS = 60_000;
const FOUND = {
  ...{ full_name: 'o/r', clone_url: 'https://github.com/o/r.git', private: true, default_branch: 'main' },
  permissions: { push: true },
};
const LOCKED = [{ type: 'pull_request', ruleset_id: 1 }];

let rules: unknown[];
let status: number;
let asked: string[];
let close: () => Promise<unknown>;
let clock: ManualClock;
let why: (branch?: string, github?: object, url?: string) => Promise<string | null>;

beforeEach(async () => {
  [rules, status, asked, clock] = [[], 200, [], createManualClock()];
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    asked.push(path);
    const body = path.includes('/old')
      ? FOUND
      : path.includes('/rules/')
        ? rules
        : path.includes('/rulesets/')
          ? { name: 'main', current_user_can_bypass: 'never' }
          : path.includes('/branches/')
            ? { protected: false }
            : FOUND;
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  close = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  const apiUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const github = createGithubClient({
    ...{ apiUrlFor: () => apiUrl, tokenFor: async () => ({ key: 'github.com', token: 'a-token' }) },
    ...{ userAgent: 'gitferry/test', clock: systemClock, log: silentLog },
    pace: createPace({ clock: systemClock }),
  });
  const whyRefused = createBranchRules({
    ...{ github, clock, log: silentLog, hasApi: (host) => host === 'github.com' },
  });
  why = (branch = 'main', settings = {}, url = 'https://github.com/o/r.git') => {
    const config = GithubConfigSchema.parse(settings);
    return whyRefused({ url, branch, github: config, signal: new AbortController().signal });
  };
});
afterEach(() => close());

test('a branch that takes changes by pull request only is told, and asked for anew each time', async () => {
  rules = LOCKED;
  expect(await why()).toMatch(/^On github\.com, main .*\(ruleset "main"\)$/);
  rules = [];
  expect(await why()).toBeNull();
});

test('an open branch is asked for once in ten minutes; then the old answer serves while it is read anew', async () => {
  expect(await why()).toBeNull();
  const once = asked.length;
  expect(await why()).toBeNull();
  expect(asked).toHaveLength(once);
  await why('other');
  expect(asked.length).toBeGreaterThan(once);
  rules = LOCKED;
  await clock.advance(11 * MINUTE_MS);
  expect(await why()).toBeNull();
  await expect.poll(() => why(), { timeout: 20_000 }).toMatch(/main/);
});

test('whatever cannot be read is found out by pushing', async () => {
  status = 500;
  expect(await why()).toBeNull();
  // A fault is not remembered.
  [status, rules] = [200, LOCKED];
  await clock.advance(11 * MINUTE_MS);
  await expect.poll(() => why(), { timeout: 20_000 }).toMatch(/main/);
});

test('of a repository that has another name by now, the rules are read there', async () => {
  rules = LOCKED;
  expect(await why('main', {}, 'https://github.com/o/old.git')).toMatch(/main/);
  expect(asked.slice(0, 2)).toEqual(['/repos/o/old', '/repos/o/r']);
});

test.each([
  ['no account', { authentication: { type: 'none', configured: false } }, undefined],
  ['an SSH key', { authentication: { type: 'ssh', configured: true } }, undefined],
  ['a host without an API', {}, 'https://git.example.org/o/r.git'],
  ['an address that is no repository', {}, 'https://github.com/a/b/c.git'],
])('with %s nobody is asked', async (_what, settings, url) => {
  rules = LOCKED;
  expect(await why('main', settings, url)).toBeNull();
  expect(asked).toEqual([]);
});
