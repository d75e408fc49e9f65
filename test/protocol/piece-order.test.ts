import t from 'tap';
import { InvalidStateError } from '../../src/errors.js';
import { demandNoPieces, demandPieceFits } from '../../src/protocol/piece-order.js';

const INSIDE = new InvalidStateError('a message is being sent in pieces');

t.test('first, others, last (RFC 6455 §5.4)', async (t) => {
  demandPieceFits(false, true);
  demandPieceFits(true, false);
  t.throws(() => {
    demandPieceFits(true, true);
  }, INSIDE);
  t.throws(() => {
    demandPieceFits(false, false);
  }, new InvalidStateError('no message is being sent'));
});

t.test('nothing in between', async (t) => {
  demandNoPieces(false);
  t.throws(() => {
    demandNoPieces(true);
  }, INSIDE);
});
