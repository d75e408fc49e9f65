/** What was counted of one session, and how it ended. Its summary is for the log. */
import { PeerError } from '../errors.js';
import { errorOf, fieldsForLog, isInstance } from '../foreign.js';
import { CloseCode } from '../protocol/close.js';
import type { Endpoint } from '../protocol/endpoint.js';
import type { EchoRun } from '../protocol/kernel/echo-run.js';
import type { DropRule, Session, SessionSummary } from './session.js';

/** Sessions that no mode has noted anything of share it. Foreign code gets it, so nothing can be added to it. */
export const NO_NOTES: Readonly<Record<string, unknown>> = Object.freeze({});

export class SessionStats {
  messagesIn = 0;
  /** Payload bytes as the mode sees them. */
  bytesIn = 0;
  messagesOut = 0;
  bytesOut = 0;
  #openedMs: number;
  #closedBy: SessionSummary['closedBy'] = 'lost';
  #rule: string | null = null;
  #error: Error | string | null = null;

  constructor(nowMs: number) {
    this.#openedMs = nowMs;
  }

  /** The handshake has been answered. */
  opened(nowMs: number): void {
    this.#openedMs = nowMs;
  }

  /** Messages have come and gone back as they were. */
  echoed({ textMessages, textBytes, binaryMessages, binaryBytes }: EchoRun): void {
    const messages = textMessages + binaryMessages;
    const bytes = textBytes + binaryBytes;
    this.messagesIn += messages;
    this.bytesIn += bytes;
    this.messagesOut += messages;
    this.bytesOut += bytes;
  }

  /** One side begins to close; only the first counts. */
  closedBy(side: 'client' | 'server'): void {
    if (this.#closedBy === 'lost') this.#closedBy = side;
  }

  /** The connection is dropped for breaking this rule. */
  dropped(rule: DropRule): void {
    this.#rule ??= rule;
  }

  /** The client broke a rule, or something threw on our side: the connection fails, if it lasts. */
  blame(error: unknown): void {
    if (isInstance(error, PeerError)) this.#rule = error.rule;
    else this.#error = errorOf(error);
  }

  /** The connection failed, and our Close says so: also before the answer to a Close of the client. */
  failed(error: unknown): void {
    this.#closedBy = 'server';
    this.blame(error);
  }

  /** The system's name of what broke the connection. */
  lost(error: string): void {
    this.#error ??= error;
  }

  /** Something threw when the connection was over; what it may come from is worth more. */
  failedLate(error: unknown): void {
    if (!this.hasFailed) this.#error = errorOf(error);
  }

  /** Something has thrown on our side; what follows from it need not be told. */
  get hasFailed(): boolean {
    return typeof this.#error === 'object' && this.#error !== null;
  }

  summarize(
    session: Session,
    mode: string,
    endpoint: Pick<Endpoint, 'sentClose' | 'receivedClose'>,
    extensionStats: Readonly<Record<string, object>>,
    nowMs: number,
  ): SessionSummary {
    const { sentClose, receivedClose } = endpoint;
    const close = this.#closedBy === 'client' ? receivedClose : sentClose;
    const { clientCertificate, user, notes } = session;
    const summary: SessionSummary = {
      id: session.id,
      remoteAddress: session.remoteAddress,
      remotePort: session.remotePort,
      path: session.path,
      mode,
      subprotocol: session.subprotocol,
      extensions: session.extensions,
      extensionStats,
      notes: notes === NO_NOTES ? NO_NOTES : fieldsForLog(notes),
      messagesIn: this.messagesIn,
      bytesIn: this.bytesIn,
      messagesOut: this.messagesOut,
      bytesOut: this.bytesOut,
      // Microseconds are enough, and more digits would only be noise.
      durationMs: Math.round((nowMs - this.#openedMs) * 1000) / 1000,
      closeCode: close?.code ?? CloseCode.Abnormal,
      closeReason: close?.reason ?? '',
      closedBy: this.#closedBy,
      rule: this.#rule,
      error: this.#error,
    };
    if (clientCertificate === null && user === null) return summary;
    return {
      ...summary,
      ...(clientCertificate === null ? {} : { clientCertificate }),
      ...(user === null ? {} : { user }),
    };
  }
}
