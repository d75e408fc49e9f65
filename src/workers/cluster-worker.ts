/**
 * Workers by Node's cluster: the only file that knows it. The primary has the listening sockets, and gives each
 * connection to the next worker in turn (docs/adr/0030-workers.md).
 */
import cluster, { type Worker } from 'node:cluster';
import { LineCutter } from './line-cutter.js';
import { FEED_DESCRIPTOR, WORKER_VARIABLE, type ToPrimary, type ToWorker } from './messages.js';
import type { Channel } from './primary-link.js';
import { RecordLines } from './viewer/record-lines.js';
import type { StartWorker } from './worker-process.js';

/** What a child process sends away: a message, and perhaps a connection with it. */
type Send = (message: object, handle?: unknown, ...rest: unknown[]) => boolean;

interface Closable {
  close(): void;
}

/**
 * @param listeners on how many addresses it will listen
 * @param hasFeed whether workers send records, for an inspector
 */
export function clusterWorkers(listeners: number, hasFeed = false): StartWorker {
  // Also where the environment asks for the other one.
  cluster.schedulingPolicy = cluster.SCHED_RR;
  // What a worker writes comes to the primary, which alone writes to the log: lines of several processes
  // on one pipe would be torn where they are longer than the 4096 bytes that POSIX keeps together.
  const feed = hasFeed ? (['pipe'] as const) : [];
  cluster.setupPrimary({ stdio: ['ignore', 'inherit', 'pipe', 'ipc', ...feed] });
  return (events) => {
    const worker = cluster.fork({ [WORKER_VARIABLE]: '1' });
    closeWithWorker(worker, listeners);
    const cutter = new LineCutter((lines) => {
      events.output(lines);
    });
    const { stderr } = worker.process;
    stderr?.setEncoding('utf8').on('data', (text: string) => {
      cutter.take(text);
    });
    stderr?.on('end', () => {
      cutter.end();
    });
    const records = new RecordLines((batch) => {
      events.records(batch);
    });
    worker.process.stdio[FEED_DESCRIPTOR]?.on('data', (bytes: Uint8Array) => {
      records.take(bytes);
    });
    worker.on('message', (message: ToPrimary) => {
      events.message(message);
    });
    let isGone = false;
    const gone = (how: number | string): void => {
      if (isGone) return;
      isGone = true;
      events.exited(how);
    };
    worker.on('exit', (code: number | null, signal: string | null) => {
      gone(signal ?? code ?? 0);
    });
    // The system has started no process, or a message did not arrive: then the process is ending.
    worker.on('error', (error: Error) => {
      if (worker.process.pid === undefined) gone(error.message);
    });
    return {
      pid: worker.process.pid ?? 0,
      send: (message) => {
        worker.process.send(message, ignore);
      },
      kill: (signal) => {
        worker.process.kill(signal);
      },
    };
  };
}

/** The channel of this process, which is a worker, to its primary. */
export function clusterChannel(): Channel {
  const worker = cluster.worker!;
  return {
    get exitedAfterDisconnect() {
      return worker.exitedAfterDisconnect;
    },
    set exitedAfterDisconnect(isExpected) {
      worker.exitedAfterDisconnect = isExpected;
    },
    // The process of a worker is this one.
    ref: () => worker.process.channel?.ref(),
    unref: () => worker.process.channel?.unref(),
    send: (message, done) => worker.send(message, undefined, undefined, done),
    on: (event: string, listener: (message: ToWorker) => void) => worker.on(event, listener),
  };
}

/**
 * Closes the connections that a worker had not taken yet when it died. Node keeps its own descriptor of a
 * connection until the worker says that it has it, and forgets it when that never comes: the client would wait
 * for ever. There is no more than one for each address, and the last ones that were sent are among them; closing
 * the others again does nothing. Remove this when Node closes them itself; test/integration/workers.test.ts shows that.
 */
function closeWithWorker(worker: Worker, listeners: number): void {
  const sent: Closable[] = [];
  const child = worker.process as unknown as { send: Send };
  const send = child.send.bind(child);
  child.send = (message, handle, ...rest) => {
    if (isClosable(handle)) {
      sent.push(handle);
      if (sent.length > listeners) sent.shift();
    }
    return send(message, handle, ...rest);
  };
  worker.on('exit', () => {
    for (const handle of sent) handle.close();
  });
}

function isClosable(handle: unknown): handle is Closable {
  return typeof handle === 'object' && handle !== null && 'close' in handle;
}

function ignore(): void {
  // A worker that hears nothing any more is ending.
}
