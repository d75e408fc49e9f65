import { runInNewContext } from 'node:vm';
import t from 'tap';
import { InvalidArgumentError } from '../../src/errors.js';
import {
  assertBytes,
  assertControlBytes,
  assertDataOpcode,
  assertFlag,
  assertFlags,
  assertRange,
  bytesOf,
  nextTextState,
} from '../../src/protocol/outgoing.js';
import { UTF8_ACCEPT } from '../../src/protocol/utf8.js';

/** Asserts that a call is refused, and with which sentence. */
function refused(call: () => void, sentence: string): void {
  t.throws(call, new InvalidArgumentError(sentence), sentence);
}

t.test('opcodes are 1 and 2', async () => {
  assertDataOpcode(1);
  assertDataOpcode(2);
  for (const [given, shown] of [
    [0, '0'],
    [3, '3'],
    [8, '8'],
    [9, '9'],
    [1.5, '1.5'],
    [NaN, 'NaN'],
    ['text', '"text"'],
    ['1', '"1"'],
    [1n, '1'],
    [undefined, 'undefined'],
    [null, 'null'],
    [true, 'true'],
    [{}, 'an object of Object'],
    [Object.create(null), 'an object'],
    [(): void => undefined, 'a function'],
    ['x'.repeat(100), `"${'x'.repeat(40)}..."`],
  ] as const) {
    refused(() => {
      assertDataOpcode(given);
    }, `the opcode of a message cannot be ${shown}: give 1 for text or 2 for binary`);
  }
});

t.test('bytes are those of a Uint8Array, whoever made it', async (t) => {
  class Own extends Uint8Array {}
  for (const bytes of [
    new Uint8Array(3),
    new Uint8Array(0),
    Buffer.from('abc'),
    Buffer.alloc(0),
    new Own(3),
    new Uint8Array(new SharedArrayBuffer(3)),
    runInNewContext('new Uint8Array(3)'),
  ])
    assertBytes(bytes);
  t.pass('taken');
  for (const [given, shown] of [
    [undefined, 'undefined'],
    [null, 'null'],
    [7, '7'],
    [[1, 2], 'an object of Array'],
    [new ArrayBuffer(3), 'an object of ArrayBuffer'],
    [new SharedArrayBuffer(3), 'an object of SharedArrayBuffer'],
    [new DataView(new ArrayBuffer(3)), 'an object of DataView'],
    [new Uint16Array(3), 'an object of Uint16Array'],
    [new Int8Array(3), 'an object of Int8Array'],
    [{ length: 3, 0: 1, 1: 2, 2: 3 }, 'an object of Object'],
    [Object.create(Uint8Array.prototype), 'an object of Uint8Array'],
    [new Proxy(new Uint8Array(3), {}), 'an object of Uint8Array'],
    [new Blob(['abc']), 'an object of Blob'],
  ] as const) {
    refused(() => {
      assertBytes(given);
    }, `what is sent cannot be ${shown}: give a Uint8Array, such as a Buffer, or a string`);
  }
  const transferred = new Uint8Array(3);
  structuredClone(transferred, { transfer: [transferred.buffer] });
  refused(() => {
    assertBytes(transferred);
  }, 'what is sent cannot be bytes whose memory was transferred');
});

t.test('a range lies within what is sent', async () => {
  for (const [start, end, length] of [
    [0, 0, 0],
    [0, 3, 3],
    [1, 2, 3],
    [3, 3, 3],
  ] as const)
    assertRange(start, end, length);
  for (const [start, end] of [
    [-1, 2],
    [0, 4],
    [2, 1],
    [4, 4],
    [0.5, 2],
    [0, NaN],
    [0, Infinity],
    ['0', 2],
    [undefined, 2],
    [0, null],
  ] as const) {
    const shown = (value: unknown): string =>
      typeof value === 'string' ? JSON.stringify(value) : String(value);
    refused(
      () => {
        assertRange(start, end, 3);
      },
      `start and end cannot be ${shown(start)} and ${shown(end)}: give whole numbers with ` +
        '0 <= start <= end <= 3, the length of what is sent',
    );
  }
});

t.test('flags are true or false', async () => {
  assertFlags(true, false);
  assertFlags(false, true);
  for (const [first, last] of [
    [1, true],
    [true, 0],
    [undefined, undefined],
  ] as const) {
    refused(
      () => {
        assertFlags(first, last);
      },
      `isFirst and isLast cannot be ${String(first)} and ${String(last)}: give true or false`,
    );
  }
});

t.test('a flag', async () => {
  assertFlag('isBinary', true);
  assertFlag('isBinary', false);
  for (const [given, shown] of [
    [1, '1'],
    [undefined, 'undefined'],
    ['true', '"true"'],
  ] as const)
    refused(() => {
      assertFlag('isBinary', given);
    }, `isBinary cannot be ${shown}: give true or false`);
});

t.test('what is sent, as bytes', async (t) => {
  t.equal(Buffer.from(bytesOf('gr\u00fc\ud800')).toString('hex'), '6772c3bcefbfbd');
  const bytes = Uint8Array.of(1);
  t.equal(bytesOf(bytes), bytes);
  refused(
    () => bytesOf([1]),
    'what is sent cannot be an object of Array: give a Uint8Array, such as a Buffer, or a string',
  );
});

t.test('payloads of control frames', async () => {
  assertControlBytes('Ping', new Uint8Array(125));
  for (const name of ['Ping', 'Pong'] as const)
    refused(() => {
      assertControlBytes(name, new Uint8Array(126));
    }, `a ${name} cannot have 126 bytes: give at most 125 (RFC 6455 5.5)`);
});

t.test('text that is sent as bytes', async (t) => {
  const sentence =
    'a text message cannot have these bytes, which are not UTF-8 (RFC 6455 8.1): send them as binary';
  const euro = Buffer.from('\u20ac');
  t.equal(nextTextState(UTF8_ACCEPT, euro, 0, 3, true), UTF8_ACCEPT);
  const inside = nextTextState(UTF8_ACCEPT, euro, 0, 2, false);
  t.equal(nextTextState(inside, euro, 2, 3, true), UTF8_ACCEPT);
  refused(() => nextTextState(UTF8_ACCEPT, euro, 0, 2, true), sentence);
  refused(() => nextTextState(UTF8_ACCEPT, euro, 1, 3, false), sentence);
});
