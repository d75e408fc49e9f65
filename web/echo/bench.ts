/** One connection to the server at a time, and all that was seen of it. It knows nothing of how it is shown. */
import { counted, formatBytes, formatDuration } from '../shared/model/units.js';
import { closeSentence } from './model/close-codes.js';
import { EventLog, type Happening } from './model/event-log.js';
import type { Payload } from './model/payload.js';
import { MAX_WAITING_BYTES, MessageMaker, type Plan, dueBy } from './model/plan.js';
import { RoundTrips } from './model/round-trips.js';
import { Verifier } from './model/verifier.js';

export type BenchState = 'closed' | 'connecting' | 'open' | 'closing';

/** What was agreed on. */
export interface Negotiated {
  readonly url: string;
  readonly subprotocol: string;
  readonly extensions: string;
  /** From the call to the open connection, DNS and TCP too. */
  readonly openMs: number;
}

export interface Ended {
  readonly code: number;
  readonly reason: string;
  readonly wasClean: boolean;
  /** Messages that were still to be echoed. */
  readonly unanswered: number;
}

/** Many messages at once, while they go and after that. */
export interface Run {
  readonly plan: Plan;
  readonly sent: number;
  readonly echoes: number;
  readonly isOver: boolean;
  /** Since the first message, or what it took. */
  readonly ms: number;
}

/** What the browser may hold for the socket before we wait. */
const MAX_BUFFERED = 1024 * 1024;
/** So long messages are sent without a pause. */
const TURN_MS = 8;
/** How many odd replies of one run get a line in the log. */
const MAX_ODD_LINES = 50;

export class Bench {
  state: BenchState = 'closed';
  negotiated: Negotiated | null = null;
  ended: Ended | null = null;
  run: Run | null = null;
  verifier = new Verifier();
  trips = new RoundTrips();
  readonly log = new EventLog();
  /** Something is to be shown. */
  onChange: () => void = () => undefined;

  #socket: WebSocket | null = null;
  #pump: (() => void) | null = null;
  #oddLines = 0;

