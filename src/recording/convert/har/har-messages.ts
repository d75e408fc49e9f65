/** The messages of one session as members of a JSON array, in the order in which they began. */
import { Opcode } from '../../../protocol/frame.js';
import { MessageBorders } from '../../format/message-borders.js';
import { payloadOf } from '../../format/payload.js';
import type { Direction, MessageRecord } from '../../format/record.js';
import { HarBase64, type HarData, HarText, jsonInside } from './har-data.js';
import { type Spool, SpoolStream } from '../spool.js';

/** A message whose last piece has not arrived. */
interface OpenMessage {
  readonly stream: SpoolStream;
  readonly data: HarData;
  lengthBytes: number;
  isCut: boolean;
  isIncomplete: boolean;
}

/** Chrome's types, from the client's point of view. */
const TYPES: Record<Direction, string> = { in: 'send', out: 'receive' };

export class HarMessages {
  readonly #spool: Spool;
  /** Where the members go. */
  readonly #stream: SpoolStream;
  readonly #borders = new MessageBorders();
  readonly #open: Record<Direction, OpenMessage | null> = { in: null, out: null };
  /** Messages that begin while the other direction's message is being written to the stream wait here. */
  #aside: SpoolStream | null = null;
  /** The direction whose message is being written to the stream. */
  #owner: Direction | null = null;
  #messages = 0;

  constructor(spool: Spool, stream: SpoolStream) {
    this.#spool = spool;
    this.#stream = stream;
  }

  /** Takes a message or a piece of one. */
  take(record: MessageRecord): void {
    const { dir, part } = record;
    const { isFirst, isLast, isPreviousOpen } = this.#borders.take(record);
    if (isPreviousOpen) this.#end(dir, true);
    if (part === undefined) {
      this.#whole(record);
      return;
    }
    if (isFirst) this.#begin(record);
    this.#piece(record);
    if (isLast) this.#end(dir, false);
  }

  /** The session is over: ends the messages that have not ended. */
  finish(): void {
    if (this.#open.in !== null) this.#end('in', true);
    if (this.#open.out !== null) this.#end('out', true);
  }

  #whole(record: MessageRecord): void {
    const { op, len, data, cut } = record;
    const text =
      op === Opcode.Text
        ? jsonInside(data ?? payloadOf(record).toString())
        : payloadOf(record).toString('base64');
    const end = endOf(len, cut === true, false);
    this.#streamFor(record.dir).appendText(this.#startOf(record) + text + end);
  }

  #begin(record: MessageRecord): void {
    const { dir, op, part } = record;
    this.#owner ??= dir;
    const stream = this.#streamFor(dir);
    stream.appendText(this.#startOf(record));
    this.#open[dir] = {
      stream,
      data: op === Opcode.Text ? new HarText() : new HarBase64(),
      lengthBytes: 0,
      isCut: false,
      isIncomplete: part !== 'first',
    };
  }

  #piece(record: MessageRecord): void {
    const message = this.#open[record.dir]!;
    message.lengthBytes += record.len;
    // Pieces after a gap would be read as if nothing were missing.
    if (message.isCut) return;
    message.stream.appendText(message.data.take(payloadOf(record)));
    message.isCut = record.cut === true;
  }

  #end(dir: Direction, isIncomplete: boolean): void {
    const { stream, data, lengthBytes, isCut, ...message } = this.#open[dir]!;
    this.#open[dir] = null;
    const rest = data.finish(!isCut && !isIncomplete);
    stream.appendText(rest + endOf(lengthBytes, isCut, isIncomplete || message.isIncomplete));
    if (this.#owner === dir) this.#passOn(dir === 'in' ? 'out' : 'in');
  }

  /** The owner's message is over: what waited aside follows it. */
  #passOn(other: Direction): void {
    for (const bytes of this.#aside?.drain() ?? []) this.#stream.append(bytes);
    const message = this.#open[other];
    this.#owner = message === null ? null : other;
    if (message !== null) this.#open[other] = { ...message, stream: this.#stream };
  }

  #streamFor(dir: Direction): SpoolStream {
    if (this.#owner === null || this.#owner === dir) return this.#stream;
    return (this.#aside ??= new SpoolStream(this.#spool));
  }

  #startOf({ dir, t, op }: MessageRecord): string {
    const comma = this.#messages++ === 0 ? '' : ',';
    return `${comma}{"type":"${TYPES[dir]}","time":${t},"opcode":${op},"data":"`;
  }
}

/** What HAR has no word for gets a name of our own, as it demands (HAR 1.2, custom fields). */
function endOf(lengthBytes: number, isCut: boolean, isIncomplete: boolean): string {
  if (!isCut && !isIncomplete) return '"}';
  const twist = {
    length: lengthBytes,
    ...(isCut && { cut: true }),
    ...(isIncomplete && { incomplete: true }),
  };
  return `","_twist":${JSON.stringify(twist)}}`;
}
