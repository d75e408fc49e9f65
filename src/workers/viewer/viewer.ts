/**
 * The inspector, as a process of its own: a slow page, a hard filter and a full memory cost the server nothing. When it
 * dies another one takes its place; the server serves on.
 */
import { randomBytes } from 'node:crypto';
import type { EndSession, Inspector } from '../../app/inspect/inspector.js';
import { endProblem } from '../../app/inspect/inspector.js';
import type { MemoryAccount } from '../../budget/memory-account.js';
import { ConfigError } from '../../errors.js';
import { errorForLog } from '../../foreign.js';
import type { Log } from '../../log.js';
import { BatchFeed } from '../../recording/write/batch-feed.js';
import { STEADY_MS, backOffMs } from '../back-off.js';
import { HangWatch } from './hang-watch.js';
import type { FromViewer, ViewerOrder } from './viewer-messages.js';
import type { StartViewer, ViewerProcess } from './viewer-process.js';

export interface ViewerOptions {
  /** The part of the order that is the same for all. */
  readonly order: Omit<ViewerOrder, 'port' | 'secret'>;
  readonly startViewer: StartViewer;
  /** The software that writes: `twist/1.0.0`. */
  readonly tool: string;
  /** Is charged for what is on its way; by default it has no limit. */
  readonly memory?: MemoryAccount;
  readonly log: Log;
  /** The most that an end takes, before the process is killed, in milliseconds. */
  readonly closeMs?: number;
  /** How long a process may take until its page listens, in milliseconds. */
  readonly startMs?: number;
  /** How often it is asked whether it is there, in milliseconds. */
  readonly checkMs?: number;
}

/** It takes a tenth of a second where there is a processor for it. */
const START_MS = 30_000;

/** For the last records on their way to a page, in milliseconds. */
const CLOSE_MS = 1500;

/** The end of what a process says before it dies, in characters. */
const MAX_OUTPUT = 2000;

const SECRET_BYTES = 24;

const LEVELS: readonly string[] = ['debug', 'info', 'warn', 'error'];

/** Settles the start: with null when the page listens. */
type TellStarted = (problem: string | null) => void;

export class Viewer implements Inspector {
  readonly feed: BatchFeed;
  /** How many processes were started in place of one that had died. */
  readonly counters = { restarts: 0 };
  onEnd: EndSession = () => 'no session is there';

  readonly #options: ViewerOptions;
  readonly #secret = randomBytes(SECRET_BYTES).toString('base64url');
  #running: ViewerProcess | null = null;
  #isUp = false;
  #upSinceMs = 0;
  /** In a row. */
  #deaths = 0;
  #port: number | null = null;
  /** What the process has said on its standard error. */
  #output = '';
  /** Why it says that it cannot start. */
  #problem = '';
  #timer: NodeJS.Timeout | undefined;
  readonly #watch: HangWatch;
  /** It was ended because it hung, which has been said. */
  #hasHung = false;
  /** Until the page listens. */
  #startTimer: NodeJS.Timeout | undefined;
  #tellStarted: TellStarted | null = null;
  #isClosing = false;
  #tellGone: () => void = () => undefined;
  #closed: Promise<void> | null = null;

