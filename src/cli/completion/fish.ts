// Completion for fish: one line a choice, each with the commands after which it holds.

import { type Completed, quoted } from './words.ts';

export function fishCompletion(commands: readonly Completed[]): string {
  const lines = commands.flatMap((command) => {
    const here = `-n ${quoted(`__gitferry_at ${command.words.join(' ')}`.trimEnd())}`;
    return [
      ...command.subcommands.map(
        ({ name, summary }) => `complete -c gitferry -f ${here} -a ${name} -d ${quoted(summary)}`,
      ),
      ...command.options.map(
        ({ flag, summary, takesValue, takesFile }) =>
          `complete -c gitferry ${here} -l ${flag.replace(/^--/, '')}${takesFile ? ' -r -F' : takesValue ? ' -x' : ''} -d ${quoted(summary)}`,
      ),
      ...(command.first === 'project'
        ? [`complete -c gitferry -f ${here} -a '(gitferry list --ids 2>/dev/null)' -d project`]
        : []),
    ];
  });
  const known = commands.filter(({ words }) => words.length > 0).map(({ words }) => quoted(words.join(' ')));
  return `# fish completion for gitferry; made by \`gitferry completion fish\`
function __gitferry_at
    set -l at
    for word in (commandline -opc)[2..-1]
        if contains -- (string join ' ' $at $word) ${known.join(' ')}
            set -a at $word
        end
    end
    test (string join ' ' $at) = (string join ' ' $argv)
end
${lines.join('\n')}
`;
}
