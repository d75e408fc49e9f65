/** Which mode serves which path. */
import type { Route } from '../connection/head-phase.js';
import { SessionCounts } from '../session/counters.js';
import type { Tap } from '../session/tap/tap.js';
import { HandshakeError } from '../errors.js';
import type { Extension } from '../extensions/extension.js';
import type { OriginPolicy } from '../handshake/policy.js';
import { hasStrayPercent, routePath } from '../handshake/request-target.js';
import type { UpgradeRequest } from '../handshake/request.js';
import type { PageTerms } from '../http/page-source.js';
import type { Mode } from '../session/mode.js';

/** A mode, where it is served and on which terms. */
export interface ServedMode {
  /** The path, of which clients may send another form (see `routePath`); null serves every path that no other one has. */
  readonly path: string | null;
  /** Whether the paths one segment below are served too: the segment is a token. Not by default. */
  readonly hasTokenBelow?: boolean;
  readonly mode: Mode;
  readonly origin: OriginPolicy;
  /** Per-message extensions that clients may negotiate (RFC 6455 §9). */
  readonly extensions: readonly Extension[];
  /** The recorder of its sessions; null, the default, for none. */
  readonly recorder?: Tap | null;
  /** On which terms a browser gets a page there; null, the default, for no page. */
  readonly page?: PageTerms | null;
}

/** A route, and what a browser gets there. */
export interface ServedRoute extends Route {
  /** On which terms there is a page; null for no page. */
  readonly page: PageTerms | null;
}

export class Router {
  readonly #routes = new Map<string, ServedRoute>();
  /** Routes by the paths that their clients add a token to. */
  readonly #aboveTokens = new Map<string, ServedRoute>();
  readonly #fallback: ServedRoute | null = null;

  /**
   * @param served no two with the same path
   * @param countsOf where the sessions of a mode on a path are counted
   */
  constructor(
    served: readonly ServedMode[],
    countsOf: (mode: string, path: string | null) => SessionCounts = () => new SessionCounts(),
  ) {
    for (const one of served) {
      const { path, hasTokenBelow = false, mode, origin, extensions, recorder = null } = one;
      const counts = countsOf(mode.name, path);
      const route = { mode, origin, extensions, tap: recorder, counts, page: one.page ?? null };
      if (path === null) this.#fallback = route;
      else this.#routes.set(routePath(path), route);
      if (path !== null && hasTokenBelow) this.#aboveTokens.set(routePath(path), route);
    }
  }

  /** What is served on a path; null for nothing. */
  lookUp(path: string): ServedRoute | null {
    // Most servers have one route, for every path.
    if (this.#routes.size === 0) return this.#fallback;
    const own = routePath(path);
    return this.#routes.get(own) ?? this.#aboveTokens.get(pathAbove(own)) ?? this.#fallback;
  }

  /**
   * @throws HandshakeError `route` when nothing is served on the path of the request; `request-escape` when
   *   it is no path that could be served
   */
  find({ path }: UpgradeRequest): Route {
    const route = this.lookUp(path);
    if (route !== null) return route;
    throw new HandshakeError(hasStrayPercent(path) ? 'request-escape' : 'route');
  }
}

/** `/websockify` of `/websockify/desk-7`; `/` of what has one segment. */
function pathAbove(path: string): string {
  return path.slice(0, Math.max(1, path.lastIndexOf('/')));
}
