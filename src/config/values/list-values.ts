import * as z from 'zod';
import { isToken } from '../../net/byte-table.js';
import {
  formatListenAddress,
  formatUnixMode,
  type ListenAddress,
  parseListenAddress,
  parseUnixMode,
} from '../../net/socket-address.js';
import type { ValueType } from './values.js';

/** What stands for a list without items. */
export const NONE = 'none';

export const EACH_ONCE = 'give each one once';

const MAX_PORT = 65_535;

const TEXT_OR_LIST = 'string | readonly string[]';

/** Addresses to listen on; the flag is repeated, elsewhere they are separated by commas. */
export function listenAddresses(): ValueType<readonly ListenAddress[]> {
  const clause =
    'give PORT, HOST:PORT, [IPV6]:PORT, :PORT (every address), any of them after wss:// or ws://, or unix:PATH, with a port from 0 to 65535';
  const address = parsed(parseListenAddress, clause);
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
  return {
    valueName: '[HOST:]PORT|unix:PATH',
    clause,
    schema: z.union([address.transform((one) => [one]), list], clause),
    typeText: 'number | string | readonly (number | string)[]',
    isRepeatable: true,
    fromNumber: String,
    fromText: (text) => text.split(','),
    toText: (addresses) => addresses.map(formatListenAddress).join(','),
    toJson: (addresses) => addresses.map(formatListenAddress),
  };
}

/** Where an address is, with or without TLS. */
function placeOf(address: ListenAddress): string {
  if (address.kind === 'unix') return formatListenAddress(address);
  const { kind, host, port } = address;
  return formatListenAddress({ kind, host, port });
}

/** Permissions of a Unix socket, or `umask` (null). */
export function unixMode(): ValueType<number | null> {
  const clause = 'give permissions as three octal digits such as 0660, or umask';
  return {
    valueName: 'MODE',
    clause,
    schema: parsed((text) => (text === 'umask' ? { mode: null } : modeOf(text)), clause).transform(
      ({ mode }) => mode,
    ),
    typeText: 'number | string',
    isRepeatable: false,
    // As programs write it: 0o660.
    fromNumber: (given) => given.toString(8).padStart(4, '0'),
    fromText: (text) => text,
    toText: (mode) => (mode === null ? 'umask' : formatUnixMode(mode)),
    toJson: (mode) => (mode === null ? 'umask' : formatUnixMode(mode)),
  };
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
  const path = z.string(clause).min(1, clause);
  const list = z.array(path, clause).superRefine((paths, context) => {
    for (const [index, one] of paths.entries()) {
      const isRepeated = paths.indexOf(one) < index;
      // By itself it is how a flag or a variable says that there is no file.
      const isNoFile = one === NONE && paths.length > 1;
      if (!isRepeated && !isNoFile) continue;
      context.addIssue({
        code: 'custom',
        path: [index],
        message: isRepeated ? EACH_ONCE : clause,
      });
    }
  });
  return {
    valueName: 'FILE',
    clause,
    schema: z
      .union([path.transform((one) => [one]), list], clause)
      .transform((paths) => paths.filter((one) => one !== NONE)),
    typeText: TEXT_OR_LIST,
    isRepeatable: true,
    fromText: (text) => text.split(','),
    toText: (paths) => (paths.length === 0 ? NONE : paths.join(',')),
    toJson: (paths) => paths,
  };
}

/** Any of a few words, each at most once; `none` is none of them. */
export function wordList<const Word extends string>(
  words: readonly Word[],
): ValueType<readonly Word[]> {
  const clause = `give ${NONE}, or one or more of ${words.join(', ')}, separated by commas`;
  const list = z
    .array(z.enum(words, clause), clause)
    .refine((items) => new Set(items).size === items.length, EACH_ONCE);
  const text = z.string(clause).transform((value, context): readonly Word[] => {
    const items = list.safeParse(value === NONE ? [] : value.split(','));
    if (items.success) return items.data;
    for (const issue of items.error.issues) context.addIssue(issue.message);
    return z.NEVER;
  });
  const types = words.map((word) => `'${word}'`).join(' | ');
  return {
    valueName: 'LIST',
    clause,
    schema: z.union([text, list], clause),
    typeText: `'${NONE}' | ${types} | readonly (${types})[]`,
    isRepeatable: false,
    fromText: (value) => value,
    toText: (items) => (items.length === 0 ? NONE : items.join(',')),
    toJson: (items) => items,
  };
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
  const list = z
    .array(parsed(parseItem, clause), clause)
    .min(1, clause)
    .refine((items) => new Set(items).size === items.length, EACH_ONCE);
  const text = z.string(clause).transform((value, context): Word | readonly string[] => {
    if (isWord(value)) return value;
    const items = list.safeParse(value.split(','));
    if (items.success) return items.data;
    for (const issue of items.error.issues) context.addIssue(issue.message);
    return z.NEVER;
  });
  return {
    valueName: `${words.join('|')}|LIST`,
    clause,
    schema: z.union([text, list], clause),
    typeText: TEXT_OR_LIST,
    isRepeatable: false,
    fromText: (value) => value,
    toText: (value) => (isList(value) ? value.join(',') : value),
    toJson: (value) => value,
  };
}

function isList(value: string | readonly string[]): value is readonly string[] {
  return typeof value !== 'string';
}

/** Text that `parse` reads as a value; null is none. */
export function parsed<Value>(
  parse: (text: string) => Value | null,
  clause: string,
): z.ZodType<Value, string> {
  return z.string(clause).transform((text, context) => {
    const value = parse(text);
    if (value !== null) return value;
    context.addIssue(clause);
    return z.NEVER;
  });
}
