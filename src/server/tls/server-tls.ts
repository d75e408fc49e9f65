/** TLS of one server: its certificates, their watch, and the key log. */
import type { CertificateWatch } from './certificate-watch.js';
import type { KeyLog } from './key-log.js';
import type { TlsContext } from './tls-context.js';

export interface ServerTlsParts {
  readonly context: TlsContext;
  readonly watch: CertificateWatch;
  /** Opens the key log; null for none. @throws {ConfigError} when that cannot be done */
  readonly openKeyLog: (() => KeyLog) | null;
}

export class ServerTls {
  readonly context: TlsContext;
  readonly watch: CertificateWatch;
  readonly #openKeyLog: (() => KeyLog) | null;
  #keyLog: KeyLog | null = null;

  constructor({ context, watch, openKeyLog }: ServerTlsParts) {
    this.context = context;
    this.watch = watch;
    this.#openKeyLog = openKeyLog;
  }

  /** Before the server listens. @throws {ConfigError} as a rejection, when the key log cannot be opened */
  async start(): Promise<void> {
    if (this.#openKeyLog !== null) {
      this.#keyLog = this.#openKeyLog();
      this.context.writeKeys = this.#keyLog.write;
    }
    await this.watch.start();
  }

  /** The server takes no more connections. */
  stop(): void {
    this.watch.stop();
    this.#keyLog?.close();
  }
}
