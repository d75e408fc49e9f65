/** The rule for a message that is sent in pieces (RFC 6455 §5.4): first, others, last, and nothing in between. */
import { InvalidStateError } from '../errors.js';

/**
 * @param isInside a first piece was sent, and its last one was not
 * @throws InvalidStateError when a piece does not fit that
 */
export function demandPieceFits(isInside: boolean, isFirst: boolean): void {
  if (isFirst !== isInside) return;
  throw new InvalidStateError(
    isFirst ? 'a message is being sent in pieces' : 'no message is being sent',
  );
}

/** @throws InvalidStateError when a whole message would stand between the pieces of another one */
export function demandNoPieces(isInside: boolean): void {
  if (isInside) throw new InvalidStateError('a message is being sent in pieces');
}
