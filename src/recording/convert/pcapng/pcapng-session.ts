/** One session on a made-up TCP connection: opening handshake, frames, closing. */
import { Buffer } from 'node:buffer';
import { FIN, frameHeaderBytes, Opcode, writeFrameHeader } from '../../../protocol/frame.js';
import { MessageBorders } from '../../format/message-borders.js';
import { payloadOf } from '../../format/payload.js';
import type {
  CloseRecord,
  ControlRecord,
  Direction,
  FrameRecord,
  MessageRecord,
  OpenRecord,
} from '../../format/record.js';
import { type FrameBytes, type FrameRoom, FrameTrail } from './frame-trail.js';
import { type HeaderLine, requestHeaders, responseHeaders } from '../recorded-handshake.js';
import type { TcpConversation } from './tcp-conversation.js';

/**
 * Clients mask (RFC 6455 §5.3); the key is not recorded. This key leaves payloads readable to anyone
 * who searches the bytes of the file.
 */
const MASKING_KEY = 0;

/** Wireshark unmasks no more of a frame than this, so longer payloads of clients get several frames. */
const MAX_MASKED_BYTES = 256 * 1024;

/** A larger frame whose payload is missing is not shown at all. */
const MAX_MISSING_BYTES = 64 * 1024;

const NOTHING = Buffer.alloc(0);

/** Stands for the beginning of a session that the recording does not have. */
const UNKNOWN: Pick<OpenRecord, 'url' | 'headers' | 'subprotocol'> = {
  url: '/',
  headers: {
    host: 'unknown',
    upgrade: 'websocket',
    connection: 'Upgrade',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
  },
  subprotocol: null,
};

export class PcapngSession {
  readonly #conversation: TcpConversation;
  readonly #borders = new MessageBorders();
  readonly #trails: Readonly<Record<Direction, FrameTrail>>;
  /** The last control frame of each direction whose payload has not arrived. */
  readonly #controls: Record<Direction, FrameRecord | null> = { in: null, out: null };

  constructor(conversation: TcpConversation, room: FrameRoom) {
    this.#conversation = conversation;
    this.#trails = { in: new FrameTrail(room), out: new FrameTrail(room) };
  }

  /** Nothing more comes of it. */
  giveUp(): void {
    this.#trails.in.rest();
    this.#trails.out.rest();
  }

  /** @param open null if the recording does not have it */
  open(open: OpenRecord | null, t: number, note: string): void {
    const comments = [note];
    if (open === null)
      comments.push('made up: the recording does not have the beginning of this session');
    else if (open.tls !== null) comments.push(`recorded from a TLS connection (${open.tls})`);
    const { url, ...known } = open ?? UNKNOWN;
    this.#conversation.establish(t, joined(comments));
    this.#head('in', `GET ${url} HTTP/1.1`, requestHeaders(known), t);
    // Payloads were recorded with extensions undone, so none is in use here.
    this.#head('out', 'HTTP/1.1 101 Switching Protocols', responseHeaders(known, null), t);
  }

  /** A frame as it was: its payload comes with the next message or control record. */
  frame(record: FrameRecord): void {
    const { dir, op } = record;
    if (op === Opcode.Close || op === Opcode.Ping || op === Opcode.Pong)
      this.#controls[dir] = record;
    else this.#trails[dir].take(record);
  }

