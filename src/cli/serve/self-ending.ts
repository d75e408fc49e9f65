/** A server that ends by itself: after its first session, or when it had none for long enough. */
import type { Logger } from 'pino';
import { OPTIONS } from '../../config/options/options.js';
import type { Settings } from '../../config/settings.js';

/** The server that ends. */
interface Watched {
  /** Handshakes included. */
  readonly connectionCount: number;
  sessionsChanged: ((open: number) => void) | null;
  serveOnce(): void;
}

/** How soon to look again when somebody is about to open a session, in milliseconds. */
const AGAIN_MS = 1000;

export class SelfEnding {
  readonly #idleMs: number;
  readonly #server: Watched;
  readonly #end: () => void;
  readonly #log: Logger;
  #timer: NodeJS.Timeout | undefined;

  /**
   * Begins to watch; nothing is to be done for a server that is to run until it is told to stop.
   *
   * @param end stops the server gracefully
   */
  constructor(
    { once, idleExit }: Pick<Settings, 'once' | 'idleExit'>,
    server: Watched,
    end: () => void,
    log: Logger,
  ) {
    this.#idleMs = idleExit;
    this.#server = server;
    this.#end = end;
    this.#log = log;
    if (once) server.serveOnce();
    if (!once && idleExit === 0) return;
    server.sessionsChanged = (open) => {
      clearTimeout(this.#timer);
      if (open > 0) return;
      if (once) this.#stop('the only session has ended: the server stops (once)');
      else this.#wait(this.#idleMs);
    };
    if (idleExit > 0) this.#wait(idleExit);
  }

  /** The server stops, whatever the reason: it is watched no more. */
  release(): void {
    this.#server.sessionsChanged = null;
    clearTimeout(this.#timer);
  }

  #wait(ms: number): void {
    this.#timer = setTimeout(() => {
      // Who is in the middle of a handshake must not find the door closed.
      if (this.#server.connectionCount > 0) this.#wait(Math.min(this.#idleMs, AGAIN_MS));
      else
        this.#stop(
          `no session for ${OPTIONS.idleExit.type.toText(this.#idleMs)}: the server stops (idleExit)`,
        );
    }, ms);
  }

  #stop(message: string): void {
    this.release();
    this.#log.info(message);
    this.#end();
  }
}
