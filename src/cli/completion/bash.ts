/** Completion for bash. It needs nothing of the package bash-completion. */
import type { CommandLine, Completed, CompletedCommand, CompletedOption } from './command-line.js';

export function bashCompletion({ twist, firstWords, commands }: CommandLine): string {
  const first = firstWords.map(({ word }) => word);
  const parents = firstWords.filter(({ isParent }) => isParent);
  const own = twist.options.flatMap(({ flags }) => flags);
  return `# Completion of twist for bash, made by: twist completion bash
# shellcheck shell=bash

_twist_words() {
  local found
  while IFS= read -r found; do COMPREPLY+=("$found"); done < <(compgen -W "$1" -- "$word")
}

_twist_files() {
  compopt -o filenames 2> /dev/null
  local found
  while IFS= read -r found; do COMPREPLY+=("$found"); done < <(compgen "$1" -- "$word")
}

_twist() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]} command=\${COMP_WORDS[1]}
  COMPREPLY=()
  # Bash takes the sign in --option=value for a word.
  if [[ $word == '=' ]]; then
    word=''
  elif [[ $before == '=' ]]; then
    before=\${COMP_WORDS[COMP_CWORD - 2]}
  fi
  if ((COMP_CWORD == 1)); then
    _twist_words '${[...first, ...own].join(' ')}'
    return
  fi
${parents.map(({ word }) => secondWord(word, commands)).join('')}  case $command in
${commands.map(commandCase).join('')}  esac
}

complete -F _twist twist
`;
}

/** The second word belongs to the command. */
function secondWord(parent: string, commands: readonly CompletedCommand[]): string {
  const words = commands.flatMap(({ name }) =>
    name.startsWith(`${parent} `) ? [name.slice(parent.length + 1)] : [],
  );
  return `  if [[ $command == ${parent} ]]; then
    if ((COMP_CWORD == 2)); then
      _twist_words '${words.join(' ')}'
      return
    fi
    command="${parent} \${COMP_WORDS[2]}"
  fi
`;
}

function commandCase({ name, options, operand }: CompletedCommand): string {
  const cases = options.map(valueCase).join('');
  const flags = options.flatMap((option) => option.flags).join(' ');
  return `    '${name}')
${cases === '' ? '' : `      case $before in\n${cases}      esac\n`}      if [[ $word == -* ]]; then
        _twist_words '${flags}'
      else
        ${complete(operand)}
      fi
      ;;
`;
}

/** What follows an option that has a value. */
function valueCase({ flags, value }: CompletedOption): string {
  return value === null ? '' : `        ${flags.join(' | ')}) ${complete(value)}; return ;;\n`;
}

function complete(what: Completed | null): string {
  if (what === null || what === 'anything') return ':';
  if (what === 'file') return '_twist_files -f';
  if (what === 'directory') return '_twist_files -d';
  return `_twist_words '${what.join(' ')}'`;
}
