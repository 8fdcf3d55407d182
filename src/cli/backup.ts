// `gitferry backup`: a copy of the database, also while it is in use.

import type { Command } from 'commander';
import { type Cli, EXIT, type ExitCode } from './cli.ts';
import { type Asked, ask, asking } from './reach/asking.ts';
import type { ReachOptions } from './reach/find-service.ts';
import { durationInWords, sizeInWords } from './terminal/words.ts';

export function addBackupCommand(program: Command, { host, does }: Cli): void {
  asking(program.command('backup'))
    .description("Copy the service's database while it is in use.")
    .argument('[path]', 'a new file below the data folder, ending in .db (default: a new name in backups)')
    .action(
      does((path: string | undefined, options: ReachOptions) =>
        ask(host, options, (asked) => backup(asked, path)),
      ),
    );
}

async function backup({ client, output }: Asked, path: string | undefined): Promise<ExitCode> {
  output.progress.show({ phase: 'Copying the database' });
  const answer = await client.backup(path === undefined ? {} : { path });
  output.progress.clear();
  output.document(answer);
  const { path: copy, sizeBytes, durationMs } = answer.backup;
  output.line(`${copy}: ${sizeInWords(sizeBytes)} in ${durationInWords(durationMs)}.`);
  return EXIT.done;
}
