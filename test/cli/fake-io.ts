import type { Io } from '../../src/cli/io.js';

export interface FakeIo extends Io {
  /** What was written to each output so far. */
  readonly written: { out: string; err: string };
  /** With which status the process was ended at once, if it was. */
  readonly exits: number[];
}

interface Setting {
  readonly env?: Io['env'];
  readonly files?: Readonly<Record<string, string>>;
  /** What can be imported, by path; there has to be a file, too. */
  readonly modules?: Readonly<Record<string, unknown>>;
  readonly isTTY?: boolean;
  /** How wide the terminal is. */
  readonly columns?: number;
  /** What standard input has. */
  readonly input?: readonly string[];
}

/** A process that is none: arguments in, text out, files of memory. */
export function fakeIo(
  argv: readonly string[],
  { env = {}, files = {}, modules = {}, isTTY = false, columns, input = [] }: Setting = {},
): FakeIo {
  const written = { out: '', err: '' };
  const exits: number[] = [];
  return {
    self: { execPath: 'node', execArgv: [], argv: ['node', 'twist.js'], env, platform: 'linux' },
    argv,
    env,
    pid: 50,
    ppid: 40,
    written,
    exits,
    stdout: { isTTY, columns, write: (text) => (written.out += text) },
    stderr: {
      isTTY,
      write: (text) => (written.err += text),
      doNotWait: () => undefined,
      lostLines: 0,
    },
    bytes: {
      file: null,
      write: (bytes) => {
        written.out += Buffer.from(bytes).toString();
        return Promise.resolve();
      },
    },
    async *stdin() {
      for (const text of input) yield Promise.resolve(Buffer.from(text));
    },
    readFile: (path) => {
      const text = files[path];
      if (text === undefined)
        throw Object.assign(new Error('ENOENT: no such file'), { code: 'ENOENT' });
      return text;
    },
    importFile: (path) => Promise.resolve(modules[path]),
    onSignal: () => () => undefined,
    onCrash: () => () => undefined,
    exit: (code) => exits.push(code),
    onUnusedSignal: () => () => undefined,
    onWarning: () => () => undefined,
  };
}
