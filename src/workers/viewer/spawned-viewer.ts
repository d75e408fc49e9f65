/** The process of an inspector by Node's own means: the same program again, as the workers are. */
import { type ChildProcess, spawn } from 'node:child_process';
import { isSea } from 'node:sea';
import { LineCutter } from '../line-cutter.js';
import { type FromViewer, VIEWER_VARIABLE } from './viewer-messages.js';
import type { StartViewer } from './viewer-process.js';

/** This process, of which the inspector is another one. */
export interface ThisProcess {
  readonly execPath: string;
  readonly execArgv: readonly string[];
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** What programs need of their environment to run at all. All else may be a secret, and is none of its business. */
const KEPT: readonly string[] = ['LD_LIBRARY_PATH', 'OPENSSL_CONF', 'TMPDIR', 'TZ'];

/** What the program takes beside the records that it keeps, in MiB. */
const HEAP_MIB = 128;

const MIB = 1024 ** 2;

/**
 * @param memoryBytes how much of records it keeps: more than that, and what the program takes, it must not have
 * @param isBinary whether this is the single binary, which takes no options for Node
 */
export function spawnedViewer(
  { execPath, execArgv, argv, env }: ThisProcess,
  memoryBytes: number,
  isBinary: boolean = isSea(),
): StartViewer {
  const script = argv[1];
  // Its debugger would have the port of ours.
  const flags = execArgv.filter((flag) => !flag.startsWith('--inspect'));
  const limit = `--max-old-space-size=${HEAP_MIB + Math.ceil(memoryBytes / MIB)}`;
  const words = isBinary || script === undefined ? [] : [...flags, limit, script];
  return (events) => {
    const child = spawn(execPath, [...words, 'view'], {
      env: {
        ...Object.fromEntries(KEPT.flatMap((name) => entryOf(name, env[name]))),
        [VIEWER_VARIABLE]: '1',
      },
      stdio: ['pipe', 'ignore', 'pipe', 'ipc'],
    });
    listen(child, events);
    const { stdin } = child;
    return {
      pid: child.pid,
      input: {
        write: (bytes, done) => {
          // Once it is gone nothing is taken, and that is no error of ours.
          if (stdin === null || stdin.destroyed) done();
          else stdin.write(bytes, done);
        },
      },
      end: () => {
        if (child.pid === undefined) return;
        stdin?.end();
      },
      send: (message) => {
        if (child.connected) child.send(message, ignore);
      },
      kill: () => {
        child.kill('SIGKILL');
      },
    };
  };
}

function listen(child: ChildProcess, events: Parameters<StartViewer>[0]): void {
  const { stdin, stderr } = child;
  const cutter = new LineCutter((lines) => {
    events.output(lines);
  });
  stderr?.setEncoding('utf8').on('data', (text: string) => {
    cutter.take(text);
  });
  stderr?.on('end', () => {
    cutter.end();
  });
  // Its end is told below.
  stdin?.on('error', ignore);
  child.on('message', (message) => {
    events.message(message as FromViewer);
  });
  let isGone = false;
  const gone = (how: number | string): void => {
    if (isGone) return;
    isGone = true;
    events.exited(how);
  };
  // After all that it has said.
  child.on('close', (code, signal) => {
    gone(signal ?? code ?? 0);
  });
  child.on('error', (error) => {
    if (child.pid === undefined) gone(error.message);
  });
}

function entryOf(name: string, value: string | undefined): [string, string][] {
  return value === undefined ? [] : [[name, value]];
}

function ignore(): void {
  // A process that hears nothing any more is ending.
}
