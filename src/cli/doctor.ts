// `gitferry doctor`: looks at everything that syncing needs, and says of each fault what to do.

import { dirname } from 'node:path';
import type { Command } from 'commander';
import type { Client } from '../client/index.ts';
import type { Finding } from '../doctor/finding.ts';
import type { Host } from '../host/types.ts';
import { Failure } from '../model/failure.ts';
import { type Cli, EXIT, type ExitCode } from './cli.ts';
import { needsYou } from './project-lines.ts';
import { asking } from './reach/asking.ts';
import type { FoundService, ReachOptions } from './reach/find-service.ts';
import { exists } from './reach/known-services.ts';
import { NotRunning, type Reached, reachForReading } from './reach/open-client.ts';
import { everyProject } from './reach/which-project.ts';
import { createOutput, type Output } from './terminal/output.ts';
import { count } from './terminal/words.ts';

const TONES = { ok: 'green', warning: 'yellow', fault: 'red' } as const;
const GITHUB = 'https://github.com/';

export function addDoctorCommand(program: Command, { host, does }: Cli): void {
  asking(program.command('doctor'))
    .description('Look at everything that syncing needs, and say of each fault what to do.')
    .action(does((options: ReachOptions) => doctor(host, options)));
}

async function doctor(host: Host, options: ReachOptions): Promise<ExitCode> {
  const output = createOutput(host, options);
  const findings = await examine(host, options, output);
  output.progress.clear();
  const faults = findings.filter(({ level }) => level === 'fault').length;
  const warnings = findings.filter(({ level }) => level === 'warning').length;
  output.document({ success: true, faults, warnings, findings });
  for (const { check, subject, level, detail, action } of findings) {
    const name = subject === null ? check : `${check} ${subject}`;
    output.line(`${output.paint(TONES[level], level.padEnd(7))} ${name}: ${detail}`);
    if (action !== null) output.line(`        ${action}`);
  }
  output.line();
  output.line(
    `${count(findings.length, 'check')}, ${count(faults, 'fault')}, ${count(warnings, 'warning')}.`,
  );
  return faults === 0 ? EXIT.done : EXIT.needsYou;
}

async function examine(host: Host, options: ReachOptions, output: Output): Promise<Finding[]> {
  const { checkDisk, checkGit, checkWatches } = await import('../doctor/machine.ts');
  const { checkDatabaseLock } = await import('../doctor/locks.ts');
  output.progress.show({ phase: 'Looking at the machine' });
  const git = await checkGit(host.env);
  const { reached, findings } = await reach(host, options);
  try {
    const database = databaseOf(reached?.found);
    const facts = reached === null ? null : await factsOf(reached.client);
    const folders = facts?.watched ?? 0;
    const places = [database === null ? host.cwd : dirname(database)];
    return [
      git,
      ...findings,
      ...(database === null ? [] : [await checkDatabaseLock(database)]),
      ...(await checkWatches(folders)),
      ...(await Promise.all(
        places.map(async (place) => checkDisk((await exists(place)) ? place : host.cwd)),
      )),
      ...(await examineHosts(host, facts, output)),
      ...(await examineProjects(host, facts, output)),
    ];
  } finally {
    await reached?.close();
  }
}

/** The service and its database, as far as they can be had. */
async function reach(
  host: Host,
  options: ReachOptions,
): Promise<{ reached: Reached | null; findings: Finding[] }> {
  const { fault, ok, warning } = await import('../doctor/finding.ts');
  try {
    const reached = await reachForReading(host, options);
    const service = reached.isRunning
      ? ok('service', `It runs at ${reached.client.url}.`)
      : warning('service', 'It does not run: nothing is synced.', 'Start it: `gitferry start`.');
    const healthy = await checkHealth(reached);
    return {
      reached,
      findings: [service, ok('database', 'It can be read, and its schema is known.'), ...healthy],
    };
  } catch (error) {
    if (error instanceof NotRunning) {
      return { reached: null, findings: [warning('service', error.message, error.action)] };
    }
    if (!(error instanceof Failure)) throw error;
    return { reached: null, findings: [fault('database', `${error.message} (${error.code})`, error.action)] };
  }
}

async function checkHealth({ client, isRunning }: Reached): Promise<Finding[]> {
  if (!isRunning) return [];
  const { fault, ok } = await import('../doctor/finding.ts');
  const { checks } = await client.health();
  return Object.entries(checks).map(([name, check]) =>
    check.ok
      ? ok(['health', name], 'It works.')
      : fault(
          ['health', name],
          `It does not work (${check.code ?? 'no reason given'}).`,
          'See the log of the service.',
        ),
  );
}

type Facts = Awaited<ReturnType<typeof factsOf>>;

async function factsOf(client: Client) {
  const { status } = await client.status();
  const projects = (await everyProject(client)).filter(({ machineId }) => machineId === status.machineId);
  const { credentials } = await client.credentials({ refresh: 'true' });
  return { watched: status.watcher.watched, projects, credentials };
}

async function examineHosts(host: Host, facts: Facts | null, output: Output): Promise<Finding[]> {
  const { checkHosts } = await import('../doctor/network.ts');
  const { checkCredentials } = await import('../doctor/credentials.ts');
  output.progress.show({ phase: 'Asking the hosts' });
  // Those of git's own configuration stand among the remotes only.
  const urls = (facts?.projects ?? []).flatMap(({ github, remotes }) => [
    ...(github.remoteUrl === null ? [] : [github.remoteUrl]),
    ...remotes.map(({ url }) => url),
  ]);
  const reachable = await checkHosts(urls.length === 0 ? [GITHUB] : urls, host.clock);
  return [...reachable, ...checkCredentials(facts?.credentials ?? [], facts?.projects ?? [])];
}

async function examineProjects(host: Host, facts: Facts | null, output: Output): Promise<Finding[]> {
  const { checkProject } = await import('../doctor/projects.ts');
  const { fault } = await import('../doctor/finding.ts');
  const { checkProjectLocks } = await import('../doctor/locks.ts');
  const { env, homeDir, clock } = host;
  const found: Finding[] = [];
  const projects = facts?.projects ?? [];
  for (const [done, { projectId, path, state, stateReason }] of projects.entries()) {
    output.progress.show({ phase: 'Looking at projects', done, total: projects.length, detail: projectId });
    const probed = await checkProject({ projectId, path, env, homeDir, now: clock.now() });
    const needs = probed.level === 'ok' && needsYou({ state, stateReason }) && stateReason !== null;
    // What only a sync finds out: a refused push, a remote or an identity that is missing.
    const { detail = '', code = '', action = '' } = stateReason ?? {};
    found.push(needs ? fault(['project', projectId], `${detail} (${code})`, action) : probed);
    found.push(...(await checkProjectLocks({ projectId, path }, clock.now())));
  }
  return found;
}

/** Null: it is on another machine, or on a server. */
function databaseOf(found: FoundService | undefined): string | null {
  return found === undefined || found.kind === 'address' ? null : found.databasePath;
}
