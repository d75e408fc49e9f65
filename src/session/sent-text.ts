/** The text that somebody else's mode sends: a client fails a connection whose text is not UTF-8 (RFC 6455 §8.1). */
import { InvalidArgumentError } from '../errors.js';
import { UTF8_ACCEPT, UTF8_REJECT, validateUtf8 } from '../protocol/utf8.js';

export class SentText {
  /** Behind the piece that was sent last. */
  #state = UTF8_ACCEPT;

  /**
   * Looks at a text, or at a piece of one, before it is sent.
   *
   * @throws InvalidArgumentError when it is not UTF-8; what was looked at before stays as it was
   */
  check(bytes: Uint8Array, start: number, end: number, isFirst: boolean, isLast: boolean): void {
    const state = validateUtf8(isFirst ? UTF8_ACCEPT : this.#state, bytes, start, end);
    if (state === UTF8_REJECT || (isLast && state !== UTF8_ACCEPT)) {
      throw new InvalidArgumentError(
        'a text message cannot have these bytes, which are not UTF-8 (RFC 6455 8.1): send them as binary, opcode 2',
      );
    }
    this.#state = isLast ? UTF8_ACCEPT : state;
  }
}
