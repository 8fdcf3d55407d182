// Installing as a service of the user: what is written on each system, and what the system is told.

import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { jsonOf, type RunOptions, runCli } from './run-cli.ts';

let folder: string;
let options: RunOptions;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gitferry-service-'));
  // Systems are told by programs of theirs: these note what they are told.
  for (const program of ['systemctl', 'launchctl', 'schtasks']) {
    const file = join(folder, program);
    await writeFile(
      file,
      `#!/bin/sh\necho "${program} $*" >> ${join(folder, 'told')}\n[ ! -e ${folder}/fails ] || { echo no bus >&2; exit 1; }\n`,
    );
    await chmod(file, 0o755);
  }
  options = {
    ...{ homeDir: join(folder, 'home'), cwd: folder, platform: 'linux' },
    program: ['/opt/my node/bin/node', '/opt/gitferry/dist/main.js'],
    env: { PATH: `${folder}${delimiter}${process.env.PATH}` },
  };
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const told = async () => (await readFile(join(folder, 'told'), 'utf8')).trim().split('\n');
const UNIT = '.config/systemd/user/gitferry.service';

test('on Linux a unit is written that starts the program with its folders, and systemd is told', async () => {
  const ran = await runCli(['service', 'install', 'my notes', '100%', '--json'], options);
  expect(ran).toMatchObject({ code: 0, err: '' });
  const { path } = jsonOf(ran);
  expect(path).toBe(join(folder, 'home', UNIT));
  const unit = await readFile(path, 'utf8');
  const database = join(folder, 'home/.local/state/gitferry/sync-queue.db');
  expect(unit).toContain(
    `ExecStart="/opt/my node/bin/node" /opt/gitferry/dist/main.js start "${folder}/my notes" ${folder}/100%% --db ${database}\n`,
  );
  expect(unit).toContain('EnvironmentFile=-%h/.config/gitferry/environment\n');
  expect(unit).toContain('Restart=on-failure\n');
  expect(unit).not.toMatch(/token/i);
  expect(await told()).toEqual([
    'systemctl --user daemon-reload',
    'systemctl --user enable --now gitferry.service',
  ]);
});

test.runIf(hasSystemd())('systemd itself finds no fault in the unit', async () => {
  const program = [process.execPath, join(folder, 'my main.js')];
  await writeFile(program[1] as string, '');
  await runCli(['service', 'install', 'my notes', '--no-start'], { ...options, program });
  const unit = join(folder, 'home', UNIT);
  await mkdir(join(folder, 'home/.local/state/gitferry'), { recursive: true });
  execFileSync('systemd-analyze', ['verify', '--man=no', unit], { stdio: 'pipe' });
});

test('it is taken away with what systemd knows of it; twice is no error', async () => {
  await runCli(['service', 'install', '--no-start'], options);
  expect(await runCli(['service', 'status'], options)).toMatchObject({ code: 0 });
  expect((await runCli(['service', 'uninstall'], options)).out).toContain('Stopped and removed');
  expect(await told()).toEqual([
    'systemctl --user is-active gitferry.service',
    'systemctl --user disable --now gitferry.service',
  ]);
  await expect(stat(join(folder, 'home', UNIT))).rejects.toThrow('ENOENT');
  expect((await runCli(['service', 'uninstall'], options)).out).toBe('It was not installed.\n');
  expect(await runCli(['service', 'status'], options)).toMatchObject({ code: 4 });
});

test('a system that refuses is quoted', async () => {
  await writeFile(join(folder, 'fails'), '');
  const ran = await runCli(['service', 'install'], options);
  expect(ran.code).toBe(1);
  expect(ran.err).toContain('systemctl --user daemon-reload ended with 1: no bus');
});

test('on macOS an agent is written whose shell reads the variables', async () => {
  const mac = { ...options, platform: 'darwin' };
  const ran = await runCli(['service', 'install', 'a & b', '--json'], mac);
  const { path } = jsonOf(ran);
  expect(path).toBe(join(folder, 'home/Library/LaunchAgents/dev.gitferry.gitferry.plist'));
  const plist = await readFile(path, 'utf8');
  expect(plist).toContain(`<string>${folder}/a &amp; b</string>`);
  expect(plist).toMatch(/<key>KeepAlive<\/key>\s*<dict>\s*<key>SuccessfulExit<\/key>\s*<false\/>/);
  const words = [...plist.matchAll(/<string>([^<]*)<\/string>/g)].map(([, text = '']) =>
    text.replaceAll('&quot;', '"').replaceAll('&amp;', '&').replaceAll('&apos;', "'"),
  );
  expect(await told()).toEqual([`launchctl load -w ${path}`]);
  // What launchd would run, run by hand: the shell reads the file and becomes the program.
  const [shell = '', flag = '', script = '', name = ''] = words.slice(1);
  expect(shell).toBe('/bin/sh');
  const home = join(folder, 'home');
  await mkdir(join(home, '.config/gitferry'), { recursive: true });
  await writeFile(join(home, '.config/gitferry/environment'), 'GITHUB_TOKEN="from the file"\n');
  const env = { HOME: home, PATH: process.env.PATH ?? '' };
  const args = [flag, script, name, 'sh', '-c', 'echo "$GITHUB_TOKEN|$1"', 'x', 'a & b'];
  expect(execFileSync(shell, args, { env, encoding: 'utf8' })).toBe('from the file|a & b\n');
});

test('on Windows a task is written as the scheduler reads it', async () => {
  const windows = {
    ...options,
    platform: 'win32',
    program: ['C:\\Program Files\\node.exe', 'C:\\gitferry\\main.js'],
    env: { ...options.env, LOCALAPPDATA: join(folder, 'Local') },
  };
  const { path } = jsonOf(await runCli(['service', 'install', 'my notes', '--json'], windows));
  const bytes = await readFile(path);
  expect([...bytes.subarray(0, 2)]).toEqual([0xff, 0xfe]);
  const task = bytes.toString('utf16le');
  expect(task).toContain('<Command>C:\\Program Files\\node.exe</Command>');
  expect(task).toContain(`C:\\gitferry\\main.js start &quot;${folder}/my notes&quot; --db`);
  expect(await told()).toEqual([
    `schtasks /Create /TN gitferry /XML ${path} /F`,
    'schtasks /Run /TN gitferry',
  ]);
});

test('what npx unpacked is not installed, and other systems are told what to run', async () => {
  const npx = {
    ...options,
    program: ['/usr/bin/node', '/home/ada/.npm/_npx/1/node_modules/gitferry/dist/main.js'],
  };
  const ran = await runCli(['service', 'install'], npx);
  expect(ran.code).toBe(1);
  expect(ran.err).toContain('npm install --global gitferry');
  const other = await runCli(['service', 'install'], { ...options, platform: 'freebsd' });
  expect(other.err).toMatch(/freebsd[\s\S]*main\.js start/);
});

test('--print changes nothing', async () => {
  expect((await runCli(['service', 'install', '--print'], options)).out).toContain('[Service]');
  await expect(stat(join(folder, 'home'))).rejects.toThrow('ENOENT');
});

function hasSystemd(): boolean {
  try {
    execFileSync('systemd-analyze', ['--version'], { stdio: 'ignore' });
    return process.platform === 'linux';
  } catch {
    return false;
  }
}
