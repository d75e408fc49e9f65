import type { ThisProcess } from '../workers/viewer/spawned-viewer.js';
import type { FileIdentity } from './output/byte-output.js';

/** Somewhere that text is written to: standard output, standard error, or a test. */
export interface TextOutput {
  write(text: string): unknown;
  /** True if it is a terminal. */
  readonly isTTY?: boolean;
  /** How wide the terminal is; undefined when it is none. */
  readonly columns?: number | undefined;
}

/** Standard error, which a server must not wait for. */
export interface ErrorOutput extends TextOutput {
  /**
   * From now on lines are lost rather than waited for.
   *
   * @param tellLost called when some were, and more are taken again
   */
  doNotWait(tellLost: (lines: number) => void): void;
  /** How many were lost so far. */
  readonly lostLines: number;
}

export type Signal = 'SIGTERM' | 'SIGINT' | 'SIGHUP';

/** Signals that Node or the system would act on, and we ignore. */
export type UnusedSignal = 'SIGUSR1' | 'SIGUSR2';

/** Everything the command line needs of the process it runs in. */
export interface Io {
  /** What another process of the same program is started from, and on what system. */
  readonly self: ThisProcess & { readonly platform: string };
  /** The arguments, without those that name Node and the script. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Its number, and that of its parent. */
  readonly pid: number;
  readonly ppid: number;
  readonly stdout: TextOutput;
  readonly stderr: ErrorOutput;
  /** Standard output for bytes. */
  readonly bytes: {
    /** The file that it goes to; null for anything else. */
    readonly file: FileIdentity | null;
    /** Settles when the system has taken them; rejects with what it reports, `EPIPE` for instance. */
    write(bytes: Uint8Array): Promise<void>;
  };
  /** Begins to read standard input. */
  stdin(): AsyncIterable<Uint8Array>;
  /** Reads a whole file as UTF-8 text; throws what `node:fs` throws. */
  readFile(path: string): string;
  /** Imports the module in a file, ES or CommonJS; rejects with what the module or Node throws. */
  importFile(path: string): Promise<unknown>;
  /** @returns a function that removes the listener */
  onSignal(name: Signal, listener: () => void): () => void;
  /** @returns a function that removes the listener */
  onUnusedSignal(listener: (name: UnusedSignal) => void): () => void;
  /** Listens for Node's own warnings, which are then written nowhere else. @returns a function that removes the listener */
  onWarning(listener: (warning: Error) => void): () => void;
  /** Listens for uncaught errors. @returns a function that removes the listener */
  onCrash(listener: (error: unknown) => void): () => void;
  /** Ends the process at once, whatever is in progress. */
  exit(code: number): void;
}
