// The reference of the command line, written from the commands themselves.

import type { Command } from 'commander';
import type { Cli } from '../src/cli/cli.ts';
import { createProgram } from '../src/cli/command-line.ts';
import { loadHost } from '../src/host/load.ts';
import { markdownTable } from './markdown-table.ts';

const host = await loadHost();

/** A heading for each command, with its arguments and options. */
export function commandsReference(): string {
  return leafCommands(createProgram({ host, does: () => async () => {} } satisfies Cli))
    .map(({ command, words }) => sectionOf(command, words))
    .join('\n\n');
}

function leafCommands(program: Command): { command: Command; words: string[] }[] {
  const visit = (command: Command, words: string[]): { command: Command; words: string[] }[] =>
    command.commands.length === 0
      ? [{ command, words }]
      : command.commands.flatMap((each) => visit(each, [...words, each.name()]));
  return visit(program, ['gitferry']);
}

function sectionOf(command: Command, words: string[]): string {
  const args = command.registeredArguments.map((argument) => {
    const name = argument.variadic ? `${argument.name()}...` : argument.name();
    return argument.required ? `<${name}>` : `[${name}]`;
  });
  const rows = [
    ...command.registeredArguments.map((argument, n) => [`\`${args[n]}\``, argument.description]),
    ...command.options.map((option) => [`\`${option.flags}\``, option.description]),
  ];
  const usage = [...words, ...args].join(' ');
  const table = rows.length === 0 ? '' : `\n\n${markdownTable(['', 'What it means'], rows)}`;
  return `### ${words.join(' ')}\n\n\`\`\`text\n${usage}\n\`\`\`\n\n${command.description()}${table}`;
}
