// `gitferry version`: of this program, of its runtime, and of the running service if that is another.

import type { Command } from 'commander';
import { VERSION } from '../version.ts';
import { type Cli, EXIT, type ExitCode } from './cli.ts';
import { asking } from './reach/asking.ts';
import { findService, type ReachOptions } from './reach/find-service.ts';
import { createOutput } from './terminal/output.ts';

export function addVersionCommand(program: Command, { host, does }: Cli): void {
  asking(program.command('version'))
    .description('Print the version of this program, its runtime, and the running service.')
    .action(
      does(async (options: ReachOptions): Promise<ExitCode> => {
        const output = createOutput(host, options);
        const { runtime, runtimeVersion, platform } = host;
        const found = await findService(host, options);
        const service = found.kind === 'running' ? found.runtime.version : null;
        output.document({ success: true, version: VERSION, runtime, runtimeVersion, platform, service });
        output.line(`gitferry ${VERSION} (${runtime} ${runtimeVersion}, ${platform})`);
        if (service !== null && service !== VERSION)
          output.line(`The running service is ${service}: restart it.`);
        return EXIT.done;
      }),
    );
}