  message(record: MessageRecord, note: string): void {
    const { dir, op, t } = record;
    const { isFirst, isLast, isPreviousOpen } = this.#borders.take(record);
    if (isPreviousOpen) {
      this.#frame(
        dir,
        FIN | Opcode.Continuation,
        NOTHING,
        t,
        'made up: the end of this message is missing',
      );
    }
    const opcode = isFirst ? op : Opcode.Continuation;
    const payload = payloadOf(record);
    const parts = this.#trails[dir].cut(record, payload);
    if (parts !== null) {
      this.#real(dir, parts, t, note);
      return;
    }
    this.#payload(dir, opcode, isLast, payload, t, joined([note, cutNote(record, payload)]));
  }

  control(record: ControlRecord, note: string): void {
    const { dir, op, t } = record;
    const payload = payloadOf(record);
    const real = this.#controls[dir];
    this.#controls[dir] = null;
    const isReal = real?.op === op && real.len === payload.length;
    const first = isReal ? firstByteOf(real) : FIN | op;
    const isMasked = isReal ? real.masked : dir === 'in';
    this.#frame(dir, first, payload, t, joined([note, cutNote(record, payload)]), isMasked);
  }

  close({ by, t, code, reason }: CloseRecord, note: string): void {
    for (const dir of ['in', 'out'] as const) {
      for (const frame of this.#trails[dir].rest()) this.#withoutPayload(frame);
    }
    const how = by === 'lost' ? 'connection lost' : `closed by the ${by}`;
    const comment = joined([note, `${how}, ${code}${reason === '' ? '' : ` ${reason}`}`]);
    if (by === 'lost') this.#conversation.reset('in', t, comment);
    else this.#conversation.close(by === 'client' ? 'in' : 'out', t, comment);
  }

  #head(dir: Direction, line: string, headers: readonly HeaderLine[], t: number): void {
    const lines = [line, ...headers.map(([name, value]) => `${name}: ${value}`), '', ''];
    this.#conversation.send(dir, Buffer.from(lines.join('\r\n'), 'latin1'), t, '');
  }

  #payload(
    dir: Direction,
    opcode: number,
    isLast: boolean,
    payload: Buffer,
    t: number,
    comment: string,
  ): void {
    let rest = payload;
    let first = opcode;
    let note = comment;
    while (dir === 'in' && rest.length > MAX_MASKED_BYTES) {
      this.#frame(dir, first, rest.subarray(0, MAX_MASKED_BYTES), t, note);
      rest = rest.subarray(MAX_MASKED_BYTES);
      first = Opcode.Continuation;
      note = '';
    }
    this.#frame(dir, (isLast ? FIN : 0) | first, rest, t, note);
  }

  /** Writes frames as they were; only their masking key is unknown. */
  #real(dir: Direction, parts: readonly FrameBytes[], t: number, comment: string): void {
    let note = comment;
    for (const { frame, bytes } of parts) {
      if (frame === null) this.#conversation.send(dir, bytes, t, note);
      else this.#frame(dir, firstByteOf(frame), bytes, t, note, frame.masked, frame.len);
      note = '';
    }
  }

  /** Writes a frame of which only the header was recorded. */
  #withoutPayload(frame: FrameRecord): void {
    const { dir, t, len, masked } = frame;
    if (len > MAX_MISSING_BYTES) return;
    const comment = `made up: the ${len} bytes in this frame were not recorded`;
    this.#frame(dir, firstByteOf(frame), Buffer.alloc(len), t, comment, masked);
  }

  #frame(
    dir: Direction,
    first: number,
    payload: Buffer,
    t: number,
    comment: string,
    isMasked = dir === 'in',
    payloadBytes = payload.length,
  ): void {
    const headerBytes = frameHeaderBytes(payloadBytes, isMasked);
    const frame = Buffer.allocUnsafe(headerBytes + payload.length);
    writeFrameHeader(frame, 0, first, payloadBytes, isMasked ? MASKING_KEY : null);
    frame.set(payload, headerBytes);
    this.#conversation.send(dir, frame, t, comment);
  }
}

/** The first byte of a frame: FIN, the reserved bits, the opcode (RFC 6455 §5.2). */
function firstByteOf({ fin, rsv, op }: FrameRecord): number {
  return (fin ? FIN : 0) | (rsv << 4) | op;
}

function cutNote({ cut, len }: MessageRecord | ControlRecord, { length }: Buffer): string {
  return cut === true ? `cut: the recording has ${length} of ${len} bytes` : '';
}

function joined(notes: readonly string[]): string {
  return notes.filter((note) => note !== '').join('; ');
}
