// `gitferry demo`: three real git projects, a real git server on this machine, and the service between them.
// Each line is one save and the moment it was on the remote. `--once`: one round, exit code 0 only if all arrived.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { createLog } from '../host/log.ts';
import type { Host } from '../host/types.ts';
import { wholeNumber } from './arguments.ts';
import { type Cli, EXIT, type ExitCode } from './cli.ts';
import type { GitHost } from './demo/git-host.ts';
import type { DemoProject } from './demo/projects.ts';
import { createOutput, type Output } from './terminal/output.ts';
import { untilStopped } from './until-stopped.ts';

/** Between two edits of the schedule. */
const EDIT_EVERY_MS = 4_000;
const ARRIVAL_LIMIT_MS = 60_000;

type Options = { once?: boolean; interactive?: boolean; seconds: number; port: number; json?: boolean };
type Demo = { host: Host; output: Output; server: GitHost; stopped: AbortSignal; options: Options };

export function addDemoCommand(program: Command, { host, does }: Cli): void {
  program
    .command('demo')
    .description('Show it at work: three projects and a git server on this machine, in a temporary folder.')
    .option('--once', 'one save in each project; ends with 0 only if every one reached the remote')
    .option('--interactive', 'no edits are made for you: edit the named folders yourself, until Ctrl-C')
    .option('--seconds <number>', 'how long edits go on', wholeNumber, 60)
    .option('--port <number>', 'port of the page and API (0: a free one)', wholeNumber, 0)
    .option('--json', 'print each arrival as a line of JSON')
    .action(does((options: Options) => demo(host, options)));
}

async function demo(host: Host, options: Options): Promise<ExitCode> {
  const { createApp } = await import('../app.ts');
  const { startGitHost } = await import('./demo/git-host.ts');
  const { createDemoProjects } = await import('./demo/projects.ts');
  const output = createOutput(host, options);
  const folder = await mkdtemp(join(tmpdir(), 'gitferry-demo-'));
  const stopped = untilStopped(host);
  const server = await startGitHost(host, join(folder, 'remotes'));
  const app = await createApp({
    host,
    log: createLog(host.env.DEBUG === '1' ? 'debug' : 'warn'),
    layers: { flag: { port: options.port, 'schedulerOptions.dbPath': join(folder, 'queue.db') } },
  });
  const running: Demo = { host, output, server, stopped, options };
  try {
    const projects = await createDemoProjects(folder, server);
    await app.start({ folders: projects.map((project) => project.path) });
    output.line(`The page and the API: ${app.url}   Projects: ${folder}`);
    output.line(
      'Every saved change is committed after 2 quiet seconds and pushed to a git server on this machine.\n',
    );
    const began = host.clock.monotonic();
    await Promise.all(
      projects.map((project) => arrival(running, project, { savedAt: began, what: 'first push' })),
    );
    if (options.interactive) return await untilAsked(running, projects);
    return options.once ? await oneRound(running, projects) : await manyEdits(running, projects);
  } finally {
    await app.stop();
    await server.stop();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Waits until the remote's main holds what the work tree's file says. */
async function arrival(
  { host, output, server }: Demo,
  { name, remotePath, hasArrived }: DemoProject,
  { savedAt, what }: { savedAt: number; what: string },
): Promise<boolean> {
  const begin = `  ${name.padEnd(8)} ${what.padEnd(34)}`;
  try {
    const oid = await server.waitForTip(remotePath, hasArrived, ARRIVAL_LIMIT_MS);
    const durationMs = Math.round(host.clock.monotonic() - savedAt);
    output.document({ project: name, what, commit: oid, durationMs }, true);
    output.line(`${begin} on the remote after ${(durationMs / 1000).toFixed(2)} s as ${oid?.slice(0, 10)}`);
    return true;
  } catch (error) {
    output.document({ project: name, what, commit: null, error: (error as Error).message }, true);
    output.line(`${begin} DID NOT ARRIVE: ${(error as Error).message}`);
    return false;
  }
}

async function edit(running: Demo, project: DemoProject): Promise<boolean> {
  const what = await project.edit();
  return arrival(running, project, { savedAt: running.host.clock.monotonic(), what });
}

async function oneRound(running: Demo, projects: readonly DemoProject[]): Promise<ExitCode> {
  return tell(running, await Promise.all(projects.map((project) => edit(running, project))));
}

async function manyEdits(running: Demo, projects: readonly DemoProject[]): Promise<ExitCode> {
  const { host, options, stopped } = running;
  const endsAt = host.clock.monotonic() + options.seconds * 1000;
  const edits: Promise<boolean>[] = [];
  for (let turn = 0; host.clock.monotonic() < endsAt && !stopped.aborted; turn++) {
    edits.push(edit(running, projects[turn % projects.length] as DemoProject));
    await host.clock.sleep(EDIT_EVERY_MS, stopped).catch(() => undefined);
  }
  return stopped.aborted ? EXIT.done : tell(running, await Promise.all(edits));
}

function tell({ output }: Demo, arrived: readonly boolean[]): ExitCode {
  const count = arrived.filter(Boolean).length;
  output.line(`\n${count} of ${arrived.length} edits are on the remote.`);
  return count === arrived.length ? EXIT.done : EXIT.fault;
}

async function untilAsked({ output, stopped }: Demo, projects: readonly DemoProject[]): Promise<ExitCode> {
  output.line('Edit files in these folders and watch the page; Ctrl-C ends.');
  for (const project of projects) output.line(`  ${project.path}`);
  await new Promise<void>((resolve) => stopped.addEventListener('abort', () => resolve(), { once: true }));
  return EXIT.done;
}
