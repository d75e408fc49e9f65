/** Makes the payload of one message the text of a JSON string, piece by piece. */
import { Buffer } from 'node:buffer';

/** Turns pieces of a payload into pieces of text for a JSON string, without its quotes. */
export interface HarData {
  take(bytes: Buffer): string;
  /** @param isWhole false if bytes are known to be missing at the end */
  finish(isWhole: boolean): string;
}

/** What stands between the quotes of `text` as JSON. */
export function jsonInside(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/** Text: a piece may end inside a character. Bytes that are not UTF-8 become U+FFFD. */
export class HarText implements HarData {
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });

  take(bytes: Buffer): string {
    return jsonInside(this.#decoder.decode(bytes, { stream: true }));
  }

  finish(isWhole: boolean): string {
    const rest = this.#decoder.decode();
    return isWhole ? jsonInside(rest) : '';
  }
}

/** Base64: three bytes make four characters, so the bytes left over wait for the next piece. */
export class HarBase64 implements HarData {
  readonly #rest = Buffer.alloc(3);
  #restBytes = 0;

  take(bytes: Buffer): string {
    const restBytes = this.#restBytes;
    const head = restBytes === 0 ? 0 : Math.min(3 - restBytes, bytes.length);
    this.#restBytes += bytes.copy(this.#rest, restBytes, 0, head);
    if (this.#restBytes > 0 && this.#restBytes < 3) return '';
    const start = this.#restBytes === 3 ? this.#rest.toString('base64') : '';
    const end = bytes.length - ((bytes.length - head) % 3);
    this.#restBytes = bytes.copy(this.#rest, 0, end);
    return start + bytes.toString('base64', head, end);
  }

  finish(): string {
    return this.#rest.toString('base64', 0, this.#restBytes);
  }
}
