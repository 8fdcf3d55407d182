// `gitferry version`: of this program, of its runtime, and of the running service if that is another.

import type { Command } from 'commander';
import type { Host } from '../host/types.ts';
import { VERSION } from '../version.ts';
import { type Cli, EXIT, type ExitCode } from './cli.ts';
import { asking } from './reach/asking.ts';
import { findService, type ReachOptions, SeveralServices } from './reach/find-service.ts';
import { createOutput } from './terminal/output.ts';

export function addVersionCommand(program: Command, { host, does }: Cli): void {
  asking(program.command('version'))
    .description('Print the version of this program, its runtime, and the running service.')
    .action(
      does(async (options: ReachOptions): Promise<ExitCode> => {
        const output = createOutput(host, options);
        const { runtime, runtimeVersion, platform } = host;
        const service = await runningVersion(host, options);
        output.document({ success: true, version: VERSION, runtime, runtimeVersion, platform, service });
        output.line(`gitferry ${VERSION} (${runtime} ${runtimeVersion}, ${platform})`);
        if (service !== null && service !== VERSION)
          output.line(`The running service is ${service}: restart it.`);
        return EXIT.done;
      }),
    );
}

/** Null where none runs, and where it is not said which of several is meant: this program's own version needs none. */
async function runningVersion(host: Host, options: ReachOptions): Promise<string | null> {
  try {
    const found = await findService(host, options);
    return found.kind === 'running' ? found.runtime.version : null;
  } catch (error) {
    if (error instanceof SeveralServices) return null;
    throw error;
  }
}
