// A real secret service on a session bus of its own. Where there is none to start, this is skipped by name.

import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openKeyring } from '../../src/github/sources/keyring.ts';

const PROGRAMS = ['dbus-run-session', 'gnome-keyring-daemon'];
const missing = PROGRAMS.filter((name) => {
  try {
    execFileSync('sh', ['-c', `command -v ${name}`], { stdio: 'ignore' });
    return false;
  } catch {
    return true;
  }
});
if (missing.length > 0) console.warn(`The keyring is not tested: ${missing.join(' and ')} not installed.`);

test('on Linux there is no keyring without a session bus, whatever the kernel offers', async () => {
  expect(await openKeyring({}, 'linux')).toBeNull();
});

test.skipIf(missing.length > 0)(
  'the secret service keeps a token over processes, and no file has it',
  async () => {
    const home = await mkdtemp(join(tmpdir(), 'gitferry-keyring-'));
    try {
      const url = (path: string) => new URL(path, import.meta.url).href;
      await writeFile(
        join(home, 'use.mts'),
        `import { openCredentials } from '${url('../../src/github/open-credentials.ts')}';
import { systemClock } from '${url('../../src/host/clock.ts')}';
const settings = () => ({ tokens: {}, tokenFiles: {}, githubApps: {}, credentialHelpers: [], credentialsFile: null, githubApis: {} });
const places = openCredentials({ pid: process.pid, env: process.env, homeDir: process.env.HOME, clock: systemClock, log: { warn: console.error }, settings, userAgent: 'test' });
const [what] = process.argv.slice(2);
if (what === 'put') await places.stored.put('github.com', { token: 'gho_inthekeyring', login: 'ada' }, 'keyring');
if (what === 'remove') await places.stored.remove('github.com');
const found = await places.credentials.describe('github.com');
const token = (await places.credentials.tokenFor('github.com'))?.token;
console.log(JSON.stringify({ found, token }));
process.exit(0);
`,
      );
      const use = (what: string) => `node --import tsx "${home}/use.mts" ${what}`;
      const script = [
        `printf 'secret' | gnome-keyring-daemon --unlock --components=secrets >/dev/null`,
        ...[use('put'), use('get'), use('remove')],
      ].join(' && ');
      const root = new URL('../..', import.meta.url).pathname;
      const env = {
        PATH: process.env.PATH,
        HOME: home,
        XDG_RUNTIME_DIR: home,
        XDG_DATA_HOME: join(home, 'data'),
      };
      const out = execFileSync('dbus-run-session', ['--', 'sh', '-c', script], {
        cwd: root,
        env,
        encoding: 'utf8',
      });
      const answers = out
        .trim()
        .split('\n')
        .filter((line) => line.startsWith('{'));
      const [put, got, removed] = answers.map((line) => JSON.parse(line));
      expect(put).toMatchObject({ found: { source: 'keyring', from: 'keyring' }, token: 'gho_inthekeyring' });
      expect(got).toEqual(put);
      expect(removed.found).toBeNull();
      const listed = await readFile(join(home, '.config/gitferry/credentials.json'), 'utf8');
      expect(listed).not.toContain('gho_inthekeyring');
    } finally {
      await rm(home, { recursive: true, force: true });
    }
  },
  60_000,
);
