/** One session as an entry of a HAR file: written as its records arrive, handed over when it is over. */
import { Buffer } from 'node:buffer';
import { formatIp } from '../../../net/ip-address.js';
import { splitRequestTarget } from '../../../handshake/request-target.js';
import { Opcode } from '../../../protocol/frame.js';
import type {
  CloseRecord,
  ControlRecord,
  CountRecord,
  OpenRecord,
  TargetRecord,
} from '../../format/record.js';
import { HarMessages } from './har-messages.js';
import { parseRecordedAddress } from '../../../net/socket-address.js';
import {
  type HeaderLine,
  requestHeaders,
  requestUrl,
  responseHeaders,
} from '../recorded-handshake.js';
import { type Spool, SpoolStream } from '../spool.js';

/** The longest text that is kept whole. */
const MAX_KEPT_LENGTH = 1000;

/** For one kind of control frame, how many came from the client and how many went to it. */
interface FrameCount {
  in: number;
  out: number;
}

export class HarSession {
  readonly messages: HarMessages;
  readonly #stream: SpoolStream;
  readonly #identity: object;
  readonly #startSeconds: number;
  readonly #hasOpen: boolean;
  readonly #pings: FrameCount = { in: 0, out: 0 };
  readonly #pongs: FrameCount = { in: 0, out: 0 };
  readonly #closes: FrameCount = { in: 0, out: 0 };
  #target: Omit<TargetRecord, 'ev' | 's' | 't'> | undefined;
  #lastSeconds: number;
  #isGivenUp = false;

  /**
   * @param open null if the recording lacks the beginning of the session
   * @param t the time of its first record
   */
  constructor(spool: Spool, session: string, open: OpenRecord | null, t: number) {
    this.#stream = new SpoolStream(spool);
    this.messages = new HarMessages(spool, this.#stream);
    this.#startSeconds = this.#lastSeconds = t;
    this.#identity = identityOf(session, open);
    this.#hasOpen = open !== null;
    const fields = JSON.stringify(entryOf(session, open, t));
    this.#stream.appendText(`${fields.slice(0, -1)},"_webSocketMessages":[`);
  }

  /** A record of the session arrived at this time. */
  seen(t: number): void {
    this.#lastSeconds = t;
  }

  control({ dir, op }: ControlRecord): void {
    const count =
      op === Opcode.Ping ? this.#pings : op === Opcode.Pong ? this.#pongs : this.#closes;
    count[dir]++;
  }

  /** Control frames that were only counted. */
  counted({ of, dir, n }: CountRecord): void {
    if (of === 'ping') this.#pings[dir] += n;
    else if (of === 'pong') this.#pongs[dir] += n;
  }

  target({ state, target, error }: TargetRecord): void {
    this.#target = {
      state,
      target: shortened(target),
      ...(error !== undefined && { error: shortened(error) }),
    };
  }

  /** Too many sessions have no end: what comes of this one later is another entry. */
  giveUp(): void {
    this.#isGivenUp = true;
  }

  /**
   * The session is over.
   *
   * @param close null if the recording lacks its end
   * @returns its entry, in pieces
   */
  end(close: CloseRecord | null): Generator<Uint8Array, void, undefined> {
    this.messages.finish();
    // Before durations were measured on the monotonic clock, setting the clock back made them 0.
    const seconds = Math.max(close?.dur ?? 0, this.#lastSeconds - this.#startSeconds);
    const time = Math.round(seconds * 1e6) / 1e3;
    const missing = [
      ...(this.#hasOpen ? [] : ['beginning']),
      ...(close === null ? ['end'] : []),
    ].join(' and the ');
    const fields = JSON.stringify({
      time,
      timings: { blocked: -1, dns: -1, connect: -1, send: 0, wait: 0, receive: time, ssl: -1 },
      _twist: {
        ...this.#identity,
        ...(close !== null && {
          close: { by: close.by, code: close.code, reason: close.reason, rule: close.rule },
          in: close.in,
          out: close.out,
        }),
        target: this.#target,
        pings: this.#pings,
        pongs: this.#pongs,
        closes: this.#closes,
      },
      ...(missing !== '' && {
        comment: this.#isGivenUp
          ? 'Too many sessions were open: what comes of it later is another entry.'
          : `The recording does not have the ${missing} of it.`,
      }),
    });
    this.#stream.appendText(`],${fields.slice(1)}`);
    return this.#stream.drain();
  }
}

/** The part of an entry that is known at its beginning, in Chrome's order. */
function entryOf(session: string, open: OpenRecord | null, t: number): object {
  const url = open === null ? 'ws://unknown/' : requestUrl(open);
  const local = parseRecordedAddress(open?.local ?? '');
  return {
    _resourceType: 'websocket',
    ...(open !== null && { _connectionId: String(open.id) }),
    cache: {},
    ...(local !== null && {
      connection: String(local.port),
      serverIPAddress: formatIp(local.bytes),
    }),
    startedDateTime: new Date(t * 1e3).toISOString(),
    request: {
      method: 'GET',
      url,
      httpVersion: 'HTTP/1.1',
      headers: open === null ? [] : pairs(requestHeaders(open)),
      queryString: pairs(new URLSearchParams(splitRequestTarget(url).query)),
      cookies: [],
      headersSize: -1,
      bodySize: 0,
    },
    response: {
      status: 101,
      statusText: 'Switching Protocols',
      httpVersion: 'HTTP/1.1',
      headers: open === null ? [] : pairs(responseHeaders(open, open.extensions)),
      cookies: [],
      content: { size: 0, mimeType: 'x-unknown' },
      redirectURL: '',
      headersSize: -1,
      bodySize: -1,
    },
  };
}

/** What the recording knows of a session and HAR has no word for. */
function identityOf(session: string, open: OpenRecord | null): object {
  if (open === null) return { session };
  const { remote, tls, mode } = open;
  return {
    session,
    remote: shortened(remote),
    tls: tls === null ? null : shortened(tls),
    mode: shortened(mode),
  };
}

/** What is kept until the session is over; a recording from elsewhere may hold anything. */
function shortened(text: string): string {
  if (text.length <= MAX_KEPT_LENGTH) return text;
  // A part of a text keeps all of it in memory, unless it is copied.
  return Buffer.from(text.slice(0, MAX_KEPT_LENGTH)).toString();
}

function pairs(lines: Iterable<HeaderLine>): { name: string; value: string }[] {
  return Array.from(lines, ([name, value]) => ({ name, value }));
}
