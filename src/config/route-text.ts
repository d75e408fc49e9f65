import type { Target } from '../modes/tcp/target.js';
import { parseTarget } from './target-text.js';

/** What serves a path. */
export type RouteMode =
  | { readonly kind: 'echo' }
  | { readonly kind: 'tcp'; readonly target: Target }
  /** A proxy to the target that the request's token stands for. */
  | { readonly kind: 'token' }
  /** A user's own mode, by the path of its file. */
  | { readonly kind: 'mode'; readonly file: string };

/** A path as clients send it, and what serves it. */
export interface RouteSetting {
  readonly path: string;
  readonly mode: RouteMode;
}

/** Every byte that a path has in a request, but `=`, behind which the mode begins. */
const PATH = /^\/(?:%[0-9a-f]{2}|[!"$&-<>@-~])*$/i;

const TCP = 'tcp:';
const MODE = 'mode:';

/** Whether a request can have this path: it begins with `/`; a query or fragment is no part of it. */
export function isRoutePath(text: string): boolean {
  return PATH.test(text);
}

/** Reads `echo`, `tcp:TARGET`, `token` or `mode:FILE`. @returns null when `text` is none of them */
export function parseRouteMode(text: string): RouteMode | null {
  if (text === 'echo' || text === 'token') return { kind: text };
  if (text.startsWith(TCP)) {
    const target = parseTarget(text.slice(TCP.length));
    return target === null ? null : { kind: 'tcp', target };
  }
  const file = text.startsWith(MODE) ? text.slice(MODE.length) : '';
  return file === '' ? null : { kind: 'mode', file };
}

/** @returns the text that {@link parseRouteMode} reads as this mode */
export function formatRouteMode(mode: RouteMode): string {
  if (mode.kind === 'tcp') return `${TCP}${mode.target.text}`;
  return mode.kind === 'mode' ? `${MODE}${mode.file}` : mode.kind;
}
