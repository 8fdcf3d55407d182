// `gitferry remove`: forgets a project. Its files, commits and remote stay as they are.

import type { Command } from 'commander';
import { type Cli, EXIT, type ExitCode } from './cli.ts';
import { type Asked, ask, asking } from './reach/asking.ts';
import type { ReachOptions } from './reach/find-service.ts';
import { whichProject } from './reach/which-project.ts';

export function addRemoveCommand(program: Command, { host, does }: Cli): void {
  asking(program.command('remove'))
    .alias('rm')
    .description('Forget a project. Its files, commits and remote stay as they are.')
    .argument('<project>', 'its id, or its folder')
    .action(
      does((project: string, options: ReachOptions) => ask(host, options, (asked) => remove(asked, project))),
    );
}

async function remove(asked: Asked, text: string): Promise<ExitCode> {
  const { client, output } = asked;
  const { projectId, path } = await whichProject(text, asked);
  output.document(await client.removeProject(projectId));
  output.line(`${projectId} is forgotten; ${path} stays as it is.`);
  return EXIT.done;
}
