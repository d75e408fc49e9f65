/** Targets by code of the operator's own: a module that exports `findTarget` (docs/tokens.md). */
import { refusalOf } from '../../../connection/head-phase.js';
import { ConfigError, HandshakeError } from '../../../errors.js';
import { describe, errorForLog, memberOf, promiseOf } from '../../../foreign.js';
import { formOfHeader } from '../../../handshake/redaction/harmless-names.js';
import { hidden } from '../../../handshake/redaction/redaction.js';
import type { HeaderField } from '../../../handshake/request-head.js';
import type { UpgradeRequest } from '../../../handshake/request.js';
import type { TlsPeer } from '../../../net/tls-peer.js';
import type { PeerAddress, Target } from '../../../net/socket-address.js';
import type { Reloadable } from '../../../reloadable.js';
import type { Files } from '../../built-in.js';
import { guardedController } from '../../guarded-signal.js';
import { type Refuse, defaultOf, importModule } from '../../user-module.js';
import type { TokenLog } from './token-file.js';
import type { ParseTarget } from './token-lines.js';
import type { TokenPlace } from './token-place.js';

/** An opening handshake, as `findTarget` gets it. It is frozen. */
export interface TokenRequest {
  /** The token, decoded; null when the request has none. `--token-from` says where it stands. */
  readonly token: string | null;
  /** The path as it was sent, without the query. */
  readonly path: string;
  /** The query as it was sent, without the `?`. */
  readonly query: string;
  /** The host that the client asked for, with a port if one was written. */
  readonly host: string;
  /**
   * The headers by their names in lower case, secrets included. One that came several times is the list that it
   * stands for, with `, ` in between (`; ` for cookies).
   */
  readonly headers: Readonly<Record<string, string>>;
  /** The client's address, or `unix`. */
  readonly remoteAddress: string;
  /** What is known of a client that has come to us by TLS; null for any other. */
  readonly tls: TlsPeer | null;
  /** Aborts when the answer is no longer waited for: the client has left, or the time is over. */
  readonly signal: AbortSignal;
}

/**
 * Finds the target of a request: `host:port`, `[IPv6]:port`, `tls://host:port` or `unix:PATH`. Null, or nothing, is 404.
 * A thrown `HandshakeError` refuses with its own status, and any other error with 500.
 */
export type FindTarget = (
  request: TokenRequest,
) => string | null | undefined | PromiseLike<string | null | undefined>;

/** Paths of files that are code; any other one is a list of tokens. */
const CODE = /\.[cm]?js$/i;

const SHAPE = 'export async function findTarget({ token }) { ... }';

/** Shorter pieces of a header are words rather than secrets, and stand in every stack. */
const MIN_SECRET = 6;

/** Of a request with more of them nothing is shown: to look for each takes time that a client could ask for. */
const MAX_SECRETS = 256;

/** Between the parts of credentials and cookies. */
const SEPARATORS = /[\s;,=]+/;

export function isTokenModule(path: string): boolean {
  return CODE.test(path);
}

/** What a token module is made of. */
export interface TokenModuleOptions {
  readonly path: string;
  readonly files: Files;
  readonly parseTarget: ParseTarget;
  readonly place: TokenPlace;
  /** How long `findTarget` may take, in milliseconds. */
  readonly timeoutMs: number;
  readonly log: Pick<TokenLog, 'error'>;
}

export class TokenModule implements Reloadable {
  readonly what = 'tokens';

  readonly #options: TokenModuleOptions;
  readonly #find: (request: TokenRequest) => unknown;
  /** Of the file when it was loaded. */
  readonly #source: string;

  private constructor(
    options: TokenModuleOptions,
    find: (request: TokenRequest) => unknown,
    source: string,
  ) {
    this.#options = options;
    this.#find = find;
    this.#source = source;
  }

  /** @param refuse is told why the module cannot be used */
  static async load(options: TokenModuleOptions, refuse: Refuse): Promise<TokenModule> {
    const { path, files } = options;
    const { module } = await importModule(path, files, refuse);
    // CommonJS, and a module with an object of functions, has it in its default export.
    const owner = memberOf(module, 'findTarget') === undefined ? defaultOf(module) : module;
    const found = memberOf(owner, 'findTarget');
    if (found === undefined) refuse(`it does not export findTarget; write ${SHAPE}`);
    if (typeof found !== 'function')
      refuse(`its findTarget must be a function, not ${describe(found)}`);
    const find = (request: TokenRequest): unknown => Reflect.apply(found, owner, [request]);
    return new TokenModule(options, find, sourceOf(path, files));
  }

  /**
   * Code is loaded once: a second copy would live beside the first, with its own connections and timers, and
   * with the old copies of whatever it imports.
   *
   * @throws {ConfigError} as a rejection when the file has changed
   */
  reload(): Promise<null> {
    const { path, files } = this.#options;
    let isSame = false;
    try {
      isSame = files.readFile(path) === this.#source;
    } catch {
      // It is not there any more, which is a change too.
    }
    if (isSame) return Promise.resolve(null);
    return Promise.reject(
      new ConfigError(`${path} has changed, and code is loaded at the start only: restart twist`),
    );
  }

