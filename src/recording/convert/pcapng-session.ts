/** One session on a made-up TCP connection: opening handshake, frames, closing. */
import { Buffer } from 'node:buffer';
import { FIN, frameHeaderBytes, writeFrameHeader } from '../../protocol/frame-encoder.js';
import { Opcode } from '../../protocol/opcode.js';
import { MessageBorders } from '../message-borders.js';
import { payloadOf } from '../payload.js';
import type {
  CloseRecord,
  ControlRecord,
  Direction,
  MessageRecord,
  OpenRecord,
} from '../record.js';
import { type HeaderLine, requestHeaders, responseHeaders } from './recorded-handshake.js';
import type { TcpConversation } from './tcp-conversation.js';

/**
 * Clients mask (RFC 6455 §5.3), with what key is not recorded. This one leaves payloads readable to
 * those who search the bytes of the file.
 */
const MASKING_KEY = 0;

/** Wireshark unmasks no more of a frame than this: longer payloads of clients get several frames. */
const MAX_MASKED_BYTES = 256 * 1024;

const NOTHING = Buffer.alloc(0);

/** What stands for the beginning of a session that the recording does not have. */
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

  constructor(conversation: TcpConversation) {
    this.#conversation = conversation;
  }

  /** @param open null when the recording does not have it */
  open(open: OpenRecord | null, t: number, note: string): void {
    const comments = [note];
    if (open === null)
      comments.push('made up: the recording does not have the beginning of this session');
    else if (open.tls !== null) comments.push(`recorded behind TLS (${open.tls})`);
    const { url, ...known } = open ?? UNKNOWN;
    this.#conversation.establish(t, joined(comments));
    this.#head('in', `GET ${url} HTTP/1.1`, requestHeaders(known), t);
    // Payloads were recorded with extensions undone, so none is in use here.
    this.#head('out', 'HTTP/1.1 101 Switching Protocols', responseHeaders(known, null), t);
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
    this.#payload(dir, opcode, isLast, payload, t, joined([note, cutNote(record, payload)]));
  }

  control(record: ControlRecord, note: string): void {
    const { dir, op, t } = record;
    const payload = payloadOf(record);
    this.#frame(dir, FIN | op, payload, t, joined([note, cutNote(record, payload)]));
  }

  close({ by, t, code, reason }: CloseRecord, note: string): void {
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

  #frame(dir: Direction, first: number, payload: Buffer, t: number, comment: string): void {
    const isMasked = dir === 'in';
    const headerBytes = frameHeaderBytes(payload.length, isMasked);
    const frame = Buffer.allocUnsafe(headerBytes + payload.length);
    writeFrameHeader(frame, 0, first, payload.length, isMasked ? MASKING_KEY : null);
    frame.set(payload, headerBytes);
    this.#conversation.send(dir, frame, t, comment);
  }
}

function cutNote({ cut, len }: MessageRecord | ControlRecord, { length }: Buffer): string {
  return cut === true ? `cut: the recording has ${length} of ${len} bytes` : '';
}

function joined(notes: readonly string[]): string {
  return notes.filter((note) => note !== '').join('; ');
}
