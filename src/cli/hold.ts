// `gitferry hold`: the files and deletions that were held back, and letting them pass.

import type { Command } from 'commander';
import { Failure } from '../model/failure.ts';
import { type Cli, EXIT, type ExitCode } from './cli.ts';
import { type Asked, ask, asking, look } from './reach/asking.ts';
import type { ReachOptions } from './reach/find-service.ts';
import { everyProject, whichProject } from './reach/which-project.ts';
import { count, sizeInWords } from './terminal/words.ts';

type ReleaseOptions = ReachOptions & { always?: boolean; deletions?: string };

export function addHoldCommand(program: Command, { host, does }: Cli): void {
  const hold = program.command('hold').description('What is held back, and letting it pass.');
  asking(hold.command('list'))
    .description('List the files and deletions that are held back, each with the reason.')
    .argument('[project]', 'of this project alone: its id or folder')
    .action(
      does((project: string | undefined, options: ReachOptions) =>
        look(host, options, (asked) => list(asked, project)),
      ),
    );
  asking(hold.command('release'))
    .description('Let held files pass, or the deletions that were shown.')
    .argument('<project>', 'its id or folder')
    .argument('[path...]', 'held files, as `hold list` shows them')
    .option('--always', 'this content may pass for ever (default: at the next sync only)')
    .option('--deletions <token>', 'confirm exactly the deletions that `hold list` shows with this token')
    .action(
      does((project: string, paths: string[], options: ReleaseOptions) =>
        ask(host, options, (asked) => release(asked, project, { paths, ...options })),
      ),
    );
}

async function list(asked: Asked, text: string | undefined): Promise<ExitCode> {
  const { client, output } = asked;
  const projects = text === undefined ? await everyProject(client) : [await whichProject(text, asked)];
  const answers = [];
  for (const { projectId } of projects) {
    const { held, deletions } = await client.held(projectId);
    if (held.length > 0 || deletions !== null) answers.push({ projectId, held, deletions });
  }
  output.document({ success: true, projects: answers });
  const rows = answers.flatMap(({ projectId, held }) =>
    held.map((file) => [
      projectId,
      file.path,
      file.reason,
      file.rule + (file.line === undefined ? '' : `, line ${file.line}`),
      file.sizeBytes === null ? '-' : sizeInWords(file.sizeBytes),
      file.releasable ? 'yes' : 'no',
    ]),
  );
  output.table(['PROJECT', 'FILE', 'REASON', 'RULE', 'SIZE', 'RELEASABLE'], rows);
  for (const { projectId, deletions } of answers) {
    if (deletions === null) continue;
    output.line(
      `${projectId}: ${deletions.deleted} of ${count(deletions.tracked, 'file')} deleted, waiting for your word:`,
    );
    for (const path of deletions.sample) output.line(`  ${path}`);
    output.line(`  If it is meant: gitferry hold release ${projectId} --deletions ${deletions.token}`);
  }
  if (answers.length === 0) output.line('Nothing is held back.');
  return EXIT.done;
}

async function release(
  asked: Asked,
  text: string,
  { paths, always, deletions }: { paths: string[] } & ReleaseOptions,
): Promise<ExitCode> {
  const { client, output } = asked;
  const { projectId } = await whichProject(text, asked);
  if ((deletions === undefined) === (paths.length === 0)) {
    throw new Failure('invalid-request', 'Name the held files, or the deletions with --deletions.', {
      action: `See \`gitferry hold list ${projectId}\`.`,
    });
  }
  const answer =
    deletions === undefined
      ? await client.releaseHeld(projectId, { paths, fingerprints: [], scope: always ? 'always' : 'once' })
      : await client.confirmDeletions(projectId, { token: deletions });
  output.document(answer);
  output.line(deletions === undefined ? `Released: ${paths.join(', ')}.` : 'The deletions are confirmed.');
  return EXIT.done;
}
