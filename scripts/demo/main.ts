// `npm run demo`: three real git projects, a real git server on this machine, and the service between them.
// Each line is one save and the moment it was on the remote. `--once`: one round, exit code 0 only if all arrived.

import { writeSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createApp } from '../../src/app.ts';
import { loadHost } from '../../src/host/load.ts';
import { createLog } from '../../src/host/log.ts';
import { startGitServer } from '../../test/support/git-server.ts';
import { createDemoProjects, type DemoProject } from './projects.ts';

const { values: options } = parseArgs({
  options: {
    once: { type: 'boolean', default: false },
    interactive: { type: 'boolean', default: false },
    seconds: { type: 'string', default: '60' },
    port: { type: 'string', default: '0' },
    help: { type: 'boolean', default: false },
  },
});

const HELP = `npm run demo -- [--once] [--interactive] [--seconds 60] [--port 3001]
  --once         one save in each project; exit code 0 only if every one reached the remote
  --interactive  no edits are made for you: edit the named folders yourself, until Ctrl-C
  --seconds      how long edits go on (default 60)
  --port         port of the page and API (default: a free one)
`;
/** Between two edits of the schedule. */
const EDIT_EVERY_MS = 4_000;
const ARRIVAL_LIMIT_MS = 60_000;

const print = (text: string) => void writeSync(1, `${text}\n`);

async function main(): Promise<number> {
  if (options.help) {
    print(HELP);
    return 0;
  }
  const host = await loadHost();
  const { clock } = host;
  const folder = await mkdtemp(join(tmpdir(), 'gitferry-demo-'));
  const server = await startGitServer();
  const stopped = new AbortController();
  host.onStopSignal(() => stopped.abort());
  const app = await createApp({
    host,
    log: createLog(host.env.DEBUG === '1' ? 'debug' : 'warn'),
    layers: { flag: { port: Number(options.port), 'schedulerOptions.dbPath': join(folder, 'queue.db') } },
  });
  try {
    const projects = await createDemoProjects(folder, server);
    await app.start({ folders: projects.map((project) => project.path) });
    print(`The page and the API: ${app.url}   Projects: ${folder}`);
    print(
      'Every saved change is committed after 2 quiet seconds and pushed to a git server on this machine.\n',
    );
    await Promise.all(projects.map((project) => arrival(project, clock.monotonic(), 'first push')));
    if (options.interactive) return await untilStopped(projects);
    return options.once ? await oneRound(projects) : await manyEdits(projects);
  } finally {
    await app.stop();
    await server.stop();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }

  /** Waits until the remote's main holds what the work tree's file says. */
  async function arrival(project: DemoProject, savedAt: number, what: string): Promise<boolean> {
    try {
      const oid = await server.waitForRef(
        project.remotePath,
        'refs/heads/main',
        project.hasArrived,
        ARRIVAL_LIMIT_MS,
      );
      const seconds = ((clock.monotonic() - savedAt) / 1000).toFixed(2);
      print(
        `  ${project.name.padEnd(8)} ${what.padEnd(34)} on the remote after ${seconds} s as ${oid?.slice(0, 10)}`,
      );
      return true;
    } catch (error) {
      print(`  ${project.name.padEnd(8)} ${what.padEnd(34)} DID NOT ARRIVE: ${(error as Error).message}`);
      return false;
    }
  }

  async function edit(project: DemoProject): Promise<boolean> {
    const what = await project.edit();
    return arrival(project, clock.monotonic(), what);
  }

  async function oneRound(projects: readonly DemoProject[]): Promise<number> {
    const arrived = await Promise.all(projects.map(edit));
    const count = arrived.filter(Boolean).length;
    print(`\n${count} of ${projects.length} edits are on the remote.`);
    return count === projects.length ? 0 : 1;
  }

  async function manyEdits(projects: readonly DemoProject[]): Promise<number> {
    const endsAt = clock.monotonic() + Number(options.seconds) * 1000;
    const edits: Promise<boolean>[] = [];
    for (let turn = 0; clock.monotonic() < endsAt && !stopped.signal.aborted; turn++) {
      edits.push(edit(projects[turn % projects.length] as DemoProject));
      await clock.sleep(EDIT_EVERY_MS, stopped.signal).catch(() => undefined);
    }
    if (stopped.signal.aborted) return 0;
    const arrived = await Promise.all(edits);
    const count = arrived.filter(Boolean).length;
    print(`\n${count} of ${edits.length} edits are on the remote.`);
    return count === edits.length ? 0 : 1;
  }

  async function untilStopped(projects: readonly DemoProject[]): Promise<number> {
    print('Edit files in these folders and watch the page; Ctrl-C ends.');
    for (const project of projects) print(`  ${project.path}`);
    await new Promise<void>((resolve) =>
      stopped.signal.addEventListener('abort', () => resolve(), { once: true }),
    );
    return 0;
  }
}

process.exitCode = await main();
