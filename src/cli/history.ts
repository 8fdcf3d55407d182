// `gitferry history`: the attempts to sync, newest first.

import type { Command } from 'commander';
import type { Client } from '../client/index.ts';
import { RUN_STATUSES } from '../model/run.ts';
import { instant, oneOf, wholeNumber } from './arguments.ts';
import { type Cli, EXIT, type ExitCode } from './cli.ts';
import { type Asked, asking, look } from './reach/asking.ts';
import type { ReachOptions } from './reach/find-service.ts';
import { whichProject } from './reach/which-project.ts';
import type { Cell } from './terminal/output.ts';
import type { Tone } from './terminal/style.ts';
import { durationInWords, sizeInWords, timeInWords } from './terminal/words.ts';

type Run = Awaited<ReturnType<Client['history']>>['history'][number];
type Options = ReachOptions & {
  status?: NonNullable<Run['status']>;
  since?: number;
  until?: number;
  limit: number;
};

export function addHistoryCommand(program: Command, { host, does }: Cli): void {
  const when = instant(() => host.clock.now());
  asking(program.command('history'))
    .description('List the attempts to sync, newest first.')
    .argument('[project]', 'of this project alone: its id or folder')
    .option('--status <status>', `only ${RUN_STATUSES.join(', ')}`, oneOf(RUN_STATUSES))
    .option('--since <when>', 'not before: 2026-01-31, or an age like 2h', when)
    .option('--until <when>', 'not after', when)
    .option('-n, --limit <number>', 'at most so many (1 to 500)', wholeNumber, 20)
    .action(
      does((project: string | undefined, options: Options) =>
        look(host, options, (asked) => history(asked, project, options)),
      ),
    );
}

async function history(asked: Asked, text: string | undefined, options: Options): Promise<ExitCode> {
  const { client, output } = asked;
  const { status, since, until, limit } = options;
  const query = {
    limit,
    ...(status && { status }),
    ...(since !== undefined && { since: new Date(since) }),
    ...(until !== undefined && { until: new Date(until) }),
    ...(text !== undefined && { projectId: (await whichProject(text, asked)).projectId }),
  };
  const answer = await client.history(query);
  output.document(answer);
  output.table(
    ['WHEN', 'PROJECT', 'RESULT', 'WHY', 'TOOK', 'FILES', 'SENT', 'COMMIT'],
    answer.history.map(row),
  );
  for (const { error, projectId } of answer.history.slice(0, 1)) {
    if (error !== null) output.line(`${projectId}: ${error.detail} (${error.code})\n  ${error.action}`);
  }
  if (answer.history.length === 0) output.line('No attempt yet.');
  return EXIT.done;
}

function row(run: Run): Cell[] {
  const { status, error } = run;
  return [
    timeInWords(run.startedAt),
    run.projectId,
    {
      text: error === null ? (status ?? 'running') : `${status ?? 'running'}: ${error.code}`,
      tone: tone(status),
    },
    run.trigger,
    run.durationMs === null ? '-' : durationInWords(run.durationMs),
    String(run.filesChanged),
    sizeInWords(run.bytesPushed),
    run.commit?.slice(0, 10) ?? '-',
  ];
}

function tone(status: Run['status']): Tone {
  if (status === 'success' || status === 'no-change') return 'green';
  return status === null || status === 'retrying' ? 'yellow' : 'red';
}
