// `gitferry snapshots`: the points in time of a project, and what one of them changed.

import type { Command } from 'commander';
import { wholeNumber } from './arguments.ts';
import { type Cli, EXIT, type ExitCode } from './cli.ts';
import { type Asked, asking, look } from './reach/asking.ts';
import type { ReachOptions } from './reach/find-service.ts';
import { whichProject } from './reach/which-project.ts';
import { harmless } from './terminal/style.ts';
import { timeInWords } from './terminal/words.ts';

type Options = ReachOptions & { branch?: string; limit: number; now?: boolean };

export function addSnapshotsCommand(program: Command, { host, does }: Cli): void {
  asking(program.command('snapshots'))
    .description('List the snapshots of a project, newest first; or show what one of them changed.')
    .argument('<project>', 'its id or folder')
    .argument('[snapshot]', 'the id of one: show its differences')
    .option('--branch <name>', 'only of this branch')
    .option('--now', 'compare the snapshot with the files as they are now')
    .option('-n, --limit <number>', 'at most so many (1 to 500)', wholeNumber, 20)
    .action(
      does((project: string, snapshot: string | undefined, options: Options) =>
        look(host, options, async (asked) => {
          const { projectId } = await whichProject(project, asked);
          return snapshot === undefined
            ? list(asked, projectId, options)
            : compare(asked, projectId, { snapshot, ...options });
        }),
      ),
    );
}

async function list({ client, output }: Asked, projectId: string, options: Options): Promise<ExitCode> {
  const { branch, limit } = options;
  const answer = await client.snapshots(projectId, { limit, ...(branch && { branch }) });
  output.document(answer);
  const rows = answer.snapshots.map(({ id, at, branch: of, filesChanged, machine }) => [
    ...[id, timeInWords(at), of, String(filesChanged), machine],
  ]);
  output.table(['SNAPSHOT', 'WHEN', 'BRANCH', 'FILES', 'MACHINE'], rows);
  if (rows.length === 0) output.line('There is no snapshot.');
  return EXIT.done;
}

async function compare(
  { client, output }: Asked,
  projectId: string,
  { snapshot, now }: Options & { snapshot: string },
): Promise<ExitCode> {
  const answer = await client.snapshot(projectId, snapshot, { against: now ? 'worktree' : 'previous' });
  output.document(answer);
  for (const { path, kind, diff } of answer.files) {
    output.line(output.paint('bold', `${kind} ${harmless(path)}`));
    if (diff !== null) output.line(harmless(diff).trimEnd());
  }
  if (answer.files.length === 0) output.line('Nothing differs.');
  if (answer.truncated) output.line('More files differ than are named.');
  return EXIT.done;
}