  constructor(options: ViewerOptions) {
    this.#options = options;
    const { tool, memory } = options;
    this.feed = new BatchFeed({ tool, ...(memory === undefined ? {} : { memory }) });
    this.#watch = new HangWatch({
      ask: () => {
        this.#running?.send({ kind: 'check' });
      },
      hangs: (silentMs) => {
        this.#hangs(silentMs);
      },
      checkMs: options.checkMs,
    });
  }

  /** Whether its page can be opened. */
  get isUp(): boolean {
    return this.#isUp;
  }

  async start(): Promise<void> {
    if (this.#isClosing) return;
    const problem = await new Promise<string | null>((resolve) => {
      this.#tellStarted = resolve;
      this.#begin();
    });
    if (problem !== null) throw new ConfigError(problem);
  }

  reload(): void {
    this.#running?.send({ kind: 'reload' });
  }

  close(): Promise<void> {
    return (this.#closed ??= this.#close());
  }

  async #close(): Promise<void> {
    this.#isClosing = true;
    clearTimeout(this.#timer);
    // Whether it ends has a limit of its own.
    this.#watch.end();
    const running = this.#running;
    if (running === null) return;
    const timer = setTimeout(() => {
      running.kill();
    }, this.#options.closeMs ?? CLOSE_MS);
    await new Promise<void>((resolve) => {
      this.#tellGone = resolve;
      running.end();
    });
    clearTimeout(timer);
  }

  /** Ends it at once. */
  kill(): void {
    this.#isClosing = true;
    clearTimeout(this.#timer);
    this.#running?.kill();
  }

  #begin(): void {
    this.#output = this.#problem = '';
    this.#hasHung = false;
    const { startMs = START_MS } = this.#options;
    // One that hangs would keep the server from starting, or another one from taking its place.
    this.#startTimer = setTimeout(() => {
      this.#problem = `the inspector does not listen after ${startMs / 1000} s`;
      this.#running?.kill();
    }, startMs);
    try {
      this.#running = this.#options.startViewer({
        message: (message) => {
          this.#received(message);
        },
        output: (lines) => {
          this.#output = (this.#output + lines).slice(-MAX_OUTPUT);
        },
        exited: (how) => {
          this.#exited(how);
        },
      });
    } catch (error) {
      this.#exited((error as Error).message);
    }
  }

  #received(message: FromViewer): void {
    const { log, order } = this.#options;
    if (message.kind === 'ready')
      this.#running?.send({
        kind: 'order',
        order: { ...order, port: this.#port, secret: this.#secret },
      });
    else if (message.kind === 'listening') this.#listens(message.address, message.port);
    else if (message.kind === 'url')
      log.info({ url: message.url }, 'inspector: open this URL in a browser, once');
    else if (message.kind === 'alive') this.#watch.answered();
    else if (message.kind === 'failed') this.#problem = message.sentence;
    else if (message.kind === 'end') void this.#end(message);
    else if (LEVELS.includes(message.level)) log[message.level](message.fields, message.message);
  }

  #listens(address: string, port: number): void {
    clearTimeout(this.#startTimer);
    this.#isUp = true;
    this.#port = port;
    this.#upSinceMs = performance.now();
    this.#options.log.info({ address }, 'inspector');
    // From the first record on that it can show.
    const running = this.#running;
    if (running !== null) {
      this.feed.connect(running.input);
      if (!this.#isClosing) this.#watch.begin();
    }
    this.#tellStarted?.(null);
    this.#tellStarted = null;
  }

  async #end({ id, session, code, reason }: FromViewer & { kind: 'end' }): Promise<void> {
    let problem = endProblem(code, reason);
    try {
      problem ??= await this.onEnd(session, code, reason);
    } catch (error) {
      this.#options.log.error({ err: errorForLog(error) }, 'a session could not be ended');
      problem = 'internal error';
    }
    this.#running?.send({ kind: 'ended', id, problem });
  }

  /** Whatever it is busy with, nobody sees a page of it, and what comes is lost. */
  #hangs(silentMs: number): void {
    const pid = this.#running?.pid;
    this.#hasHung = true;
    this.#options.log.warn(
      { pid, silentMs },
      'the inspector does not answer: it is ended, and started again',
    );
    this.#running?.kill();
  }

  #exited(how: number | string): void {
    const { log } = this.#options;
    const pid = this.#running?.pid;
    clearTimeout(this.#startTimer);
    this.#watch.end();
    this.#running = null;
    this.#isUp = false;
    this.feed.disconnect();
    this.#tellGone();
    if (this.#isClosing) {
      // Nobody waits for a page any more.
      this.#tellStarted?.(null);
      return;
    }
    const output = this.#output.trim();
    if (this.#tellStarted !== null) {
      const said = output === '' ? '' : `: ${output}`;
      const ended = `the inspector ended while it started (${how})${said}`;
      this.#tellStarted(this.#problem === '' ? ended : this.#problem);
      this.#tellStarted = null;
      return;
    }
    if (performance.now() - this.#upSinceMs >= STEADY_MS) this.#deaths = 0;
    const retryMs = backOffMs(++this.#deaths);
    const fields = { pid, ended: how, retryMs, ...(output === '' ? {} : { output }) };
    if (this.#problem === '' && !this.#hasHung) log.error(fields, 'the inspector died');
    else if (!this.#hasHung)
      log.error({ ...fields, reason: this.#problem }, 'the inspector cannot start');
    this.#timer = setTimeout(() => {
      this.counters.restarts++;
      this.#begin();
    }, retryMs);
  }
}
