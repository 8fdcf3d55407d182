// Completion for bash: a function that looks the words before the cursor up in a table.

import { type Completed, quoted } from './words.ts';

export function bashCompletion(commands: readonly Completed[]): string {
  const cases = commands.map(({ words, subcommands, options, first }) => {
    const choices = [...subcommands.map(({ name }) => name), ...options.map(({ flag }) => flag), '--help'];
    return `    ${quoted(words.join(' '))}) choices=${quoted(choices.join(' '))}; first=${first} ;;`;
  });
  const known = commands.filter(({ words }) => words.length > 0).map(({ words }) => quoted(words.join(' ')));
  const files = [...new Set(commands.flatMap(({ options }) => options.filter((option) => option.takesFile)))];
  const fileFlags = [...new Set(files.map(({ flag }) => flag))].join('|');
  return `# bash completion for gitferry; made by \`gitferry completion bash\`
_gitferry() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" at='' word choices='' first=nothing
  COMPREPLY=()
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "\${at:+$at }$word" in
      ${known.join('|')}) at="\${at:+$at }$word" ;;
    esac
  done
  case "$at" in
${cases.join('\n')}
  esac
  case "$previous" in
    ${fileFlags}) COMPREPLY=($(compgen -f -- "$current")); return ;;
  esac
  if [[ "$current" != -* ]]; then
    case "$first" in
      project) choices+=" $(gitferry list --ids 2>/dev/null)" ;;
      path) COMPREPLY=($(compgen -f -- "$current")) ;;
    esac
  fi
  COMPREPLY+=($(compgen -W "$choices" -- "$current"))
}
complete -o filenames -F _gitferry gitferry
`;
}
