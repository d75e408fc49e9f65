/** The text that somebody else's mode sends: a client fails a connection whose text is not UTF-8 (RFC 6455 §8.1). */
import { nextTextState } from '../protocol/outgoing.js';
import { UTF8_ACCEPT } from '../protocol/utf8.js';

export class SentText {
  /** Behind the piece that was sent last. */
  #state = UTF8_ACCEPT;

  /**
   * Looks at a text, or at a piece of one, before it is sent.
   *
   * @throws InvalidArgumentError when it is not UTF-8; what was looked at before stays as it was
   */
  check(bytes: Uint8Array, start: number, end: number, isFirst: boolean, isLast: boolean): void {
    this.#state = nextTextState(isFirst ? UTF8_ACCEPT : this.#state, bytes, start, end, isLast);
  }
}
