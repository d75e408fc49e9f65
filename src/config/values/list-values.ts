import type * as z from 'zod';
import { isToken } from '../../net/byte-table.js';
import {
  formatListenAddress,
  formatUnixMode,
  type ListenAddress,
  parseListenAddress,
  parseUnixMode,
} from '../../net/socket-address.js';
import type { Zod } from '../zod.js';
import { type ValueType, refuse, withSchema } from './values.js';

/** What stands for a list without items. */
export const NONE = 'none';

export const EACH_ONCE = 'give each one once';

const MAX_PORT = 65_535;

const TEXT_OR_LIST = 'string | readonly string[]';

/** Addresses to listen on; the flag is repeated, elsewhere they are separated by commas. */
export function listenAddresses(): ValueType<readonly ListenAddress[]> {
  const clause =
    'give PORT, HOST:PORT, [IPV6]:PORT, :PORT (every address) or systemd, any of them after wss:// or ws://, or unix:PATH, with a port from 0 to 65535';
  const only = ([text]: readonly string[]): readonly ListenAddress[] | undefined => {
    const address = parseListenAddress(text!);
    return address === null ? undefined : [address];
  };
  return withSchema<readonly ListenAddress[]>(
    {
      valueName: '[HOST:]PORT|unix:PATH',
      clause,
      typeText: 'number | string | readonly (number | string)[]',
      isRepeatable: true,
      shortcut: (given) => (isOneText(given) ? only(given) : undefined),
      fromNumber: String,
      fromText: (text) => text.split(','),
      toText: (addresses) => addresses.map(formatListenAddress).join(','),
      toJson: (addresses) => addresses.map(formatListenAddress),
    },
    (z) => {
      const address = parsed(z, parseListenAddress, clause);
      const list = z
        .array(address, clause)
        .min(1, clause)
        .superRefine((addresses, context) => {
          const repeated = addresses.findIndex(
            (one, index) =>
              // Port 0 is another free port each time.
              !(one.kind === 'tcp' && one.port === 0) &&
              addresses.findIndex((other) => placeOf(other) === placeOf(one)) < index,
          );
          if (repeated !== -1) {
            context.addIssue({ code: 'custom', path: [repeated], message: EACH_ONCE });
          }
        });
      return z.union([address.transform((one) => [one]), list], clause);
    },
  );
}

