// `gitferry sync`: syncs a project, or all, now; with --wait until they are safe or need a person.

import type { Command } from 'commander';
import type { Client } from '../client/index.ts';
import { wholeNumber } from './arguments.ts';
import { type Cli, EXIT, type ExitCode } from './cli.ts';
import { describeProject, heldInWords, type Project } from './project-lines.ts';
import { type Asked, ask, asking } from './reach/asking.ts';
import type { ReachOptions } from './reach/find-service.ts';
import { everyProject, whichProject } from './reach/which-project.ts';
import { count, sizeInWords } from './terminal/words.ts';
import { untilStopped } from './until-stopped.ts';

type Options = ReachOptions & { wait?: boolean; timeout?: number; priority: number };

const LOOK_EVERY_MS = 500;
/** In these nothing happens by itself before the next change, scan, or word of a person. */
const SETTLED: ReadonlySet<Project['state']> = new Set([
  ...(['safe', 'conflict', 'blocked', 'missing', 'paused', 'disabled'] as const),
]);

export function addSyncCommand(program: Command, { host, does }: Cli): void {
  asking(program.command('sync'))
    .description('Sync a project, or all, now: commit, push, and ask the remote.')
    .argument('[project]', 'its id or folder; left out: all projects')
    .option('-w, --wait', 'until each is safe or needs you; ends with 4 unless all are safe')
    .option('--timeout <seconds>', 'wait no longer than this', wholeNumber)
    .option('--priority <number>', '0 to 10, 10 first', wholeNumber, 10)
    .action(
      does((project: string | undefined, options: Options) =>
        ask(host, options, (asked) => sync(asked, project, options)),
      ),
    );
}

async function sync(asked: Asked, text: string | undefined, options: Options): Promise<ExitCode> {
  const { client, output } = asked;
  const input = { immediate: true, priority: options.priority };
  const { nextSince } = await client.pollEvents();
  const { answer, ids } = await trigger(asked, text, input);
  if (!options.wait) {
    output.document(answer);
    output.line(`${count(ids.length, 'sync')} queued. See \`gitferry status\`, or wait with --wait.`);
    return EXIT.done;
  }
  const settled = await untilSettled(asked, ids, { since: nextSince, timeoutS: options.timeout });
  const isSafe = settled.length === ids.length && settled.every(({ state }) => state === 'safe');
  output.document({ success: true, isSafe, projects: settled, waiting: ids.length - settled.length });
  for (const project of settled.filter(({ state }) => state !== 'safe' && state !== 'disabled')) {
    for (const line of describeProject(project, asked.host.clock.now(), output.paint)) output.line(line);
  }
  const safe = settled.filter(({ state }) => state === 'safe').length;
  output.line(`${safe} of ${count(ids.length, 'project')} safe.`);
  const held = heldInWords(settled);
  if (held !== null) output.line(output.paint('yellow', held));
  return isSafe ? EXIT.done : EXIT.needsYou;
}

type Triggered = { answer: unknown; ids: string[] };

async function trigger(
  asked: Asked,
  text: string | undefined,
  input: { immediate: boolean; priority: number },
): Promise<Triggered> {
  const { client } = asked;
  if (text !== undefined) {
    const { projectId } = await whichProject(text, asked);
    return { answer: await client.triggerProject(projectId, input), ids: [projectId] };
  }
  const answer = await client.trigger(input);
  const all = await everyProject(client);
  return { answer, ids: all.filter(({ github }) => github.enabled).map(({ projectId }) => projectId) };
}

/** Follows the feed, and looks at each project whose state may have changed. Answers those that settled in time. */
async function untilSettled(
  { client, host, output }: Asked,
  ids: readonly string[],
  { since, timeoutS }: { since: number; timeoutS: number | undefined },
): Promise<Project[]> {
  const settled = new Map<string, Project>();
  const ended = new AbortController();
  const end = () => ended.abort();
  const cancel = timeoutS === undefined ? () => {} : host.clock.timer(timeoutS * 1000, end);
  untilStopped(host).addEventListener('abort', end, { once: true });
  const lookAt = async (projectId: string) => {
    const { project } = await client.project(projectId);
    // What was asked for a moment ago may not have begun.
    if (SETTLED.has(project.state) && !isBusy(project)) settled.set(projectId, project);
    else settled.delete(projectId);
  };
  const watching = showProgress({ client, host, output, signal: ended.signal }, () => ({
    ...{ done: settled.size, total: ids.length },
  }));
  try {
    for (const projectId of ids) await lookAt(projectId);
    if (settled.size === ids.length) return [...settled.values()];
    const wanted = new Set(ids);
    for await (const event of client.events({ since, signal: ended.signal })) {
      const { type, projectId } = event;
      if (type === 'reset') for (const each of ids) await lookAt(each);
      else if (typeof projectId === 'string' && wanted.has(projectId)) await lookAt(projectId);
      if (settled.size === ids.length) break;
    }
    return [...settled.values()];
  } finally {
    cancel();
    end();
    await watching;
    output.progress.clear();
  }
}

type Watching = Pick<Asked, 'client' | 'host' | 'output'> & { signal: AbortSignal };

/** Asks how far the running syncs are, only where a person watches. */
async function showProgress(
  { client, host, output, signal }: Watching,
  counts: () => { done: number; total: number },
): Promise<void> {
  if (output.json || !host.terminal.error) return;
  while (!signal.aborted) {
    try {
      const { active } = await client.queue({ state: 'running' }, { signal });
      const detail = active.map(jobInWords).join(', ');
      output.progress.show({ phase: 'Settled', ...counts(), ...(detail !== '' && { detail }) });
      await host.clock.sleep(LOOK_EVERY_MS, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}

type ActiveJob = Awaited<ReturnType<Client['queue']>>['active'][number];

function jobInWords({ projectId, progress }: ActiveJob): string {
  if (progress === null) return projectId;
  const { phase, objects, objectsTotal, bytes } = progress;
  const counted =
    objects === null ? '' : ` ${objects}${objectsTotal === null ? '' : `/${objectsTotal}`} objects`;
  return `${projectId} ${phase}${counted}${bytes > 0 ? ` ${sizeInWords(bytes)}` : ''}`;
}

const isBusy = ({ job }: Project): boolean =>
  job !== null && (job.state === 'running' || job.state === 'ready' || job.state === 'scheduled');
