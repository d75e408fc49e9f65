import t from 'tap';
import { InvalidStateError } from '../../src/errors.js';
import { NO_PIECES, demandNoPieces, demandPieceFits } from '../../src/protocol/piece-order.js';

const INSIDE = new InvalidStateError('a message is being sent in pieces');

t.test('first, others, last (RFC 6455 §5.4)', async (t) => {
  for (const opcode of [1, 2]) {
    demandPieceFits(NO_PIECES, opcode, true);
    demandPieceFits(opcode, opcode, false);
    t.throws(() => {
      demandPieceFits(opcode, opcode, true);
    }, INSIDE);
    t.throws(() => {
      demandPieceFits(NO_PIECES, opcode, false);
    }, new InvalidStateError('no message is being sent'));
  }
});

t.test('a message has one opcode', async (t) => {
  for (const [openOpcode, opcode] of [
    [1, 2],
    [2, 1],
  ] as const) {
    t.throws(() => {
      demandPieceFits(openOpcode, opcode, false);
    }, new InvalidStateError('all pieces of a message have one opcode'));
  }
});

t.test('nothing in between', async (t) => {
  demandNoPieces(NO_PIECES);
  t.throws(() => {
    demandNoPieces(1);
  }, INSIDE);
});