/** Where an address is, with or without TLS. */
function placeOf(address: ListenAddress): string {
  return formatListenAddress(address).replace(/^wss?:\/\//, '');
}

/** Permissions of a Unix socket, or `umask` (null). */
export function unixMode(): ValueType<number | null> {
  const clause = 'give permissions as three octal digits such as 0660, or umask';
  return withSchema<number | null>(
    {
      valueName: 'MODE',
      clause,
      typeText: 'number | string',
      isRepeatable: false,
      shortcut: (given) => (given === 'umask' ? null : undefined),
      // As programs write it: 0o660.
      fromNumber: (given) => given.toString(8).padStart(4, '0'),
      fromText: (text) => text,
      toText: (mode) => (mode === null ? 'umask' : formatUnixMode(mode)),
      toJson: (mode) => (mode === null ? 'umask' : formatUnixMode(mode)),
    },
    (z) =>
      parsed(z, (text) => (text === 'umask' ? { mode: null } : modeOf(text)), clause).transform(
        ({ mode }) => mode,
      ),
  );
}

function modeOf(text: string): { readonly mode: number } | null {
  const mode = parseUnixMode(text);
  return mode === null ? null : { mode };
}

/** Which subprotocol is selected: `first`, `none`, or tokens in the server's order of preference. */
export function subprotocolPolicy(): ValueType<'first' | 'none' | readonly string[]> {
  return wordOrList(
    ['first', 'none'],
    [],
    parseToken,
    'give first, none, or names separated by commas, such as mqtt,binary',
  );
}

/** Which origins may connect: `auto`, `any`, or a list of `same`, and of origins as browsers send them. */
export function originPolicy(): ValueType<'auto' | 'any' | 'same' | readonly string[]> {
  return wordOrList(
    ['auto', 'any', 'same'],
    ['same'],
    parseOrigin,
    'give auto, any, or a list of same and of origins, separated by commas, each as browsers send it, such as https://example.com, or https://*.example.com for all names below one',
  );
}

/** For which hosts requests may be: `auto`, `any`, or a list of `local` and of names. */
export function hostPolicy(): ValueType<'auto' | 'any' | readonly string[]> {
  return wordOrList(
    ['auto', 'any'],
    ['local'],
    parseAllowedHost,
    'give auto, any, or a list of local and of host names, separated by commas, such as example.com, or *.example.com for all names below one, with or without a port',
  );
}

/** Paths of files; the flag is repeated, elsewhere they are separated by commas. `none` is no file. */
export function filePaths(): ValueType<readonly string[]> {
  const clause = 'give the path of a file, or none';
  return withSchema<readonly string[]>(
    {
      valueName: 'FILE',
      clause,
      typeText: TEXT_OR_LIST,
      isRepeatable: true,
      shortcut: (given) => (isOnly(given, NONE) ? [] : undefined),
      fromText: (text) => text.split(','),
      toText: (paths) => (paths.length === 0 ? NONE : paths.join(',')),
      toJson: (paths) => paths,
    },
    (z) => {
      const path = z.string(clause).min(1, clause);
      const list = z.array(path, clause).superRefine((paths, context) => {
        const seen = new Set<string>();
        for (const [index, one] of paths.entries()) {
          const isRepeated = seen.has(one);
          seen.add(one);
          // By itself it is how a flag or a variable says that there is no file.
          const isNoFile = one === NONE && paths.length > 1;
          if (!isRepeated && !isNoFile) continue;
          const message = isRepeated ? EACH_ONCE : clause;
          context.addIssue({ code: 'custom', path: [index], message });
        }
      });
      return z
        .union([path.transform((one) => [one]), list], clause)
        .transform((paths) => paths.filter((one) => one !== NONE));
    },
  );
}

/** Any of a few words, each at most once; `none` is none of them. */
export function wordList<const Word extends string>(
  words: readonly Word[],
): ValueType<readonly Word[]> {
  const clause = `give ${NONE}, or one or more of ${words.join(', ')}, separated by commas`;
  const types = words.map((word) => `'${word}'`).join(' | ');
  return withSchema<readonly Word[]>(
    {
      valueName: 'LIST',
      clause,
      words: [NONE, ...words],
      typeText: `'${NONE}' | ${types} | readonly (${types})[]`,
      isRepeatable: false,
      shortcut: (given) => (given === NONE ? [] : undefined),
      fromText: (value) => value,
      toText: (items) => (items.length === 0 ? NONE : items.join(',')),
      toJson: (items) => items,
    },
    (z) => {
      const list = z
        .array(z.enum(words, clause), clause)
        .refine((items) => new Set(items).size === items.length, EACH_ONCE);
      const text = z
        .string(clause)
        .transform((value, context) =>
          itemsOf(list, value === NONE ? [] : value.split(','), context),
        );
      return z.union([text, list], clause);
    },
  );
}

function parseToken(text: string): string | null {
  return isToken(text) ? text : null;
}

/**
 * A serialized origin (RFC 6454 §6.2): scheme, host and a port that is not the scheme's own, in lower
 * case and without a path, because that is what an `Origin` header is compared with. `null` is what a
 * browser sends for a sandboxed page or a local file, and `file://` what a program with a browser inside
 * sends for its own. No page comes from ws, wss or another scheme whose pages have the origin `null`.
 *
 * In front of the host `*.` stands for one or more labels, and a `*` anywhere else is none of a host.
 */
function parseOrigin(text: string): string | null {
  if (text === 'null' || text === 'file://') return text;
  const one = text.replace('://*.', '://any.');
  if (one.includes('*')) return null;
  if (/^https?:/.test(one)) return URL.canParse(one) && new URL(one).origin === one ? text : null;
  const found =
    /^(?!(?:wss?|file|data|blob|about|javascript):)[a-z][a-z0-9+.-]*:\/\/[a-z0-9._~-]+(?::([1-9]\d{0,4}))?$/.exec(
      one,
    );
  return found !== null && Number(found[1] ?? 0) <= MAX_PORT ? text : null;
}

/**
 * A host as browsers name it, but in any case, perhaps with the dot of the root, which does not count. With
 * `*.` in front it is any name below.
 */
function parseAllowedHost(text: string): string | null {
  const lower = text.toLowerCase();
  const found = /^(\*\.)?([^:*[]+|\[[0-9a-f:.]+\])(?::([1-9]\d{0,4}))?$/.exec(lower);
  if (found === null || Number(found[3] ?? 0) > MAX_PORT) return null;
  const name = found[2]!.replace(/\.$/, '');
  // An address has no names below it.
  const one = found[1] === undefined ? name : `any.${name}`;
  if (!URL.canParse(`http://${one}`) || new URL(`http://${one}`).host !== one) return null;
  return `${found[1] ?? ''}${name}${found[3] === undefined ? '' : `:${found[3]}`}`;
}

/** @param itemWords what stands in a list for more than one item; other words stand alone */
function wordOrList<const Word extends string>(
  words: readonly Word[],
  itemWords: readonly string[],
  parse: (text: string) => string | null,
  clause: string,
): ValueType<Word | readonly string[]> {
  const isWord = (text: string): text is Word => words.some((word) => word === text);
  const parseItem = (text: string): string | null => {
    if (itemWords.includes(text)) return text;
    return isWord(text) ? null : parse(text);
  };
  return withSchema<Word | readonly string[]>(
    {
      valueName: `${words.join('|')}|LIST`,
      clause,
      words: [...words, ...itemWords],
      typeText: TEXT_OR_LIST,
      isRepeatable: false,
      shortcut: (given) => (typeof given === 'string' && isWord(given) ? given : undefined),
      fromText: (value) => value,
      toText: (value) => (isList(value) ? value.join(',') : value),
      toJson: (value) => value,
    },
    (z) => {
      const list = z
        .array(parsed(z, parseItem, clause), clause)
        .min(1, clause)
        .refine((items) => new Set(items).size === items.length, EACH_ONCE);
      const text = z
        .string(clause)
        .transform((value, context): Word | readonly string[] =>
          isWord(value) ? value : itemsOf(list, value.split(','), context),
        );
      return z.union([text, list], clause);
    },
  );
}

/** What a schema of lists makes of the items of a text; its issues are those of the text. */
export function itemsOf<Items>(
  list: z.ZodType<Items>,
  given: readonly string[],
  context: z.RefinementCtx,
): Items {
  const items = list.safeParse(given);
  if (items.success) return items.data;
  return refuse(context, ...items.error.issues.map(({ message }) => message));
}

function isList(value: string | readonly string[]): value is readonly string[] {
  return typeof value !== 'string';
}

/** Text that `parse` reads as a value; null is none. */
export function parsed<Value>(
  z: Zod,
  parse: (text: string) => Value | null,
  clause: string,
): z.ZodType<Value, string> {
  return z
    .string(clause)
    .transform((text, context): Value => parse(text) ?? refuse(context, clause));
}

/** Whether a value in its JSON form is a list with this one item: what a flag that is repeated has made of it. */
export function isOnly(given: unknown, item: string): boolean {
  return isOneText(given) && given[0] === item;
}

function isOneText(given: unknown): given is readonly string[] {
  return Array.isArray(given) && given.length === 1 && typeof given[0] === 'string';
}
