/**
 * What is counted of sessions: plain numbers, which a message raises and which are read only when somebody asks. One
 * object is shared by all sessions of a server, so an idle session holds nothing for it.
 */
import type { ControlCounts } from '../protocol/endpoint-events.js';
import type { EchoRun } from '../protocol/kernel/echo-run.js';

/** Pauses of one direction. */
export class PauseCounts {
  /** How many have begun. */
  begun = 0;
  /** How many are under way. */
  under = 0;
  /** The times of all that have ended, less the beginnings of those under way, in milliseconds. */
  #balanceMs = 0;

  begin(nowMs: number): void {
    this.begun++;
    this.under++;
    this.#balanceMs -= nowMs;
  }

  end(nowMs: number): void {
    this.under--;
    this.#balanceMs += nowMs;
  }

  /** How long all of them have taken so far, in milliseconds. */
  totalMs(nowMs: number): number {
    return this.#balanceMs + this.under * nowMs;
  }
}

/** How often clients were not read because they sent more than their rate, by the rate. */
export interface RatePauses {
  messages: number;
  bytes: number;
}

/** All that passes in the sessions of a server. Payload is counted as modes see it: inflated. */
export class Traffic {
  textMessagesIn = 0;
  textBytesIn = 0;
  binaryMessagesIn = 0;
  binaryBytesIn = 0;
  textMessagesOut = 0;
  textBytesOut = 0;
  binaryMessagesOut = 0;
  binaryBytesOut = 0;
  /** Bytes read from clients, after their handshakes. */
  wireBytesIn = 0;
  /** Bytes written to clients, with the answers to their handshakes. */
  wireBytesOut = 0;
  readonly controlIn: ControlCounts = { pings: 0, pongs: 0, closes: 0 };
  readonly controlOut: ControlCounts = { pings: 0, pongs: 0, closes: 0 };
  /** Sessions whose socket has not taken what was written: all others have nothing waiting for their clients. */
  readonly blocked = new Set<{ readonly bufferedAmount: number }>();
  /** The client is not read: the mode, the recording or an extension can take no more. */
  readonly inputPauses = new PauseCounts();
  /** Those of them for which the client's rate was the reason. */
  readonly ratePauses: RatePauses = { messages: 0, bytes: 0 };
  /** The mode was told to wait: the client reads too slowly. */
  readonly outputPauses = new PauseCounts();

  /** Messages have come and gone back as they were. */
  echoed({ textMessages, textBytes, binaryMessages, binaryBytes }: EchoRun): void {
    this.textMessagesIn += textMessages;
    this.textBytesIn += textBytes;
    this.binaryMessagesIn += binaryMessages;
    this.binaryBytesIn += binaryBytes;
    this.textMessagesOut += textMessages;
    this.textBytesOut += textBytes;
    this.binaryMessagesOut += binaryMessages;
    this.binaryBytesOut += binaryBytes;
  }
}

/** The sessions of one route. */
export class SessionCounts {
  started = 0;
  ended = 0;
}
