// `gitferry queue`: what runs, what waits and for what, and what is parked and why.

import type { Command } from 'commander';
import { type Client, everyPage } from '../client/index.ts';
import { type Cli, EXIT, type ExitCode } from './cli.ts';
import { type Asked, asking, look } from './reach/asking.ts';
import type { ReachOptions } from './reach/find-service.ts';
import type { Cell } from './terminal/output.ts';
import { ageInWords, durationInWords, untilInWords } from './terminal/words.ts';

type Job = Awaited<ReturnType<Client['queue']>>['queue'][number];

export function addQueueCommand(program: Command, { host, does }: Cli): void {
  asking(program.command('queue'))
    .description('List what runs, what waits and for what, and what is parked and why.')
    .action(does((options: ReachOptions) => look(host, options, queue)));
}

async function queue({ client, host, output }: Asked): Promise<ExitCode> {
  const first = await client.queue({ limit: 500 });
  const waiting = [...first.queue];
  for await (const page of everyPage((cursor) =>
    cursor === undefined ? Promise.resolve(first) : client.queue({ limit: 500, cursor }),
  )) {
    if (page !== first) waiting.push(...page.queue);
  }
  const { active, stats } = first;
  output.document({ success: true, queue: waiting, active, stats });
  const now = host.clock.now();
  output.table(
    ['PROJECT', 'STATE', 'PRIORITY', 'ATTEMPT', 'WHEN', 'WAITS FOR', 'LAST ERROR'],
    [...active.map((job) => row(job, now)), ...waiting.map((job) => row(job, now))],
  );
  const oldest = stats.oldestWaitMs > 0 ? `, the oldest for ${durationInWords(stats.oldestWaitMs)}` : '';
  output.line(
    `${stats.activeSyncs} running, ${stats.ready + stats.scheduled} waiting${oldest}, ${stats.parked} parked.`,
  );
  return EXIT.done;
}

function row(job: Job, now: number): Cell[] {
  const tone = job.state === 'parked' ? 'red' : job.state === 'running' ? 'green' : 'plain';
  const when =
    job.state === 'running' ? `since ${ageInWords(job.startedAt, now)}` : untilInWords(job.runAt, now);
  return [
    job.projectId,
    { text: job.state, tone },
    String(job.priority),
    String(job.attempt),
    when || '-',
    job.waitingFor ?? '-',
    job.lastError === null ? '-' : `${job.lastError.code}: ${job.lastError.detail}`,
  ];
}
