/** Completion for zsh, for a file `_twist` in its `fpath`, or by `source <(twist completion zsh)`. */
import type { CommandLine, Completed, CompletedCommand, CompletedOption } from './command-line.js';

export function zshCompletion({ twist, firstWords, commands }: CommandLine): string {
  const parents = firstWords.filter(({ isParent }) => isParent);
  return `#compdef twist
# Completion of twist for zsh, made by: twist completion zsh

_twist() {
  local context state state_descr line curcontext=$curcontext
  typeset -A opt_args
  _arguments -C \\
${twist.options.flatMap((option) => specs(option, '    ')).join('')}    '1: :->command' \\
    '*:: :->rest' && return
  case $state in
    command)
      local -a commands=(
${firstWords.map(({ word, summary }) => `        ${quoted(`${word}:${summary}`)}\n`).join('')}      )
      _describe 'command' commands
      ;;
    rest)
      local command=$words[1]
${parents.map(({ word }) => secondWord(word, commands)).join('')}      case $command in
${commands.map(commandCase).join('')}      esac
      ;;
  esac
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  _twist "$@"
else
  compdef _twist twist
fi
`;
}

function secondWord(parent: string, commands: readonly CompletedCommand[]): string {
  const below = commands.filter(({ name }) => name.startsWith(`${parent} `));
  const words = below.map(({ name, summary }) =>
    quoted(`${name.slice(parent.length + 1)}:${summary}`),
  );
  return `      if [[ $command == ${parent} ]]; then
        if ((CURRENT == 2)); then
          local -a below=(${words.join(' ')})
          _describe 'command' below
          return
        fi
        command="${parent} $words[2]"
        shift words
        ((CURRENT--))
      fi
`;
}

function commandCase({ name, options, operand }: CompletedCommand): string {
  const last = operand === null ? [] : [`            ${quoted(`*: :${action(operand)}`)} \\\n`];
  const lines = [...options.flatMap((option) => specs(option, '            ')), ...last].join('');
  return `        '${name}')
          _arguments \\
${lines.replace(/ \\\n$/, '\n')}          ;;
`;
}

function specs({ flags, help, value, isRepeatable }: CompletedOption, margin: string): string[] {
  const others = isRepeatable ? '*' : `(${flags.join(' ')})`;
  return flags.map((flag) => {
    const sign = value !== null && flag.startsWith('--') ? '=' : '';
    const text = help.replace(/[[\\\]:]/g, '\\$&');
    const values = value === null ? '' : `: :${action(value)}`;
    return `${margin}${quoted(`${others}${flag}${sign}[${text}]${values}`)} \\\n`;
  });
}

function action(what: Completed): string {
  if (what === 'file') return '_files';
  if (what === 'directory') return '_files -/';
  return what === 'anything' ? ' ' : `(${what.join(' ')})`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
