/** The topics that the options of `twist serve` are explained by: one for each group of the table. */
import {
  GROUPS,
  environmentNameOf,
  flagTermOf,
  type Group,
  type Option,
  type OptionTable,
} from '../../config/options/option.js';
import { OPTIONS } from '../../config/options/options.js';
import type { HelpItem } from './help-page.js';

export interface Topic {
  /** What `twist help` calls it. */
  readonly word: string;
  readonly group: Group;
  readonly summary: string;
}

/** Defaults that say that there is nothing. */
const WITHOUT: readonly string[] = ['false', 'off', 'none'];

const WORDS: Readonly<Record<Group, readonly [word: string, summary: string]>> = {
  Listening: ['listen', 'addresses, ports and Unix sockets'],
  TLS: ['tls', 'certificates of the server and of clients'],
  Mode: ['modes', 'echo, TCP proxy, replay, your own code, routes, static files'],
  Recording: ['recording', 'write all traffic to a file'],
  Inspector: ['inspect', 'a page that shows the traffic, live'],
  Proxy: ['proxy', 'connections to TCP targets, TLS to them, PROXY protocol'],
  Access: ['access', 'origins, hosts, addresses, passwords, trusted proxies'],
  Handshake: ['handshake', 'subprotocols'],
  Extensions: ['compression', 'permessage-deflate, and extensions of your own'],
  Limits: ['limits', 'sizes and numbers, and what happens beyond them'],
  Timeouts: ['timeouts', 'handshake, pings, idle clients, shutdown'],
  Operation: ['operation', 'health checks, metrics, workers, when the server ends by itself'],
  Logging: ['logging', 'level and format of the log'],
  General: ['general', 'the configuration file, and which source of a value wins'],
};

export const TOPICS: readonly Topic[] = GROUPS.map(topicOf);

/** The topic that explains a group. */
export function topicOf(group: Group): Topic {
  const [word, summary] = WORDS[group];
  return { word, group, summary };
}

/** The options of a topic, as its page lists them. */
export function itemsOf({ group }: Topic): HelpItem[] {
  return Object.entries<Option>(OPTIONS)
    .filter(([, option]) => option.group === group)
    .map(([key, option]) => detailedItem(key, option));
}

/** An option of the first screen: what it is in a few words, and its placeholder if not that of the table. */
export type BriefRow = readonly [key: keyof typeof OPTIONS, text: string, valueName?: string];

/** `--max-message SIZE`, what it is, and its default where it has one. */
export function briefItem([key, text, valueName]: BriefRow): HelpItem {
  const option = (OPTIONS as OptionTable)[key]!;
  const hasDefault = !WITHOUT.includes(option.default);
  return {
    term: termOf(key, option, valueName),
    text: hasDefault ? `${text} [${option.default}]` : text,
  };
}

/** An option as pages of topics have it: with its environment variable and its default. */
export function detailedItem(key: string, option: Option): HelpItem {
  const name = environmentNameOf(key);
  const facts = [
    option.isFlag === false ? 'only in the environment' : name,
    ...(option.default === 'false' ? [] : [`default ${option.default}`]),
  ];
  return { term: termOf(key, option), text: option.help, detail: facts.join(', ') };
}

/** `-c, --config FILE`, `--[no-]deflate`, `TWIST_AUTH=USER:PASSWORD` */
function termOf(key: string, option: Option, valueName = option.type.valueName): string {
  if (option.isFlag === false) return `${environmentNameOf(key)}=${valueName}`;
  const flags = option.short === undefined ? '' : `-${option.short}, `;
  return `${flags}${flagTermOf(key, option)} ${valueName}`.trimEnd();
}

/** The words that stand for values in `items`, and what they mean. */
export function valuesIn(items: readonly HelpItem[]): HelpItem[] {
  const words = new Set(items.flatMap(({ term }) => term.split(/[ |]/)));
  return VALUES.filter(({ term }) => words.has(term));
}

/** What the placeholders stand for that several options share. */
const VALUES: readonly HelpItem[] = [
  { term: 'SIZE', text: 'bytes, or 64k, 16m, 1g (powers of 1024)' },
  { term: 'DURATION', text: '500ms, 30s, 5m or 2h' },
  { term: 'LIST', text: 'separated by commas, without spaces' },
  { term: 'CIDR', text: 'an address or a range of addresses, such as 10.0.0.0/8' },
];
