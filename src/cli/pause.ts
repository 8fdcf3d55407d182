// `gitferry pause` and `gitferry resume`: one project, or all of them.

import type { Command } from 'commander';
import { duration } from './arguments.ts';
import { type Cli, EXIT, type ExitCode } from './cli.ts';
import { type Asked, ask, asking } from './reach/asking.ts';
import type { ReachOptions } from './reach/find-service.ts';
import { whichProject } from './reach/which-project.ts';
import { timeInWords } from './terminal/words.ts';

type Options = ReachOptions & { for?: number };

export function addPauseCommand(program: Command, { host, does }: Cli): void {
  asking(program.command('pause'))
    .description('Pause a project, or all: nothing of it is committed or pushed.')
    .argument('[project]', 'its id or folder; left out: all projects')
    .option('--for <time>', 'for so long: 30m, 2h, 1d (default: until resumed)', duration)
    .action(
      does((project: string | undefined, options: Options) =>
        ask(host, options, (asked) => pause(asked, project, options)),
      ),
    );
}

export function addResumeCommand(program: Command, { host, does }: Cli): void {
  asking(program.command('resume'))
    .description('Go on with a project, or with all.')
    .argument('[project]', 'its id or folder; left out: all projects')
    .action(
      does((project: string | undefined, options: ReachOptions) =>
        ask(host, options, (asked) => resume(asked, project)),
      ),
    );
}

async function pause(asked: Asked, text: string | undefined, options: Options): Promise<ExitCode> {
  const { client, host, output } = asked;
  const until = options.for === undefined ? {} : { untilMs: host.clock.now() + options.for };
  const how =
    until.untilMs === undefined
      ? 'until resumed'
      : `until ${timeInWords(new Date(until.untilMs).toISOString())}`;
  if (text === undefined) {
    output.document(await client.pause(until));
    output.line(`All projects are paused ${how}.`);
    return EXIT.done;
  }
  const { projectId } = await whichProject(text, asked);
  output.document(await client.pauseProject(projectId, until));
  output.line(`${projectId} is paused ${how}.`);
  return EXIT.done;
}

async function resume(asked: Asked, text: string | undefined): Promise<ExitCode> {
  const { client, output } = asked;
  if (text === undefined) {
    output.document(await client.resume());
    output.line('All projects go on.');
    return EXIT.done;
  }
  const { projectId } = await whichProject(text, asked);
  output.document(await client.resumeProject(projectId));
  output.line(`${projectId} goes on.`);
  return EXIT.done;
}
