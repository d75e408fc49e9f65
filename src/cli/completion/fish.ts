/** Completion for fish. */
import type { CommandLine, Completed, CompletedCommand, CompletedOption } from './command-line.js';

export function fishCompletion({ twist, firstWords, commands }: CommandLine): string {
  const lines = [
    ...firstWords.map(({ word, summary }) => `${ALONE} -a ${word}${described(summary)}`),
    ...twist.options.map((option) => optionLine('__twist_is', option)),
    ...commands.flatMap(commandLines),
  ];
  return `# Completion of twist for fish, made by: twist completion fish

# Whether the words after twist that are no options begin with these.
function __twist_is
    set -l words (string match -v -- '-*' (commandline -opc)[2..])
    if test (count $argv) -eq 0
        test (count $words) -eq 0
    else
        string match -q -- "$argv *" "$words "
    end
end

complete -c twist -f
${lines.join('\n')}
`;
}

const ALONE = 'complete -c twist -n __twist_is';

function commandLines({ name, summary, options, operand }: CompletedCommand): string[] {
  const [parent = '', word] = name.split(' ');
  const condition = `__twist_is ${name}`;
  const own =
    word === undefined
      ? []
      : // Once it is there it is not offered again.
        [
          `complete -c twist -n ${quoted(`__twist_is ${parent}; and not ${condition}`)} -a ${word}${described(summary)}`,
        ];
  const operands =
    operand === null ? [] : [`complete -c twist -n ${quoted(condition)} ${argument(operand)}`];
  return [...own, ...operands, ...options.map((option) => optionLine(condition, option))];
}

function optionLine(condition: string, { flags, help, value }: CompletedOption): string {
  const names = flags.map((flag) =>
    flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`,
  );
  const takes = value === null ? '' : ` -r ${argument(value)}`;
  return `complete -c twist -n ${quoted(condition)} ${names.join(' ')}${takes}${described(help)}`;
}

function argument(what: Completed): string {
  if (what === 'file') return '-F';
  if (what === 'directory') return "-a '(__fish_complete_directories)'";
  return what === 'anything' ? '-f' : `-fa ${quoted(what.join(' '))}`;
}

function described(text: string): string {
  return ` -d ${quoted(text)}`;
}

function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`;
}
