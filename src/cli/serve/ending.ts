/**
 * How the process of a server ends: gracefully after a signal, at once after a second one, and soon after an
 * error that nothing caught. Whatever may still hang then, the process does not.
 */
import type { Logger } from 'pino';
import type { Inspector } from '../../app/inspect/inspector.js';
import { errorForLog } from '../../foreign.js';
import { ExitCode } from '../exit-code.js';
import type { Io } from '../io.js';

/** What is stopped. */
interface Stoppable {
  /** Sends clients away; settles when all are gone. */
  stop(): Promise<void>;
  /** A stop that still serves on does so no longer. */
  endDelay(): void;
  /** Drops all that are left. */
  stopNow(): void;
}

/** Reads everything again that can be, and tells the log. */
type Reload = () => Promise<void>;

/** After an error that nothing caught the state is unknown: clients have so long to answer our Close. */
export const CRASH_DRAIN_MS = 2000;

/** Behind the last client: for the records that wait, on a disk that may have stopped for good. */
export const EXIT_MS = 3000;

/** An error in a timer comes again and again; the first ones say it all. */
const MAX_CRASHES_LOGGED = 10;

export class Ending {
  /** Settles when the server has stopped. */
  readonly stopped: Promise<void>;
  exitCode: ExitCode = ExitCode.Ok;

  readonly #server: Stoppable;
  readonly #reload: Reload;
  readonly #io: Io;
  readonly #log: Logger;
  readonly #removers: (() => void)[];
  readonly #timers: NodeJS.Timeout[] = [];
  /** Settles `stopped`; given by that promise, at once. */
  #tell!: () => void;
  /** What a stop does not wait for: called when it begins. */
  #giveUp: () => void = () => undefined;
  #isStopping = false;
  #isHurrying = false;
  #crashes = 0;

  /** Listens for signals and errors from now on, until {@link release}. */
  constructor(server: Stoppable, reload: Reload, io: Io, log: Logger) {
    this.#server = server;
    this.#reload = reload;
    this.#io = io;
    this.#log = log;
    this.stopped = new Promise((resolve) => {
      this.#tell = resolve;
    });
    const stop = this.#stopBySignal.bind(this);
    this.#removers = [
      io.onSignal('SIGTERM', stop),
      io.onSignal('SIGINT', stop),
      io.onSignal('SIGHUP', this.#hangUp.bind(this)),
      io.onCrash(this.#crashed.bind(this)),
    ];
  }

  /** Waits for a start. A stop meanwhile does not wait for an inspector that does not come up. */
  async during(start: Promise<void>, inspector: Pick<Inspector, 'close'> | null): Promise<void> {
    this.#giveUp = () => {
      void inspector?.close();
    };
    if (this.#isStopping) this.#giveUp();
    try {
      await start;
    } finally {
      this.#giveUp = () => undefined;
    }
  }

  /** Listens no more: the process ends by itself. */
  release(): void {
    for (const remove of this.#removers) remove();
    for (const timer of this.#timers) clearTimeout(timer);
  }

  /** The server has done what it was started for, and stops as after a signal; nobody has to look elsewhere first. */
  end(): void {
    this.#stop();
    this.#server.endDelay();
  }

  #stopBySignal(): void {
    if (!this.#isStopping) {
      this.#stop();
    } else if (!this.#isHurrying) {
      this.#isHurrying = true;
      this.exitCode = ExitCode.Failure;
      this.#exitAfter(EXIT_MS);
      this.#server.stopNow();
    } else {
      this.#exit();
    }
  }

  /** The terminal is gone; without one the signal asks for a reload. */
  #hangUp(): void {
    if (this.#io.stderr.isTTY === true) this.#stopBySignal();
    else void this.#reload();
  }

  /** Nothing caught an error: says so, lets clients go, and leaves the restart to the supervisor. */
  #crashed(error: unknown): void {
    this.exitCode = ExitCode.Failure;
    if (this.#crashes++ === 0) {
      this.#after(CRASH_DRAIN_MS, () => {
        this.#server.stopNow();
      });
      this.#exitAfter(CRASH_DRAIN_MS + EXIT_MS);
    }
    if (this.#crashes <= MAX_CRASHES_LOGGED) this.#logFatal({ err: errorForLog(error) });
    this.#stop();
    if (this.#crashes === 1) this.#server.endDelay();
  }

  #stop(): void {
    if (this.#isStopping) return;
    this.#isStopping = true;
    this.#giveUp();
    void this.#server.stop().then(this.#tell, (error: unknown) => {
      this.#crashed(error);
      this.#tell();
    });
  }

  #exitAfter(ms: number): void {
    this.#after(ms, () => {
      this.#logFatal({}, 'not everything has ended in time: the process exits without it');
      this.#exit();
    });
  }

  /** Not unref'd: a process with nothing else to do would leave before, and say that all is well. */
  #after(ms: number, act: () => void): void {
    this.#timers.push(setTimeout(act, ms));
  }

  #exit(): void {
    this.#io.exit(ExitCode.Failure);
  }

  /** Whatever becomes of the line, the process ends. */
  #logFatal(fields: object, message = 'internal error'): void {
    try {
      this.#log.fatal(fields, message);
    } catch {
      // The log itself is what has failed.
    }
  }
}