  /** Tells what it finds wrong in the log. */
  connect(url: string, subprotocols: readonly string[]): void {
    const startMs = performance.now();
    let socket: WebSocket;
    try {
      socket = new WebSocket(url, [...subprotocols]);
    } catch (error) {
      this.#write({ kind: 'failed', text: String(error) });
      return;
    }
    socket.binaryType = 'arraybuffer';
    this.#socket = socket;
    this.state = 'connecting';
    this.negotiated = null;
    this.ended = null;
    this.clearFigures();
    socket.onopen = () => {
      const { protocol: subprotocol, extensions } = socket;
      const openMs = performance.now() - startMs;
      this.state = 'open';
      this.negotiated = { url, subprotocol, extensions, openMs };
      this.#write({ kind: 'opened', text: `${url} in ${formatDuration(openMs / 1000)}` });
    };
    socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
      this.#received(typeof data === 'string' ? data : new Uint8Array(data));
    };
    socket.onclose = ({ code, reason, wasClean }) => {
      const unanswered = this.verifier.end();
      const wasOpen = this.negotiated !== null;
      this.ended = { code, reason, wasClean, unanswered };
      this.state = 'closed';
      this.#socket = null;
      this.#endRun();
      const said = reason === '' ? '' : ` “${reason}”`;
      const left = unanswered === 0 ? '' : ` ${counted(unanswered, 'message')} had no echo.`;
      this.#write({
        kind: wasOpen && wasClean ? 'closed' : 'failed',
        text: wasOpen
          ? `${code}${said} ${closeSentence(code)}${left}`
          : 'The handshake failed. Browsers do not say why; the log of the server does.',
      });
    };
    this.onChange();
  }

  /** @returns false when the connection is not open */
  send(payload: Payload): boolean {
    if (!this.#sendQuietly(payload)) return false;
    this.#write({ kind: 'sent', payload });
    return true;
  }

  close(code: number, reason: string): void {
    if (this.#socket === null) return;
    // A browser refuses a code before it has connected.
    if (this.state === 'open') this.#socket.close(code, reason);
    else this.#socket.close();
    this.state = 'closing';
    this.#endRun();
    this.onChange();
  }

  // ---- Many messages

  start(plan: Plan): void {
    if (this.state !== 'open' || this.run?.isOver === false) return;
    const maker = new MessageMaker(plan);
    const echoesBefore = this.verifier.echoes;
    const startMs = performance.now();
    let timer = 0;
    let sent = 0;
    this.#oddLines = 0;
    const each = plan.rate === null ? '' : `, ${counted(plan.rate, 'message')} a second`;
    this.#write({
      kind: 'note',
      text: `${counted(plan.count, `${plan.kind} message`)} of ${formatBytes(plan.size)} each${each}`,
    });
    const tell = (isOver: boolean): void => {
      const ms = performance.now() - startMs;
      this.run = { plan, sent, echoes: this.verifier.echoes - echoesBefore, isOver, ms };
    };
    const pump = (): void => {
      clearTimeout(timer);
      const beganMs = performance.now();
      const due = dueBy(plan, beganMs - startMs);
      while (sent < due && this.#hasRoom(plan) && performance.now() - beganMs < TURN_MS) {
        if (!this.#sendQuietly(maker.make(sent + 1))) break;
        sent++;
      }
      tell(false);
      if (sent === plan.count && this.verifier.waiting === 0) this.#endRun();
      else timer = window.setTimeout(pump, 4);
      this.onChange();
    };
    this.#pump = pump;
    this.#stop = () => {
      clearTimeout(timer);
      tell(true);
    };
    pump();
  }

  /** What is on its way comes back all the same. */
  stop(): void {
    this.#endRun();
    this.onChange();
  }

  #stop: () => void = () => undefined;

  #endRun(): void {
    if (this.#pump === null) return;
    this.#pump = null;
    this.#stop();
    const { run } = this;
    if (run === null) return;
    const rate = run.ms > 0 ? Math.round((run.echoes * 1000) / run.ms) : run.echoes;
    const took = `${counted(run.echoes, 'echo', 'echoes')} in ${formatDuration(run.ms / 1000)}`;
    this.#write({ kind: 'note', text: `${took}: ${counted(rate, 'message')} a second` });
  }

  #hasRoom({ inFlight }: Plan): boolean {
    const { waiting, waitingBytes } = this.verifier;
    if (waiting === 0) return true;
    const buffered = this.#socket?.bufferedAmount ?? 0;
    return waiting < inFlight && waitingBytes < MAX_WAITING_BYTES && buffered < MAX_BUFFERED;
  }

  // ---- Both ways

  #sendQuietly(payload: Payload): boolean {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.verifier.send(payload, performance.now());
    this.#socket.send(payload as string | Uint8Array<ArrayBuffer>);
    return true;
  }

  #received(payload: Payload): void {
    const verdict = this.verifier.receive(payload, performance.now());
    if (verdict.kind === 'echo') this.trips.add(verdict.ms);
    const isOfRun = this.#pump !== null;
    const isOdd = verdict.kind !== 'echo' || verdict.skipped > 0;
    if (!isOfRun || (isOdd && this.#oddLines++ < MAX_ODD_LINES))
      this.#write({ kind: 'received', payload, verdict });
    // Its place is free for the next one.
    this.#pump?.();
  }

  clearFigures(): void {
    const { verifier } = this;
    this.trips = new RoundTrips();
    if (this.run?.isOver !== false) this.run = null;
    if (verifier.waiting === 0) this.verifier = new Verifier();
    this.onChange();
  }

  clearLog(): void {
    this.log.clear();
    this.onChange();
  }

  #write(happening: Happening): void {
    this.log.add(happening, Date.now() / 1000);
    this.onChange();
  }
}
