/** The server as a library. It reads no environment and no file, and handles no signal. */
import { ConfigError } from '../errors.js';
import type { Extension } from '../extensions/extension.js';
import { echoMode } from '../modes/echo.js';
import type { Mode } from '../modes/mode.js';
import { Server } from '../server/server.js';
import type { Log } from '../log.js';
import { guardedLog } from './guarded-log.js';
import { readOptions } from './read-options.js';
import { serverOptions } from './server-options.js';
import type { SettingOptions } from './setting-options.js';
import { readExtension } from './user-extension.js';
import { type Refuse, type UserMode, readMode } from './user-mode.js';

export interface ServeOptions extends SettingOptions {
  /** What is done with messages: a mode, or `echo`, which sends them back. */
  readonly mode: UserMode | 'echo';
  /**
   * Per-message extensions beside permessage-deflate, which `deflate` turns off. The offers of a
   * client decide about their order.
   *
   * @default []
   */
  readonly extensions?: readonly Extension[] | undefined;
  /** Where the lines of the log go, for instance a logger of pino. By default nowhere. */
  readonly log?: Log | undefined;
}

/** A server that listens. */
export interface RunningServer {
  /** Where it listens, with the ports that it really got: `ws://127.0.0.1:9001`, `unix:/run/twist.sock`. */
  readonly urls: readonly string[];
  /** Number of open connections, those in their opening handshake included. */
  readonly connectionCount: number;
  /**
   * Stops gracefully: takes no new connections and closes all with 1001, spread over a part of
   * `drainTimeout`; who is left when that is over is dropped. A second call waits for the same end.
   */
  stop(): Promise<void>;
  /** Drops every connection at once and takes no new ones. */
  stopNow(): void;
}

const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;

const nowhere = (): void => undefined;
const SILENT: Log = { debug: nowhere, info: nowhere, warn: nowhere, error: nowhere };

/**
 * Starts a server.
 *
 * @returns the server, once it listens on all addresses
 * @throws {ConfigError} as a rejection, with one sentence that names the option that is wrong
 * @throws {Error} as a rejection, with the `code` of the system (`EADDRINUSE`), when it cannot listen
 */
export async function serve(options: ServeOptions): Promise<RunningServer> {
  // A copy, so that a caller without types who passes nothing at all reads the same sentences.
  const { mode, extensions = [], log = SILENT, ...settingOptions } = { ...options };
  const settings = readOptions(settingOptions);
  const server = new Server(
    serverOptions(settings, {
      modes: [{ path: null, mode: modeOf(mode) }],
      extensions: checkExtensions(extensions, settings.deflate !== false),
      authenticator: null,
      staticDir: null,
      recorder: null,
      log: checkLog(log),
    }),
  );
  await server.start();
  return {
    get urls() {
      return server.urls;
    },
    get connectionCount() {
      return server.connectionCount;
    },
    stop: () => server.stop(),
    stopNow: () => {
      server.stopNow();
    },
  };
}

function modeOf(mode: UserMode | 'echo'): Mode {
  if (mode === 'echo') return echoMode;
  const refuse = refusalOf('mode');
  if (typeof mode !== 'object') refuse("give 'echo', or an object with a name and functions");
  return readMode(mode, refuse);
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

function refusalOf(option: string): Refuse {
  return (clause) => {
    throw new ConfigError(`${option} cannot be used: ${clause}`);
  };
}
