import t from 'tap';
import { Opcode } from '../../src/protocol/opcode.js';

t.test('§11.8: the opcodes of the registry, and no others', async (t) => {
  t.strictSame(Object.entries(Opcode), [
    ['Continuation', 0],
    ['Text', 1],
    ['Binary', 2],
    ['Close', 8],
    ['Ping', 9],
    ['Pong', 10],
  ]);
});

t.test('§5.5: the opcodes with the upper bit set are the control frames', async (t) => {
  const control = Object.entries(Opcode).filter(([, value]) => (value & 0x8) !== 0);
  t.strictSame(
    control.map(([name]) => name),
    ['Close', 'Ping', 'Pong'],
  );
});