  /**
   * Asks the module.
   *
   * @param signal aborts when nobody waits for the target any more
   * @throws HandshakeError as a rejection: `route` if there is no target, `target-timeout` if none came in time,
   *   `internal` if what came is none, or the module's own
   * @throws Error as a rejection, when the module fails; the request's secrets are not in it
   */
  async findTarget(
    request: UpgradeRequest,
    peer: PeerAddress,
    signal: AbortSignal,
  ): Promise<Target> {
    const { place, timeoutMs, log } = this.#options;
    signal.throwIfAborted();
    const tokens = place.find(request);
    const [token = null] = tokens;
    // Its listeners are the module's, and Node would end the process for what one throws.
    const stop = guardedController((error) => {
      const err = withoutSecrets(error, secretsOf(request, tokens));
      log.error({ err }, 'a listener of the signal of findTarget failed');
    });
    const timeout = setTimeout(() => {
      const reason = `findTarget gave no target within ${timeoutMs} ms`;
      stop.abort(new HandshakeError('target-timeout', {}, { reason }));
    }, timeoutMs);
    const giveUp = (): void => {
      stop.abort(signal.reason);
    };
    signal.addEventListener('abort', giveUp);
    let answer: unknown;
    try {
      const { path, query, host, tls = null } = request;
      const { remoteAddress } = peer;
      const headers = headersOf(request.headers);
      const { signal: stopped } = stop;
      const asked = { token, path, query, host, headers, remoteAddress, tls, signal: stopped };
      answer = await this.#ask(Object.freeze(asked));
    } catch (error) {
      // The deadline, or a client that left, is no failure of the module, whatever it makes of it.
      stop.signal.throwIfAborted();
      const refusal = refusalOf(error);
      throw refusal.rule === 'internal'
        ? withoutSecrets(error, secretsOf(request, tokens))
        : refusal;
    } finally {
      clearTimeout(timeout);
      signal.removeEventListener('abort', giveUp);
    }
    return this.#targetOf(answer);
  }

  /** Waits for the answer, for as long as anybody does; what comes later is heard by nobody. */
  async #ask(asked: TokenRequest): Promise<unknown> {
    const { signal } = asked;
    const answer = this.#find(asked);
    const promise = promiseOf(answer);
    if (promise === null) return answer;
    return await new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => {
        reject(signal.reason as Error);
      });
      promise.then(resolve, reject);
    });
  }

  /** @param answer foreign: anything */
  #targetOf(answer: unknown): Target {
    if (answer === null || answer === undefined) {
      const reason = 'findTarget knows no target';
      throw new HandshakeError('route', {}, { reason });
    }
    const target = typeof answer === 'string' ? this.#options.parseTarget(answer) : null;
    if (target !== null) return target;
    const reason = `findTarget gave ${formOf(answer)}, which is not host:port, tls://host:port or unix:PATH`;
    throw new HandshakeError('internal', {}, { reason });
  }
}

/** What was in files when they were first imported: Node keeps what it made of it, whatever is in them later. */
const sources = new WeakMap<Files, Map<string, string>>();

function sourceOf(path: string, files: Files): string {
  const known = sources.get(files) ?? new Map<string, string>();
  sources.set(files, known);
  const source = known.get(path) ?? files.readFile(path);
  known.set(path, source);
  return source;
}

/** Without a prototype: a client may send a header of any name. */
function headersOf(fields: readonly HeaderField[]): Readonly<Record<string, string>> {
  const headers = Object.create(null) as Record<string, string>;
  for (const { name, value } of fields) {
    const before = headers[name];
    const separator = name === 'cookie' ? '; ' : ', ';
    headers[name] = before === undefined ? value : `${before}${separator}${value}`;
  }
  return Object.freeze(headers);
}

// ---- What the module throws goes to the log, and may quote what it was given

/** Texts of the request that are not to be logged, the longest first. */
function secretsOf({ path, query, headers }: UpgradeRequest, tokens: readonly string[]): string[] {
  const secrets = new Set([query, ...new URLSearchParams(query).values(), ...path.split('/')]);
  for (const { name, value } of headers) {
    if (formOfHeader(name) !== null) continue;
    secrets.add(value);
    for (const piece of value.split(SEPARATORS)) secrets.add(piece);
  }
  const long = [...secrets].filter((secret) => secret.length >= MIN_SECRET);
  return [...tokens, ...long].sort((one, other) => other.length - one.length);
}

/** What was thrown, as a log can have it: its texts without those of the request. */
function withoutSecrets(thrown: unknown, secrets: readonly string[]): Error {
  const error = errorForLog(thrown);
  hideIn(error, secrets);
  return error;
}

/** @param error a copy of ours, whose members are plain */
function hideIn(error: Error, secrets: readonly string[]): void {
  const members = error as unknown as Record<string, unknown>;
  for (const key of Object.getOwnPropertyNames(error)) {
    const value = members[key];
    if (typeof value === 'string') members[key] = hiddenIn(value, secrets);
    else if (value instanceof Error) hideIn(value, secrets);
    else if (typeof value === 'object') Reflect.deleteProperty(members, key);
  }
}

/** What kind of thing an answer is; it may be made of the token, whatever it is. */
function formOf(answer: unknown): string {
  if (typeof answer === 'string')
    return `a text of ${answer.length} character${answer.length === 1 ? '' : 's'}`;
  return typeof answer === 'object' || typeof answer === 'function'
    ? describe(answer)
    : `a ${typeof answer}`;
}

function hiddenIn(text: string, secrets: readonly string[]): string {
  if (secrets.length > MAX_SECRETS) return hidden(text);
  let shown = text;
  for (const secret of secrets)
    if (shown.includes(secret)) shown = shown.replaceAll(secret, () => hidden(secret));
  return shown;
}
