// `gitferry add`: naming a folder is consent to commit and push it from then on.

import { resolve } from 'node:path';
import type { Command } from 'commander';
import { oneOf } from './arguments.ts';
import { type Cli, EXIT, type ExitCode } from './cli.ts';
import { describeProject } from './project-lines.ts';
import { type Asked, ask, asking } from './reach/asking.ts';
import type { ReachOptions } from './reach/find-service.ts';

const MODES = ['commit', 'push', 'snapshot'] as const;
type Options = ReachOptions & { name?: string; mode?: (typeof MODES)[number]; remote?: string };

export function addAddCommand(program: Command, { host, does }: Cli): void {
  asking(program.command('add'))
    .description('Add a git work tree: from then on it is committed and pushed.')
    .argument('[path]', 'the work tree (default: this folder)', '.')
    .option('--name <name>', 'what to call it (default: the name of the folder)')
    .option(
      '--mode <mode>',
      'commit (default), push what you commit, or snapshot beside the branch',
      oneOf(MODES),
    )
    .option('--remote <url>', 'where to push (default: the remote that git knows)')
    .action(
      does((path: string, options: Options) => ask(host, options, (asked) => add(asked, path, options))),
    );
}

async function add({ client, host, output }: Asked, path: string, options: Options): Promise<ExitCode> {
  const { name, mode, remote } = options;
  const github = { ...(mode && { mode }), ...(remote && { remoteUrl: remote }) };
  const answer = await client.addProject({
    path: resolve(host.cwd, path),
    ...(name && { projectName: name }),
    ...(Object.keys(github).length > 0 && { github }),
  });
  // What it already holds would be found by the next scan only.
  await client.triggerProject(answer.project.projectId, { immediate: true });
  output.document(answer);
  for (const line of describeProject(answer.project, host.clock.now(), output.paint)) output.line(line);
  return EXIT.done;
}
