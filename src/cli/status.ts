// `gitferry status`: is everything safe, and what needs you.

import type { Command } from 'commander';
import type { Client } from '../client/index.ts';
import { type Cli, EXIT, type ExitCode } from './cli.ts';
import { describeProject, heldInWords, needsYou, type Project, stateTone } from './project-lines.ts';
import { type Asked, asking, look } from './reach/asking.ts';
import type { ReachOptions } from './reach/find-service.ts';
import { everyProject } from './reach/which-project.ts';
import { ageInWords, count, durationInWords, untilInWords } from './terminal/words.ts';
import { untilStopped } from './until-stopped.ts';

type Options = ReachOptions & { watch?: boolean; check?: boolean };
type Status = Awaited<ReturnType<Client['status']>>['status'];

/** Of the feed: what may change what is shown. */
const TELLING = ['project.*', 'service.*', 'gate.*', 'machine.state'];

export function addStatusCommand(program: Command, { host, does }: Cli): void {
  asking(program.command('status'))
    .description('Say whether everything is safe, and what needs you.')
    .option('-w, --watch', 'show it anew at every change, until Ctrl-C')
    .option('--check', 'end with 4 unless every project is safe')
    .action(does((options: Options) => look(host, options, (asked) => showStatus(asked, options))));
}

async function showStatus(asked: Asked, options: Options): Promise<ExitCode> {
  // From the first line on: Ctrl-C is an end, and no failure.
  const stopped = options.watch ? untilStopped(asked.host) : null;
  const isSafe = await show(asked, options);
  if (stopped !== null) await watch(asked, options, stopped);
  return options.check && !isSafe ? EXIT.needsYou : EXIT.done;
}

async function show({ client, isRunning, host, output }: Asked, options: Options): Promise<boolean> {
  const { status } = await client.status();
  const projects = await everyProject(client);
  const waiting = projects.filter(needsYou);
  const { total, safe } = status.projects;
  const isSafe = total > 0 && safe === total;
  output.document({ success: true, isRunning, status, needsAttention: waiting }, options.watch);
  if (options.watch && host.terminal.out && !output.json) host.writeOut('\u001B[H\u001B[2J');
  output.line(output.paint(sentenceTone(status), sentenceOf(status, projects)));
  output.line(output.paint('dim', serviceLine(status, isRunning)));
  if (isRunning)
    for (const line of troubles(status, host.clock.now())) output.line(output.paint('yellow', line));
  const held = heldInWords(projects);
  if (held !== null) output.line(output.paint('yellow', held));
  for (const project of waiting) {
    output.line();
    for (const line of describeProject(project, host.clock.now(), output.paint)) output.line(line);
  }
  return isSafe;
}

/** The one thing a person wants to know first. */
function sentenceOf(
  { projects: { total, safe, pending, needsAttention } }: Status,
  projects: readonly Pick<Project, 'state' | 'stateReason'>[],
): string {
  if (total === 0) return 'There is no project yet: `gitferry add <folder>`.';
  if (safe === total) return total === 1 ? 'The project is safe.' : `All ${total} projects are safe.`;
  const others = projects.filter((project) => !needsYou(project));
  const inState = (wanted: Project['state']) => others.filter(({ state }) => state === wanted).length;
  const paused = inState('paused');
  const disabled = inState('disabled');
  const parts = [
    `${safe} of ${count(total, 'project')} safe`,
    ...(needsAttention > 0 ? [`${needsAttention} ${needsAttention === 1 ? 'needs' : 'need'} you`] : []),
    ...(pending > 0 ? [`${pending} waiting or on the way`] : []),
    ...(paused > 0 ? [`${paused} paused`] : []),
    ...(disabled > 0 ? [`${disabled} disabled`] : []),
  ];
  return `${parts.join(', ')}.`;
}

function sentenceTone({ projects: { total, safe, needsAttention } }: Status) {
  if (needsAttention > 0) return stateTone('blocked');
  return total > 0 && safe === total ? stateTone('safe') : stateTone('pending');
}

function serviceLine(status: Status, isRunning: boolean): string {
  const { version, machineId, uptimeMs, scheduler, watcher } = status;
  if (!isRunning) return `gitferry ${version} on ${machineId}: not running`;
  const syncing = scheduler.running ? 'syncing' : 'syncing is stopped';
  const watched = watcher.mode === 'events' ? `${count(watcher.watched, 'folder')} watched` : 'only scanning';
  const { queueSize, activeSyncs } = scheduler.stats;
  const queue = `${activeSyncs} running, ${queueSize} waiting`;
  return `gitferry ${version} on ${machineId}: ${syncing} for ${durationInWords(uptimeMs)}, ${watched}, ${queue}`;
}

function troubles({ watcher, gates, database }: Status, now: number): string[] {
  return [
    ...(watcher.degradedReason === null ? [] : [`Watching: ${watcher.degradedReason}`]),
    ...gates.map(
      (gate) => `${gate.key} pauses (${gate.reason}), goes on ${untilInWords(gate.pausedUntil, now)}.`,
    ),
    ...(database.reachable
      ? []
      : [`The database server is away since ${ageInWords(database.awaySince, now)}: figures may be old.`]),
  ];
}

async function watch(asked: Asked, options: Options, signal: AbortSignal): Promise<void> {
  for await (const _ of asked.client.events({ types: TELLING, signal })) await show(asked, options);
}
