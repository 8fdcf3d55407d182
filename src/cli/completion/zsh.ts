// Completion for zsh: the same table, with the words that explain each choice.

import { type Completed, quoted } from './words.ts';

export function zshCompletion(commands: readonly Completed[]): string {
  const described = (name: string, summary: string) => quoted(`${name.replaceAll(':', '\\:')}:${summary}`);
  const cases = commands.map(({ words, subcommands, options, first }) => {
    const names = subcommands.map(({ name, summary }) => described(name, summary));
    const flags = options.map(({ flag, summary }) => described(flag, summary));
    return `    ${quoted(words.join(' '))})
      names=(${names.join(' ')})
      flags=(${flags.join(' ')} '--help:Say how it is used.')
      first=${first} ;;`;
  });
  const known = commands.filter(({ words }) => words.length > 0).map(({ words }) => quoted(words.join(' ')));
  return `#compdef gitferry
# zsh completion for gitferry; made by \`gitferry completion zsh\`
_gitferry() {
  local at='' word first=nothing
  local -a names flags ids
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "\${at:+$at }$word" in
      ${known.join('|')}) at="\${at:+$at }$word" ;;
    esac
  done
  case "$at" in
${cases.join('\n')}
  esac
  if [[ "$words[CURRENT]" == -* ]]; then
    _describe 'option' flags
    return
  fi
  (( $#names )) && _describe 'command' names
  case "$first" in
    project) ids=(\${(f)"$(gitferry list --ids 2>/dev/null)"}); compadd -a ids ;;
    path) _files ;;
  esac
}
# In a folder of $fpath this file is the function itself, at the first Tab.
if [[ "$funcstack[1]" == _gitferry ]]; then
  _gitferry "$@"
else
  compdef _gitferry gitferry
fi
`;
}
