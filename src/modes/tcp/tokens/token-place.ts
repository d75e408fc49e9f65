/** Where requests have their tokens: in the query, in the path, or in the name of the host. */
import { isIpLiteral, parseHost } from '../../../handshake/host.js';
import { routePath } from '../../../handshake/request-target.js';
import type { UpgradeRequest } from '../../../handshake/request.js';
import { isToken } from './token-lines.js';

/** As the option `tokenFrom` says it. */
export type TokenFrom = 'query' | 'path' | 'host';

/** What of a request may have a token. */
export type TokenBearer = Pick<UpgradeRequest, 'path' | 'query' | 'host'>;

export interface TokenPlace {
  readonly from: TokenFrom;
  /** Whether upper and lower case are the same. */
  readonly isCaseless: boolean;
  /** The texts that may be the token, the likeliest first; each is one (`isToken`). */
  find(request: TokenBearer): readonly string[];
  /** The part of the request that has the token, as it was sent. */
  textOf(request: TokenBearer): string;
}

/** `?token=desk-7` */
export const TOKEN_IN_QUERY: TokenPlace = {
  from: 'query',
  isCaseless: false,
  find: ({ query }) => tokens(tokenOfQuery(query)),
  textOf: ({ query }) => query,
};

/**
 * `/websockify/desk-7`: the last segment.
 *
 * @param routes paths that are served and end before the token
 */
export function tokenInPath(routes: readonly string[]): TokenPlace {
  const own = new Set(routes.map(routePath));
  return {
    from: 'path',
    isCaseless: false,
    find: ({ path }) => {
      const normal = routePath(path);
      return own.has(normal) ? [] : tokens(decoded(normal.slice(normal.lastIndexOf('/') + 1)));
    },
    textOf: ({ path }) => path,
  };
}

/**
 * `desk-7.example.com`: the first label, or else the whole name. An address has no token. Names have no
 * case (RFC 9110 §4.2.3), and none of the root's dot.
 */
export const TOKEN_IN_HOST: TokenPlace = {
  from: 'host',
  isCaseless: true,
  find: ({ host }) => {
    const { name } = parseHost(host) ?? { name: '' };
    if (isIpLiteral(name)) return [];
    const whole = name.endsWith('.') ? name.slice(0, -1) : name;
    const [label = ''] = whole.split('.', 1);
    return label === whole ? tokens(label) : tokens(label, whole);
  },
  textOf: ({ host }) => host,
};

/** @param routes paths of routes whose requests have a token behind them */
export function tokenPlace(from: TokenFrom, routes: readonly string[]): TokenPlace {
  if (from === 'path') return tokenInPath(routes);
  return from === 'host' ? TOKEN_IN_HOST : TOKEN_IN_QUERY;
}

function tokens(...texts: readonly string[]): string[] {
  return texts.filter(isToken);
}

/**
 * The token as websockify takes it: the first one that has a value, without the line feeds at its end
 * that a shell or an editor adds.
 */
function tokenOfQuery(query: string): string {
  const values = new URLSearchParams(query).getAll('token');
  return withoutLineFeeds(values.find((value) => value !== '') ?? '');
}

/** Escapes undone as in a query (WHATWG URL), but that a plus is a plus. */
function decoded(segment: string): string {
  const value = segment.replaceAll('+', '%2B').replaceAll('&', '%26');
  return withoutLineFeeds(new URLSearchParams(`token=${value}`).get('token')!);
}

function withoutLineFeeds(token: string): string {
  let end = token.length;
  while (token[end - 1] === '\n') end -= 1;
  return token.slice(0, end);
}
