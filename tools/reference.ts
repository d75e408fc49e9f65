import { TOPICS } from '../src/cli/help/topics.js';
import {
  type Need,
  type Option,
  type OptionTable,
  capitalized,
  environmentNameOf,
  fileKeyOf,
  flagOf,
  flagTermOf,
  negativeFlagOf,
} from '../src/config/options/option.js';

const INTRODUCTION = `# Options

<!-- Written by tools/generate.mjs from src/config/options/options.ts. Change that file, then run \`npm run docs\`. -->

Every option can be given in five places, which mean the same. The first one that gives it wins:

1. the flag: \`--max-message 1m\`
2. the environment: \`TWIST_MAX_MESSAGE=1m\`
3. the configuration file, which \`--config\` or \`TWIST_CONFIG\` names: \`"maxMessage": "1m"\`
4. a \`TWIST_DEFAULT_\` variable, which is for images and wrappers: \`TWIST_DEFAULT_MAX_MESSAGE=1m\`
5. the default

A mode that is only given by a \`TWIST_DEFAULT_\` variable gives way to any mode, route or recording that is given in another
place.

An option that has no effect without another one is an error on the command line. In the environment and in the file, which
many starts share, it is a warning, and its default says nothing. Apart from lists, a flag is given once.

\`twist config print\` shows every value with its source, and \`twist config check\` says whether all is well.

SIGHUP reads the configuration file again. Options of which this page says that a reload changes them then have their new value, all of them or,
if anything in the file is wrong, none; the log names those that need a restart. See docs/operations.md.

- **SIZE**: whole bytes, or \`64k\`, \`16m\`, \`1g\` (powers of 1024). In the file a number of bytes will do.
- **DURATION**: a whole number with its unit, \`500ms\`, \`30s\`, \`5m\` or \`2h\`.
- **N**: a whole number. In the file a number or the same text.
- Lists are separated by commas, without blanks. In the file they may be arrays.
- A switch such as \`--echo\` takes no value; \`--no-echo\` turns it off. The environment and the file say \`true\` or \`false\`.

The configuration file is JSON, and may have comments (\`//\` and \`/* */\`) and a comma after the last item. An unknown key is an error, and so is one that is given twice. \`config.example.json\` holds every key with its default, so it
needs a mode beside it (\`twist serve --echo -c config.example.json\`), and \`config.schema.json\` lets an editor complete and
check them.
`;

/** What an option needs to have an effect. */
const NEED_TEXTS: Readonly<Record<Need, string>> = {
  echo: '`echo`, or a route with it',
  record: '`record`',
  inspect: '`inspect`',
  replay: '`replay`',
  deflate: '`deflate`',
  target: 'a TCP target (`tcp`, `tokenFile` or a route)',
  tls: 'a `tls://` target',
  page: '`page` or `echoControls`, and a path that is echoed',
  passwords: '`authFile` or `TWIST_AUTH`',
  pings: '`pingInterval`',
  unix: 'a Unix socket in `listen`',
  tokens: '`tokenFile`',
  certificate: '`tlsCert`',
  'client-ca': '`tlsClientCa`',
  'secure-listener': 'an address of `listen` that may speak TLS',
};

/** @returns the reference page of all options, in Markdown */
export function reference(table: OptionTable): string {
  const sections = TOPICS.flatMap(({ group, word, summary }) => {
    const rows = Object.entries(table).filter(([, option]) => option.group === group);
    const about = `${capitalized(summary)}. On the command line: \`twist help ${word}\`.\n`;
    return rows.length === 0 ? [] : [`## ${group}\n`, about, overview(rows), ...rows.map(detail)];
  });
  return [INTRODUCTION, ...sections].join('\n');
}

type Row = readonly [key: string, option: Option];

function overview(rows: readonly Row[]): string {
  const lines = rows.map(([key, option]) => {
    const name = option.isFlag === false ? environmentNameOf(key) : flagTermOf(key, option);
    const link = `[\`${name}\`](#${flagOf(key).slice(2)})`;
    return `| ${link} | ${escaped(option.help)} | \`${option.default}\` |\n`;
  });
  return `| option | meaning | default |\n| --- | --- | --- |\n${lines.join('')}`;
}

function detail([key, option]: Row): string {
  const { type, docs, short } = option;
  const flags = [...(short === undefined ? [] : [`-${short}`]), flagOf(key)].join(', ');
  const asFlag =
    type.valueName === ''
      ? `\`${flags}\`, \`${negativeFlagOf(key)}\``
      : `\`${flags} ${type.valueName}\`${type.isRepeatable ? ', may be repeated' : ''}`;
  const facts = [
    option.isFlag === false ? 'not on the command line' : asFlag,
    `\`${environmentNameOf(key)}\``,
    option.isFileKey === false
      ? 'not in the configuration file'
      : `\`"${fileKeyOf(key, option)}"\``,
    `default \`${option.default}\``,
    ...(option.isReloadable === true ? ['a reload changes it'] : []),
    ...(option.needs === undefined ? [] : [`needs ${NEED_TEXTS[option.needs]}`]),
  ];
  return `### ${flagOf(key).slice(2)}\n\n${facts.join(' · ')}\n\n${docs}\n\n${escaped(capitalized(type.clause))}.\n`;
}

/** Words in angle or square brackets and bars would be taken for Markdown. */
function escaped(text: string): string {
  return text.replaceAll(/[[\]|<>]/g, '\\$&');
}
