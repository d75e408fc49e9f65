/** The server as a library: all that the command can do, without its process. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { env, pid, ppid } from 'node:process';
import { pathToFileURL } from 'node:url';
import { configError } from '../config/messages.js';
import type { Extension } from '../extensions/extension.js';
import { errorForLog } from '../foreign.js';
import type { Log } from '../log.js';
import { passedSockets } from '../net/passed-sockets.js';
import type { Session } from '../session/session.js';
import { type Composed, compose } from './compose.js';
import { guardedLog } from './guarded-log.js';
import { modeProblem } from './mode-choice.js';
import { openFilesProblem } from './open-files.js';
import { type ModeOptions, readOptions, refusalOf } from './read-options.js';
import { permissionWarnings } from './resources/given-files.js';
import type { Files } from '../modes/built-in.js';
import { readResources } from './resources/resources.js';
import { readExtension } from './user-extension.js';

/** Everything that `twist serve` can be told, with the same names, and what only a program can give. */
export interface ServeOptions extends ModeOptions {
  /**
   * Per-message extensions beside permessage-deflate, which `deflate` turns off. The offers of a
   * client decide about their order.
   *
   * @default []
   */
  readonly extensions?: readonly Extension[] | undefined;
  /** Where the lines of the log go, for instance a logger of pino. By default nowhere. */
  readonly log?: Log | undefined;
  /** Stops the server gracefully when it aborts, as `stop` does. */
  readonly signal?: AbortSignal | undefined;
}

/** The sessions that are open: their handshake was answered with 101, and they have not ended. */
export interface Sessions extends Iterable<Session> {
  readonly size: number;
}

/** A server that listens. */
export interface RunningServer {
  /** Where it listens, with the ports that it really got: `ws://127.0.0.1:9001`, `unix:/run/twist.sock`. */
  readonly urls: readonly string[];
  /** Where the admin endpoint listens, `http://127.0.0.1:9090`; null without one. */
  readonly adminUrl: string | null;
  /** The open sessions. What opens or ends while they are gone through may be among them or not. */
  readonly sessions: Sessions;
  /** Number of open connections, those in their opening handshake included. */
  readonly connectionCount: number;
  /**
   * Stops gracefully: takes no new connections and closes all with 1001, spread over a part of
   * `drainTimeout`; clients still connected after that are dropped. It settles when all are gone and the
   * recording is closed. A second call waits for the same end.
   */
  stop(): Promise<void>;
  /** Drops every connection at once and takes no new ones. */
  stopNow(): void;
  /**
   * Reads again what is in the files that options name, such as passwords, and opens the file of the recording
   * anew. Sessions go on. It does not reject: the log says what has changed, or what cannot be used.
   */
  reload(): Promise<void>;
  /** The same as `stop`: `await using server = await serve(...)`. */
  [Symbol.asyncDispose](): Promise<void>;
}

const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;

const nowhere = (): void => undefined;
const SILENT: Log = { debug: nowhere, info: nowhere, warn: nowhere, error: nowhere };

const FILES: Files = {
  readFile: (file) => readFileSync(file, 'utf8'),
  importFile: (file) => import(/* webpackIgnore: true */ pathToFileURL(path.resolve(file)).href),
};

/**
 * Starts a server.
 *
 * @returns the server, once it listens on all addresses
 * @throws {ConfigError} as a rejection, with one sentence that names the option that is wrong
 * @throws {Error} as a rejection, with the `code` of the system (`EADDRINUSE`), when it cannot listen
 * @throws {unknown} as a rejection, the reason of `signal`, when that aborts before the server listens
 */
export async function serve(options: ServeOptions): Promise<RunningServer> {
  // A copy, so that a caller without types who passes nothing at all reads the same sentences.
  const { extensions = [], log: givenLog = SILENT, signal, ...modeOptions } = { ...options };
  const { settings, values, warnings, modes } = readOptions(modeOptions);
  const log = checkLog(givenLog);
  checkSignal(signal);
  const problem = modeProblem(values, 'call');
  if (problem !== null) throw configError(problem, 'call');
  const given = { modes, extensions: checkExtensions(extensions, settings.deflate !== false) };
  signal?.throwIfAborted();
  const resources = await readResources({ settings, values }, FILES, log, given);
  const composed = compose(resources, log, null, null, passedSockets({ env, pid, ppid }));
  const openFiles = openFilesProblem(FILES, values.maxConnections, composed.filesEach, 'call');
  for (const warning of [...warnings, ...permissionWarnings(values)]) log.warn({}, warning);
  if (openFiles !== null) {
    const { most, sentence } = openFiles;
    composed.limitConnections(most);
    log.warn({ maxConnections: most }, `fewer connections are taken: ${sentence}`);
  }
  signal?.throwIfAborted();
  await composed.start();
  const server = new StartedServer(composed, log);
  await server.stopOn(signal);
  return server;
}

class StartedServer implements RunningServer {
  readonly #composed: Composed;
  readonly #log: Log;
  #stopped: Promise<void> | null = null;
  #stopListening: () => void = nowhere;

  constructor(composed: Composed, log: Log) {
    this.#composed = composed;
    this.#log = log;
  }

  get urls(): readonly string[] {
    return this.#composed.server.urls;
  }

  get adminUrl(): string | null {
    return this.#composed.admin?.url ?? null;
  }

  get sessions(): Sessions {
    return this.#composed.server.sessions;
  }

  get connectionCount(): number {
    return this.#composed.server.connectionCount;
  }

  stop(): Promise<void> {
    return (this.#stopped ??= this.#stop());
  }

  stopNow(): void {
    this.#composed.server.stopNow();
    // The recording is closed too, whether or not the caller waits for it.
    this.#stopUnwatched();
  }

  reload(): Promise<void> {
    return this.#composed.reload();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** @throws {unknown} as a rejection, the reason of a signal that aborted while the server started */
  async stopOn(signal: AbortSignal | undefined): Promise<void> {
    if (signal === undefined) return;
    if (signal.aborted) {
      await this.stop();
      signal.throwIfAborted();
    }
    const stop = this.#stopUnwatched.bind(this);
    signal.addEventListener('abort', stop, { once: true });
    this.#stopListening = () => {
      signal.removeEventListener('abort', stop);
    };
  }

  async #stop(): Promise<void> {
    this.#stopListening();
    const { server, close } = this.#composed;
    try {
      await server.stop();
    } finally {
      await close();
    }
  }

  #stopUnwatched(): void {
    this.stop().catch((error: unknown) => {
      this.#log.error({ err: errorForLog(error) }, 'the server did not stop cleanly');
    });
  }
}

function checkExtensions(given: readonly Extension[], hasDeflate: boolean): Extension[] {
  if (!Array.isArray(given)) refusalOf('extensions')('give an array of extensions');
  const extensions: Extension[] = [];
  for (const [index, one] of given.entries()) {
    const refuse = refusalOf(`extensions[${index}]`);
    extensions.push(readExtension(one, extensions, hasDeflate, refuse));
  }
  return extensions;
}

/** @returns a log that throws nothing: one that fails must not end a server */
function checkLog(log: Log): Log {
  const calls = log as Partial<Log> | null;
  if (LOG_LEVELS.some((level) => typeof calls?.[level] !== 'function'))
    refusalOf('log')(`give an object with the functions ${LOG_LEVELS.join(', ')}`);
  return guardedLog(log);
}

function checkSignal(signal: unknown): void {
  if (signal !== undefined && !(signal instanceof AbortSignal))
    refusalOf('signal')('give an AbortSignal');
}
