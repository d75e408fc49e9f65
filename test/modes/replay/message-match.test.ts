import t from 'tap';
import { MessageMatch } from '../../../src/modes/replay/message-match.js';

const bytes = (text: string): Uint8Array => Buffer.from(text);

t.test('what is the same has no difference', async (t) => {
  const match = new MessageMatch();
  t.equal(match.difference, null, 'nothing was compared');
  match.compareOpcodes(1, 1);
  match.compare(bytes('he'), bytes('he'));
  match.compare(bytes('llo'), bytes('l'));
  match.compare(bytes(''), bytes(''));
  t.equal(match.difference, null, 'of some bytes it is not known what they were');
});

t.test('what differs', async (t) => {
  for (const [run, difference] of [
    [
      (match) => {
        match.compareOpcodes(2, 1);
      },
      'opcode 2 instead of 1',
    ],
    [
      (match) => {
        match.addActual(3);
      },
      'length 3 instead of 0',
    ],
    [
      (match) => {
        match.addExpected(3);
      },
      'length 0 instead of 3',
    ],
    [
      (match) => {
        match.compare(bytes('hello'), bytes('help!'));
      },
      'byte 3 differs',
    ],
    [
      (match) => {
        match.compare(bytes('hello'), bytes('j'));
      },
      'byte 0 differs',
    ],
    [
      (match) => {
        match.compare(bytes('abc'), bytes('abc'));
        match.compare(bytes('abc'), bytes('axc'));
        match.compare(bytes('abc'), bytes('xbc'));
      },
      'byte 4 differs',
    ],
    [
      (match) => {
        match.compareOpcodes(1, 2);
        match.compare(bytes('ab'), bytes('ac'));
        match.addActual(5);
      },
      'opcode 1 instead of 2, length 7 instead of 2, byte 1 differs',
    ],
  ] as readonly (readonly [run: (match: MessageMatch) => void, difference: string])[]) {
    const match = new MessageMatch();
    run(match);
    t.equal(match.difference, difference);
  }
});
