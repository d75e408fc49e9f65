import { parseTarget, type Target } from '../../net/socket-address.js';

/** The words of modes that take nothing more: a new one of these is named here, and registers in `modes`. */
const PLAIN_WORDS = ['echo', 'token'] as const;

type PlainWord = (typeof PLAIN_WORDS)[number];

/** What serves a path; `token` is a proxy to the target that the request's token stands for. */
export type RouteMode =
  | { readonly kind: PlainWord }
  | { readonly kind: 'tcp'; readonly target: Target }
  /** A user's own mode, by the path of its file. */
  | { readonly kind: 'mode'; readonly file: string }
  /** What a server said in a recording. */
  | { readonly kind: 'replay'; readonly file: string }
  /** Nothing but the recorder; no route can ask for it. */
  | { readonly kind: 'record' };

/** A path as clients send it, and what serves it. */
export interface RouteSetting {
  readonly path: string;
  readonly mode: RouteMode;
}

/** Every byte that a path can have in a request except `=`, after which the mode begins. Slashes never repeat. */
const PATH = /^\/(?!\/)(?:%[0-9a-f]{2}|\/(?!\/)|[!"$&-.0-<>@-~])*$/i;

const TCP = 'tcp:';
/** Modes that are made from a file. */
const FROM_FILE = /^(mode|replay):(.+)$/s;

/** Whether a request can have this path, in its normal form: a query or fragment is no part of it. */
export function isRoutePath(text: string): boolean {
  return PATH.test(text);
}

/** What is equal for two paths that are one: a slash at the end does not count. */
export function pathIdentity(path: string): string {
  return path.endsWith('/') ? path : `${path}/`;
}

/** Whether two paths are one. */
export function isSamePath(one: string, other: string): boolean {
  return pathIdentity(one) === pathIdentity(other);
}

/**
 * Reads `echo`, `tcp:TARGET`, `token`, `mode:FILE` or `replay:FILE`.
 * @returns null when `text` is none of them
 */
export function parseRouteMode(text: string): RouteMode | null {
  const plain = PLAIN_WORDS.find((word) => word === text);
  if (plain !== undefined) return { kind: plain };
  if (text.startsWith(TCP)) {
    const target = parseTarget(text.slice(TCP.length));
    return target === null ? null : { kind: 'tcp', target };
  }
  const found = FROM_FILE.exec(text);
  if (found === null) return null;
  const [, kind, file] = found as unknown as [string, 'mode' | 'replay', string];
  return { kind, file };
}

/** @returns the text that {@link parseRouteMode} reads as this mode */
export function formatRouteMode(mode: RouteMode): string {
  if (mode.kind === 'tcp') return `${TCP}${mode.target.text}`;
  return 'file' in mode ? `${mode.kind}:${mode.file}` : mode.kind;
}
