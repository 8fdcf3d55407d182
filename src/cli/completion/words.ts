// What there is to complete: each command with its options, its choices, and whether it takes a project. Pure.

import type { Command } from 'commander';

export type Completed = {
  /** The words of the command: `[]` is the program itself, `['hold', 'list']`. */
  words: string[];
  summary: string;
  subcommands: { name: string; summary: string }[];
  options: { flag: string; summary: string; takesValue: boolean; takesFile: boolean }[];
  /** What its first argument may be. */
  first: 'project' | 'path' | 'nothing';
};

export function completedOf(program: Command): Completed[] {
  const visit = (command: Command, words: string[]): Completed[] => [
    describe(command, words),
    ...command.commands.flatMap((each) => visit(each, [...words, each.name()])),
  ];
  return visit(program, []);
}

function describe(command: Command, words: string[]): Completed {
  const [argument] = command.registeredArguments;
  return {
    words,
    summary: command.description(),
    subcommands: command.commands.map((each) => ({ name: each.name(), summary: each.description() })),
    options: command.options.map((option) => ({
      flag: option.long ?? option.flags,
      summary: option.description,
      takesValue: option.required || option.optional,
      takesFile: /<(?:file|path)>/.test(option.flags),
    })),
    first: firstOf(argument?.name()),
  };
}

function firstOf(name: string | undefined): Completed['first'] {
  if (name === 'project') return 'project';
  return name === 'path' || name === 'folder' ? 'path' : 'nothing';
}

/** In single quotes as every one of the shells takes it. */
export const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
