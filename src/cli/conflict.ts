// `gitferry conflict`: what both sides changed, and the choice that ends it.

import type { Command } from 'commander';
import { CONFLICT_CHOICES, type ConflictChoice } from '../model/conflict.ts';
import { oneOf } from './arguments.ts';
import { type Cli, EXIT, type ExitCode } from './cli.ts';
import { describeProject } from './project-lines.ts';
import { type Asked, ask, asking, look } from './reach/asking.ts';
import type { ReachOptions } from './reach/find-service.ts';
import { whichProject } from './reach/which-project.ts';

export function addConflictCommand(program: Command, { host, does }: Cli): void {
  asking(program.command('conflict'))
    .description('Show the files that both sides changed, or end the conflict.')
    .argument('<project>', 'its id or folder')
    .argument(
      '[choice]',
      'mine, theirs, or both (theirs under its name, mine beside it)',
      oneOf(CONFLICT_CHOICES),
    )
    .action(
      does((project: string, choice: ConflictChoice | undefined, options: ReachOptions) =>
        choice === undefined
          ? look(host, options, (asked) => show(asked, project))
          : ask(host, options, (asked) => choose(asked, project, choice)),
      ),
    );
}

async function show(asked: Asked, text: string): Promise<ExitCode> {
  const { host, output } = asked;
  const project = await whichProject(text, asked);
  const { conflictFiles, projectId, state, stateReason } = project;
  output.document({ success: true, projectId, state, stateReason, conflictFiles });
  if (state !== 'conflict') {
    output.line(`${projectId} has no conflict.`);
    return EXIT.done;
  }
  for (const line of describeProject(project, host.clock.now(), output.paint)) output.line(line);
  output.table(
    ['FILE', 'MINE', 'THEIRS'],
    conflictFiles.map(({ path, ours, theirs }) => [path, ours, theirs]),
  );
  output.line(`End it: gitferry conflict ${projectId} mine|theirs|both`);
  return EXIT.needsYou;
}

async function choose(asked: Asked, text: string, choice: ConflictChoice): Promise<ExitCode> {
  const { client, output } = asked;
  const { projectId } = await whichProject(text, asked);
  output.document(await client.resolveConflict(projectId, { choice }));
  output.line(`${projectId}: ${choice}. A merge commit keeps both sides; see \`gitferry status\`.`);
  return EXIT.done;
}
