/** The rule for a message that is sent in pieces (RFC 6455 §5.4): first, others, last, and nothing in between. */
import { InvalidStateError } from '../errors.js';

/** No message is being sent in pieces; else the opcode of the one that is. */
export const NO_PIECES = 0;

/**
 * @param openOpcode of the message whose last piece is owed, or {@link NO_PIECES}
 * @throws InvalidStateError when a piece does not fit that
 */
export function demandPieceFits(openOpcode: number, opcode: number, isFirst: boolean): void {
  const isInside = openOpcode !== NO_PIECES;
  if (isFirst === isInside)
    throw new InvalidStateError(
      isFirst ? 'a message is being sent in pieces' : 'no message is being sent',
    );
  if (isInside && opcode !== openOpcode)
    throw new InvalidStateError('all pieces of a message have one opcode');
}

/** @throws InvalidStateError when a whole message would stand between the pieces of another one */
export function demandNoPieces(openOpcode: number): void {
  if (openOpcode !== NO_PIECES) throw new InvalidStateError('a message is being sent in pieces');
}
