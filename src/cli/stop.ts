// `gitferry stop`: ends the service, as Ctrl-C does where it runs; or only its syncing.

import type { Command } from 'commander';
import { processStart } from '../host/process-start.ts';
import { sendStopSignal } from '../host/stop-process.ts';
import type { Host } from '../host/types.ts';
import { Failure } from '../model/failure.ts';
import { wholeNumber } from './arguments.ts';
import { type Cli, EXIT, type ExitCode } from './cli.ts';
import { type Asked, ask, asking } from './reach/asking.ts';
import type { ReachOptions } from './reach/find-service.ts';
import type { Runtime } from './reach/runtime-file.ts';

type Options = ReachOptions & { syncing?: boolean; timeout: number };

const LOOK_EVERY_MS = 100;

export function addStopCommand(program: Command, { host, does }: Cli): void {
  asking(program.command('stop'))
    .description('End the service; running syncs may finish.')
    .option('--syncing', 'stop syncing only: the API and the page stay')
    .option('--timeout <seconds>', 'how long to wait for its end', wholeNumber, 60)
    .action(does((options: Options) => ask(host, options, (asked) => stop(asked, options))));
}

async function stop(asked: Asked, options: Options): Promise<ExitCode> {
  const { client, found, output } = asked;
  if (options.syncing) {
    output.document(await client.stop());
    output.line('Syncing is stopped; the API stays. The page, or POST /api/sync/start, starts it again.');
    return EXIT.done;
  }
  if (found.kind !== 'running') {
    throw new Failure('invalid-request', `The service at ${client.url} may run on another machine.`, {
      action: 'End it where it runs, or stop its syncing alone: --syncing.',
    });
  }
  const { pid } = found.runtime;
  await sendStopSignal(pid);
  output.progress.show({ phase: 'Waiting for running syncs' });
  const hasEnded = await untilEnded(asked.host, found.runtime, options.timeout);
  output.progress.clear();
  output.document({ success: hasEnded, pid });
  if (hasEnded) {
    output.line(`The service (process ${pid}) has ended.`);
    return EXIT.done;
  }
  output.line(`Process ${pid} has not ended within ${options.timeout} s. \`kill ${pid}\` ends it at once.`);
  return EXIT.fault;
}

async function untilEnded({ clock }: Host, { pid, start }: Runtime, timeoutS: number): Promise<boolean> {
  const deadline = clock.monotonic() + timeoutS * 1000;
  while ((await processStart(pid)) === start) {
    if (clock.monotonic() > deadline) return false;
    await clock.sleep(LOOK_EVERY_MS);
  }
  return true;
}
