// `gitferry completion`: what a shell completes, written from the commands themselves. Ids of projects are asked for then.

import type { Command } from 'commander';
import { oneOf } from './arguments.ts';
import { type Cli, EXIT, type ExitCode } from './cli.ts';
import { bashCompletion } from './completion/bash.ts';
import { fishCompletion } from './completion/fish.ts';
import { type Completed, completedOf } from './completion/words.ts';
import { zshCompletion } from './completion/zsh.ts';

const SHELLS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const;
type Shell = keyof typeof SHELLS;
const NAMES = Object.keys(SHELLS) as Shell[];

const HOW = `
bash:  gitferry completion bash > ~/.local/share/bash-completion/completions/gitferry
zsh:   gitferry completion zsh > "\${fpath[1]}/_gitferry"
fish:  gitferry completion fish > ~/.config/fish/completions/gitferry.fish`;

export function addCompletionCommand(program: Command, { host, does }: Cli): void {
  program
    .command('completion')
    .description('Print what makes a shell complete these commands.')
    .argument('<shell>', NAMES.join(', '), oneOf(NAMES))
    .option('--json', 'print the commands and their options as JSON')
    .addHelpText('after', HOW)
    .action(
      does(async (shell: Shell, { json }: { json?: boolean }): Promise<ExitCode> => {
        const commands: readonly Completed[] = completedOf(program);
        host.writeOut(
          json ? `${JSON.stringify({ success: true, commands }, null, 2)}\n` : SHELLS[shell](commands),
        );
        return EXIT.done;
      }),
    );
}
