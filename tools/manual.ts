/** The manual page, twist(1), from the option table and from what `twist help` says. */
import type { Command } from 'commander';
import { commandLine } from '../src/cli/completion/command-line.js';
import { optionGroups } from '../src/cli/convert/options.js';
import { EXIT_STATUS, PROGRAM_EXAMPLES, fullName } from '../src/cli/help/help.js';
import type { HelpItem } from '../src/cli/help/help-page.js';
import type { Io } from '../src/cli/io.js';
import { type Actions, createProgram } from '../src/cli/program.js';
import { OPTIONS } from '../src/config/options/options.js';
import { TOPICS } from '../src/cli/help/topics.js';
import {
  type Option,
  type OptionTable,
  capitalized,
  environmentNameOf,
  fileKeyOf,
  flagOf,
  negativeFlagOf,
} from '../src/config/options/option.js';

const NAME = 'twist - a WebSocket server in one command: echo, TCP proxy and traffic recording';

const DESCRIPTION = [
  'twist serve runs a WebSocket server (RFC 6455). What it does with messages is its mode: it sends them back, passes them to a TCP service, writes them to a file, replays a recording, or gives them to a JavaScript module.',
  'Every option of twist serve is a flag, an environment variable and a key of the configuration file. A flag wins over the environment, that over the file, and that over the default. twist config print shows every value and where it comes from.',
];

const SIGNALS: readonly HelpItem[] = [
  {
    term: 'SIGTERM, SIGINT',
    text: 'Stops: no new connections, 1001 to all clients, spread over a part of `drainTimeout`. The second one drops all that are left.',
  },
  {
    term: 'SIGHUP',
    text: 'Reads the configuration file, certificates, passwords and tokens again, and opens the file of the recording anew.',
  },
];

const FILES: readonly HelpItem[] = [
  {
    term: '/etc/twist/config.json',
    text: 'The configuration of twist.service, in the Debian package. It is read where `--config` names it, and nowhere else.',
  },
];

/** @returns the page for `man` */
export function manualPage(): string {
  const nothing = (): Promise<void> => Promise.resolve();
  const actions: Actions = {
    serve: nothing,
    printConfig: nothing,
    checkConfig: nothing,
    healthcheck: nothing,
    convert: nothing,
    view: nothing,
    completion: nothing,
  };
  // Without words it has all its options.
  const io = { argv: [], env: {}, stdout: { write: nothing } } as unknown as Io;
  return manual(OPTIONS, createProgram(io, '', actions));
}

function manual(table: OptionTable, program: Command): string {
  const { commands } = commandLine(program);
  const sections = TOPICS.flatMap(({ group, summary }) => {
    const rows = Object.entries(table).filter(([, option]) => option.group === group);
    return [`.SS ${quoted(group)}`, `${text(capitalized(summary))}.`, ...rows.map(optionOf)];
  });
  const view = program.commands.find((one) => fullName(one) === 'twist view')!;
  const convert = program.commands.find((one) => fullName(one) === 'twist convert')!;
  const lines = [
    `.\\" Made by tools/generate.mjs: change the option table, then run npm run docs.`,
    '.TH TWIST 1 "" twist "User Commands"',
    ...['.SH NAME', text(NAME)],
    ...['.SH SYNOPSIS', commands.map(({ name }) => synopsis(name)).join('\n.br\n')],
    ...['.SH DESCRIPTION', DESCRIPTION.map(text).join('\n.PP\n')],
    ...['.SH COMMANDS', ...commands.map(({ name, summary }) => item(name, summary))],
    ...[
      '.SH OPTIONS',
      'Of twist serve, twist config print, twist config check and twist healthcheck.',
    ],
    ...sections,
    '.SH OPTIONS OF TWIST CONVERT',
    ...optionGroups().flatMap((group) => [
      `.SS ${quoted(group)}`,
      ...convert.options
        .filter((option) => option.helpGroupHeading === group)
        .map(({ flags, description }) => item(flags, `${capitalized(description)}.`)),
    ]),
    '.SH OPTIONS OF TWIST VIEW',
    ...view.options.map(({ flags, description }) => item(flags, `${capitalized(description)}.`)),
    ...['.SH SIGNALS', ...SIGNALS.map(itemOf)],
    ...['.SH EXIT STATUS', ...EXIT_STATUS.map(itemOf)],
    ...['.SH FILES', ...FILES.map(itemOf)],
    '.SH EXAMPLES',
    ...PROGRAM_EXAMPLES.map(([command, meaning]) => item(command, `${capitalized(meaning)}.`)),
    ...['.SH SEE ALSO', '.BR systemd.service (5),', '.BR systemd.socket (5),', '.BR logrotate (8)'],
  ];
  return `${lines.join('\n')}\n`;
}

function synopsis(name: string): string {
  const operands: Readonly<Record<string, string>> = {
    convert: '[options] file ...',
    view: '[options] file',
    completion: 'shell',
    help: '[word ...]',
  };
  return `.B twist ${text(name)}\n${text(operands[name] ?? '[options]')}`;
}

function optionOf([key, option]: readonly [string, Option]): string {
  const { type, short, docs, isFlag, isFileKey } = option;
  const flag = `${short === undefined ? '' : `-${short}, `}${flagOf(key)}`;
  const term =
    type.valueName === '' ? `${flag}, ${negativeFlagOf(key)}` : `${flag} ${type.valueName}`;
  const names = [
    ...(isFlag === false ? [] : [environmentNameOf(key)]),
    ...(isFileKey === false ? [] : [`"${fileKeyOf(key, option)}" in the file`]),
    `default ${option.default}`,
  ];
  const shown = isFlag === false ? `${environmentNameOf(key)}=${type.valueName}` : term;
  return `${item(shown, docs)}\n.IP\n${text(`${capitalized(type.clause)}. ${capitalized(names.join('; '))}.`)}`;
}

function itemOf({ term, text: what }: HelpItem): string {
  return item(term, what);
}

function item(term: string, what: string): string {
  return `.TP\n.B ${text(term)}\n${text(what)}`;
}

/** Text for troff: names in code are bold, and no character has a meaning of its own. */
function text(plain: string): string {
  const escaped = plain
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/\[([^\]]+)\]\([^)]+\)/g, '$1')
    .replace(/`([^`]*)`/g, '\\fB$1\\fR')
    .replace(/[\u0080-\uffff]/g, (character) => `\\[u${codeOf(character)}]`)
    .replace(/\s+/g, ' ');
  // A point or a quotation mark at the beginning of a line is a request.
  return escaped.replace(/^[.']/, '\\&$&');
}

function codeOf(character: string): string {
  return character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0');
}

function quoted(title: string): string {
  return `"${text(title)}"`;
}
