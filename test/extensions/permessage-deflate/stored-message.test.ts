import { randomBytes } from 'node:crypto';
import t from 'tap';
import { storedMessage } from '../../../src/extensions/permessage-deflate/stored-message.js';
import { HELLO, inflateAll } from '../../fixtures/deflate.js';
import { hexOf } from '../../fixtures/hex.js';

t.test('RFC 7692 §7.2.3.3, but for the bit of the last block', async (t) => {
  t.equal(hexOf(storedMessage(HELLO)), '000500faff48656c6c6f00');
  t.equal(hexOf(storedMessage(new Uint8Array(0))), '00', 'and §7.2.3.6');
});

t.test('messages of any size, of one block and of several', async (t) => {
  for (const length of [1, 125, 1017, 1018, 1019, 65_535, 65_536, 131_070, 131_071, 200_000]) {
    const message = randomBytes(length);
    const wire = storedMessage(message);
    t.equal(wire.length, length + 5 * Math.ceil(length / 65_535) + 1, `${length} bytes`);
    t.ok(inflateAll([wire]).equals(message), `${length} bytes come back`);
  }
});

t.test('messages one after the other', async (t) => {
  const messages = [HELLO, new Uint8Array(0), randomBytes(900), HELLO, randomBytes(2000)];
  const wires = messages.map((message) => Uint8Array.from(storedMessage(message)));
  t.ok(inflateAll(wires).equals(Buffer.concat(messages)));
});
