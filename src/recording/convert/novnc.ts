/**
 * The session of a recording as a script that noVNC plays (its tests/vnc_playback.html), in the format
 * of websockify's --record: `{ms{` before what the server sent, `}ms}` before what it received.
 */
import { Buffer } from 'node:buffer';
import { payloadOf } from '../format/payload.js';
import type { AnyRecord, MessageRecord } from '../format/record.js';
import { ChunkedOutput } from './chunked-output.js';
import { type ConvertOutput, type Converter, ConvertError } from './converter.js';
import { OpenSessions } from './open-sessions.js';
import { steadyTimes } from './steady-times.js';

/** noVNC guesses whether payloads are in base64 unless it is told. */
const START = "var VNC_frame_encoding = 'binary';\nvar VNC_frame_data = [\n";
const END = "'EOF'];\n";

/** The most characters that a byte becomes. */
const MAX_ESCAPE_LENGTH = 4;

/** What the start of a session takes, about. */
const START_BYTES = 200;

/** How much of a payload is written at once. */
const SLICE_BYTES = 16_384;

/** How each byte is written between single quotes: as the character of that code. */
const ESCAPES = Array.from({ length: 256 }, (_, byte) => {
  const isPlain = byte >= 0x20 && byte < 0x7f && byte !== 0x27 && byte !== 0x5c;
  const text = isPlain ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`;
  return Uint8Array.from(Buffer.from(text));
});

/**
 * Calls of `convert` throw {@link ConvertError} at the first message of a second session, and at a
 * message from the server that was not recorded in full.
 */
export function novncConverter(output: ConvertOutput): Converter {
  return steadyTimes(new NovncConverter(output));
}

class NovncConverter implements Converter {
  readonly #output: ChunkedOutput;
  /** When each candidate session began: their number is that of the open sessions. */
  readonly #starts = new OpenSessions<number>(START_BYTES);
  /** The session that is played. */
  #session: string | null = null;
  #startSeconds = 0;

  constructor(output: ConvertOutput) {
    this.#output = new ChunkedOutput(output);
    this.#text(START);
  }

  convert(record: AnyRecord): Promise<void> | undefined {
    if (record.ev === 'open' && this.#session === null) this.#starts.set(record.s, record.t);
    if (record.ev === 'close') this.#starts.delete(record.s);
    if (record.ev !== 'msg') return undefined;
    this.#choose(record);
    if (record.cut === true && record.dir === 'out') {
      throw new ConvertError('noVNC plays whole payloads: this recording has cut ones');
    }
    this.#frame(record);
    return this.#output.drain();
  }

  flush(): Promise<void> {
    return this.#output.flush();
  }

  async finish(): Promise<void> {
    this.#text(END);
    await this.#output.flush();
  }

  #choose({ s, t }: MessageRecord): void {
    if (this.#session === s) return;
    if (this.#session !== null) {
      throw new ConvertError('noVNC plays one session: choose one with --session');
    }
    this.#session = s;
    this.#startSeconds = this.#starts.get(s) ?? t;
    this.#starts.takeAll();
  }

  #frame(record: MessageRecord): void {
    const payload = payloadOf(record);
    const milliseconds = Math.round((record.t - this.#startSeconds) * 1e3);
    const brace = record.dir === 'out' ? '{' : '}';
    this.#text(`'${brace}${milliseconds}${brace}`);
    for (let start = 0; start < payload.length; start += SLICE_BYTES) {
      this.#escaped(payload.subarray(start, start + SLICE_BYTES));
    }
    this.#text("',\n");
  }

  #escaped(bytes: Buffer): void {
    this.#output.reserve(bytes.length * MAX_ESCAPE_LENGTH);
    const { chunk } = this.#output;
    let { at } = this.#output;
    for (const byte of bytes) {
      const escape = ESCAPES[byte]!;
      for (let index = 0; index < escape.length; index++) chunk[at++] = escape[index]!;
    }
    this.#output.at = at;
  }

  #text(text: string): void {
    this.#output.reserve(text.length);
    this.#output.at += this.#output.chunk.write(text, this.#output.at, 'latin1');
  }
}
