/** Types of values for targets and routes. */
import { isIP } from 'node:net';
import type * as z from 'zod';
import { parseHostName, parseTarget, type Target } from '../../net/socket-address.js';
import { type ValueType, withSchema } from './values.js';
import { EACH_ONCE, NONE, isOnly, parsed } from './list-values.js';
import {
  type RouteSetting,
  formatRouteMode,
  isRoutePath,
  parseRouteMode,
  pathIdentity,
} from './route-text.js';

const OFF = 'off';

/** What the proxy connects to, or `off` (null). */
export function target(): ValueType<Target | null> {
  const clause = 'give HOST:PORT, [IPV6]:PORT, tls://HOST:PORT or unix:PATH, or off';
  return textOrOff('TARGET', clause, parseTarget, ({ text }) => text);
}

/** A host name, or `off` (null). An address is none (RFC 6066 §3). */
export function hostName(): ValueType<string | null> {
  const parse = (text: string): string | null => (isIP(text) > 0 ? null : parseHostName(text));
  return textOrOff('NAME', 'give a host name, or off', parse, (name) => name);
}

/** A version of the PROXY protocol, or `off` (0). */
export function proxyVersion(): ValueType<0 | 1 | 2> {
  const clause = 'choose off, 1 or 2';
  return withSchema<0 | 1 | 2>(
    {
      valueName: '1|2',
      clause,
      typeText: "'off' | '1' | '2' | 1 | 2",
      isRepeatable: false,
      shortcut: (given) => (given === OFF ? 0 : undefined),
      fromText: (text) => text,
      toText: (version) => (version === 0 ? OFF : String(version)),
      toJson: (version) => (version === 0 ? OFF : version),
    },
    (z) =>
      z
        .union([z.enum([OFF, '1', '2'], clause), z.literal([1, 2], clause)], clause)
        .transform((value) => (value === OFF ? 0 : (Number(value) as 1 | 2))),
  );
}

/** Routes as they are given, with where each of them stands in the value. */
interface Entry {
  readonly place: PropertyKey[];
  readonly path: string;
  readonly mode: string;
}

type GivenRoutes = string | readonly string[] | Readonly<Record<string, string>>;

/**
 * Which mode serves which path: `PATH=MODE`, by a flag that is repeated, elsewhere separated by commas;
 * in the file an object with the modes by their paths.
 */
export function routes(): ValueType<readonly RouteSetting[]> {
  const clause =
    'give PATH=MODE with a path such as /vnc, and echo, tcp:TARGET, token, mode:FILE or replay:FILE; or none';
  return withSchema<readonly RouteSetting[]>(
    {
      valueName: 'PATH=MODE',
      clause,
      typeText: 'string | readonly string[] | Readonly<Record<string, string>>',
      isRepeatable: true,
      shortcut: (given) => (isOnly(given, NONE) ? [] : undefined),
      fromText: (given) => given.split(','),
      toText: (list) =>
        list.length === 0
          ? NONE
          : list.map(({ path, mode }) => `${path}=${formatRouteMode(mode)}`).join(','),
      toJson: (list) =>
        Object.fromEntries(list.map(({ path, mode }) => [path, formatRouteMode(mode)])),
    },
    (z) => {
      const text = z.string(clause).min(1, clause);
      const mode = z.string(ROUTE_CLAUSES.mode).min(1, ROUTE_CLAUSES.mode);
      return z
        .union([text, z.array(text, clause), z.record(z.string(), mode, clause)], clause)
        .transform((given, context) => readRoutes(given, context));
    },
  );
}

/** Clauses of routes; messages of {@link routes} are these or its own. */
export const ROUTE_CLAUSES = {
  form: 'give PATH=MODE, such as /vnc=tcp:localhost:5900',
  path: 'a path begins with / and has no blank, ?, #, = or // in it, and no % but in an escape such as %20',
  mode: 'give echo, tcp:TARGET, token, mode:FILE or replay:FILE',
  target: 'behind tcp: give HOST:PORT, [IPV6]:PORT, tls://HOST:PORT or unix:PATH',
} as const;

function readRoutes(given: GivenRoutes, context: z.RefinementCtx): RouteSetting[] {
  const list: RouteSetting[] = [];
  const seen = new Set<string>();
  for (const { place, path, mode } of entriesOf(given)) {
    const refuse = (message: string): void => {
      context.addIssue({ code: 'custom', path: place, message });
    };
    const parsedMode = parseRouteMode(mode);
    if (!path.startsWith('/') && mode === '') refuse(ROUTE_CLAUSES.form);
    else if (!isRoutePath(path)) refuse(ROUTE_CLAUSES.path);
    else if (parsedMode === null)
      refuse(mode.startsWith('tcp:') ? ROUTE_CLAUSES.target : ROUTE_CLAUSES.mode);
    else if (seen.has(pathIdentity(path))) refuse(`${EACH_ONCE}, by its path`);
    else {
      seen.add(pathIdentity(path));
      list.push({ path, mode: parsedMode });
    }
  }
  return list;
}

function entriesOf(given: GivenRoutes): Entry[] {
  if (typeof given === 'string') return entriesOfText(given, []);
  if (!isTexts(given))
    return Object.entries(given).map(([path, mode]) => ({ place: [path], path, mode }));
  // By itself it is how a flag or a variable says that there are no routes.
  return given.flatMap((text, index) =>
    text === NONE && given.length === 1 ? [] : [entryOf(text, [index])],
  );
}

function entriesOfText(text: string, place: PropertyKey[]): Entry[] {
  return text === NONE ? [] : [entryOf(text, place)];
}

function entryOf(text: string, place: PropertyKey[]): Entry {
  const mark = text.indexOf('=');
  if (mark === -1) return { place, path: '', mode: '' };
  return { place, path: text.slice(0, mark), mode: text.slice(mark + 1) };
}

function isTexts(given: Exclude<GivenRoutes, string>): given is readonly string[] {
  return Array.isArray(given);
}

function textOrOff<Value>(
  valueName: string,
  clause: string,
  parse: (text: string) => Value | null,
  format: (value: Value) => string,
): ValueType<Value | null> {
  return withSchema<Value | null>(
    {
      valueName,
      clause,
      typeText: 'string',
      isRepeatable: false,
      shortcut: (given) => (given === OFF ? null : undefined),
      fromText: (text) => text,
      toText: (value) => (value === null ? OFF : format(value)),
      toJson: (value) => (value === null ? OFF : format(value)),
    },
    (z) =>
      z.union([z.literal(OFF, clause).transform(() => null), parsed(z, parse, clause)], clause),
  );
}
