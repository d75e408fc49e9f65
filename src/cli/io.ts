import type { FileIdentity } from './byte-output.js';

/** Somewhere that text is written to: standard output, standard error, or a test. */
export interface TextOutput {
  write(text: string): unknown;
  /** True when a person looks at it. */
  readonly isTTY?: boolean;
}

export type Signal = 'SIGTERM' | 'SIGINT' | 'SIGHUP';

/** Everything the command line needs of the process it runs in. */
export interface Io {
  /** The arguments, without those that name Node and the script. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: TextOutput;
  readonly stderr: TextOutput;
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
  /** Hears of errors that nothing caught. @returns a function that removes the listener */
  onCrash(listener: (error: unknown) => void): () => void;
  /** Ends the process at once, whatever is still under way. */
  exit(code: number): void;
}
