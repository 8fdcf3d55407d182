// `gitferry list`: the projects, or the repositories under the roots that are none yet.

import type { Command } from 'commander';
import { PROJECT_STATES, type ProjectState } from '../model/project.ts';
import { oneOf } from './arguments.ts';
import { type Cli, EXIT, type ExitCode } from './cli.ts';
import { stateTone, waitingInWords } from './project-lines.ts';
import { type Asked, ask, asking, look } from './reach/asking.ts';
import type { ReachOptions } from './reach/find-service.ts';
import { everyProject } from './reach/which-project.ts';
import { ageInWords } from './terminal/words.ts';

type Options = ReachOptions & { state?: ProjectState; ids?: boolean; found?: boolean };

export function addListCommand(program: Command, { host, does }: Cli): void {
  asking(program.command('list'))
    .alias('ls')
    .description('List the projects with their states.')
    .option(
      '--state <state>',
      `only those in this state: ${PROJECT_STATES.join(', ')}`,
      oneOf(PROJECT_STATES),
    )
    .option('--ids', 'print the ids alone, one a line')
    .option('--found', 'list the repositories under the roots that are no projects yet')
    .action(
      does((options: Options) =>
        options.found ? ask(host, options, listFound) : look(host, options, (asked) => list(asked, options)),
      ),
    );
}

async function list({ client, host, output }: Asked, { state, ids }: Options): Promise<ExitCode> {
  const all = await everyProject(client);
  const projects = state === undefined ? all : all.filter((project) => project.state === state);
  output.document({ success: true, projects });
  if (ids) {
    for (const { projectId } of projects) output.line(projectId);
    return EXIT.done;
  }
  const now = host.clock.now();
  const rows = projects.map((project) => [
    project.projectId,
    { text: project.state, tone: stateTone(project.state) },
    project.branch ?? '-',
    waitingInWords(project) || '-',
    ageInWords(project.lastSafeAt, now),
    project.path,
  ]);
  output.table(['PROJECT', 'STATE', 'BRANCH', 'WAITING', 'LAST SAFE', 'FOLDER'], rows);
  if (rows.length === 0) output.line(state ? `No project is ${state}.` : 'There is no project yet.');
  return EXIT.done;
}

async function listFound({ client, output }: Asked): Promise<ExitCode> {
  const answer = await client.discover();
  output.document(answer);
  const rows = answer.folders.map(({ name, path, remoteUrl }) => [name, path, remoteUrl ?? 'no remote']);
  output.table(['NAME', 'FOLDER', 'REMOTE'], rows);
  output.line(
    rows.length === 0 ? 'Nothing else is found under the roots.' : 'Add one: `gitferry add <folder>`.',
  );
  return EXIT.done;
}
