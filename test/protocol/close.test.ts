import t from 'tap';
import {
  ExtensionError,
  HandshakeError,
  InvalidArgumentError,
  InvalidPayloadError,
  InvalidStateError,
  MessageTooBigError,
  NegotiationError,
  PolicyError,
  ProtocolError,
} from '../../src/errors.js';
import {
  canReceive,
  canSendData,
  CloseCode,
  closeStatusOf,
  ClosingEvent,
  ClosingState,
  assertSendableCloseCode,
  isSendableCloseCode,
  nextClosingState,
  parseClosePayload,
  serializeClosePayload,
} from '../../src/protocol/close.js';
import { GuardedBytes } from '../fixtures/guarded-bytes.js';
import { bytesOfHex, hexOf } from '../fixtures/hex.js';
import { Mismatches } from '../fixtures/mismatches.js';
import { SeededRandom } from '../fixtures/seeded-random.js';
import { encodeInBytes, utf8Length } from '../fixtures/utf8-oracle.js';

/** Codes that may stand in a Close frame: RFC 6455 §7.4.1, §7.4.2 and the IANA registry. */
const SENDABLE = new Set([
  ...[1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014],
  ...Array.from({ length: 2000 }, (_, index) => 3000 + index),
]);

/** What a Close payload is read as, or the rule that it breaks. */
function parsed(bytes: Uint8Array, start = 0, end = bytes.length): string {
  try {
    const { code, reason } = parseClosePayload(bytes, start, end);
    return `${code} ${JSON.stringify(reason)}`;
  } catch (error) {
    if (error instanceof ProtocolError || error instanceof InvalidPayloadError) return error.rule;
    throw error;
  }
}

/** The payload of a Close with this code and these bytes as its reason. */
function payloadOf(code: number, reasonHex: string): Uint8Array {
  return bytesOfHex(code.toString(16).padStart(4, '0') + reasonHex);
}

/** UTF-8 of as many whole characters of a reason as fit; a lone surrogate counts as U+FFFD. */
function cutReason(reason: string): string {
  let hex = '';
  for (const character of reason) {
    const codePoint = character.codePointAt(0)!;
    const scalar = codePoint >= 0xd800 && codePoint <= 0xdfff ? 0xfffd : codePoint;
    const next = hex + hexOf(encodeInBytes(scalar, utf8Length(scalar)));
    if (next.length / 2 > 123) break;
    hex = next;
  }
  return hex;
}

t.test('§7.4.1: the codes by name', async (t) => {
  t.strictSame(CloseCode, {
    Normal: 1000,
    GoingAway: 1001,
    ProtocolError: 1002,
    UnsupportedData: 1003,
    NoCode: 1005,
    Abnormal: 1006,
    InvalidPayload: 1007,
    PolicyViolation: 1008,
    MessageTooBig: 1009,
    InternalError: 1011,
    TryAgainLater: 1013,
  });
});

t.test('§7.4: every code that fits into a Close frame', async (t) => {
  const mismatches = new Mismatches();
  for (let code = 0; code <= 65_535; code++) {
    const isSendable = SENDABLE.has(code);
    const name = () => `${code}`;
    mismatches.compare(isSendableCloseCode(code), isSendable, name);
    mismatches.compare(parsed(payloadOf(code, '')), isSendable ? `${code} ""` : 'close-code', name);
  }
  mismatches.assertNone(t, 65_536 * 2, 'codes');
});

t.test('§7.4: numbers that fit into no Close frame', async (t) => {
  for (const code of [-1, -1000, 65_536, 65_536 + 1000, 2 ** 32 + 1000, NaN, Infinity, -Infinity]) {
    t.equal(isSendableCloseCode(code), false, `${code}`);
    t.throws(() => serializeClosePayload(code, ''), InvalidStateError);
  }
});

t.test('§7.4: the bounds of the ranges', async (t) => {
  for (const [code, isSendable] of [
    [999, false],
    [1000, true],
    [1003, true],
    [1004, false],
    [1005, false],
    [1006, false],
    [1007, true],
    [1014, true],
    [1015, false],
    [1016, false],
    [2999, false],
    [3000, true],
    [3999, true],
    [4000, true],
    [4999, true],
    [5000, false],
  ] as const) {
    t.equal(isSendableCloseCode(code), isSendable, `${code}`);
  }
});

t.test('§7.1.5: an empty payload stands for 1005', async (t) => {
  t.equal(parsed(new Uint8Array(0)), '1005 ""');
  t.equal(parsed(bytesOfHex('03 e8 41'), 2, 2), '1005 ""', 'an empty range');
});

t.test('§5.5.1: a payload of one byte is refused, whatever it is', async (t) => {
  const mismatches = new Mismatches();
  for (let byte = 0; byte < 256; byte++) {
    mismatches.compare(parsed(Uint8Array.of(byte)), 'close-payload-length', () => `${byte}`);
  }
  mismatches.assertNone(t, 256, 'payloads of one byte');
  t.throws(() => parseClosePayload(bytesOfHex('03'), 0, 1), ProtocolError);
  t.equal(parsed(bytesOfHex('ff ff 03 e8 ff'), 2, 3), 'close-payload-length', 'in a range');
});

t.test('§5.5.1: code and reason', async (t) => {
  t.equal(parsed(bytesOfHex('03 e8')), '1000 ""');
  t.equal(parsed(bytesOfHex('03 e8 62 79 65')), '1000 "bye"');
  t.equal(parsed(bytesOfHex('0f a0 c3 a9 e2 82 ac f0 9f 98 80')), '4000 "é€😀"');
  t.equal(parsed(bytesOfHex('03 e8 00')), '1000 "\\u0000"');
  t.equal(parsed(payloadOf(1001, '61'.repeat(123))), `1001 "${'a'.repeat(123)}"`);
  t.throws(() => parseClosePayload(payloadOf(1005, ''), 0, 2), ProtocolError);
});

t.test('§5.5.1: only what is in range is read', async (t) => {
  for (let byteOffset = 0; byteOffset < 4; byteOffset++) {
    const guarded = new GuardedBytes(bytesOfHex('ff ff 03 e8 68 69 ff ff'), byteOffset);
    t.equal(parsed(guarded.bytes, 2, 6), '1000 "hi"');
    t.equal(parsed(guarded.bytes, 2, 4), '1000 ""');
    t.ok(guarded.isIntact);
    t.equal(hexOf(guarded.bytes), 'ffff03e86869ffff');
  }
});

t.test('§5.5.1: a reason that begins with U+FEFF keeps it', async (t) => {
  t.equal(parseClosePayload(bytesOfHex('03 e8 ef bb bf'), 0, 5).reason, '\ufeff');
  t.equal(parseClosePayload(bytesOfHex('03 e8 ef bb bf 41'), 0, 6).reason, '\ufeffA');
  t.equal(
    parseClosePayload(bytesOfHex('03 e8 ef bb bf ef bb bf'), 0, 8).reason,
    '\ufeff\ufeff',
    'two of them',
  );
  const { reason } = parseClosePayload(bytesOfHex('03 e8 ef bb bf 41'), 0, 6);
  t.equal(hexOf(serializeClosePayload(1000, reason)), '03e8efbbbf41', 'and is echoed with it');
});

t.test('§5.5.1: a reason that is not UTF-8 is refused', async (t) => {
  for (const reason of [
    ...['80', 'bf', 'c0 af', 'c1 81', 'c3', 'e2 82', 'f0 9f 98', 'ed a0 80', 'ed bf bf'],
    ...['f4 90 80 80', 'f5 80 80 80', 'fe', 'ff', 'e0 9f bf', 'f0 8f bf bf', 'c3 28'],
    ...['61 62 63 c3', '61 ff', '61'.repeat(122) + 'c3', '61'.repeat(122) + 'ff'],
    'e2 82 ac'.repeat(40) + 'e2 82',
  ]) {
    const payload = payloadOf(1000, reason);
    t.equal(parsed(payload), 'close-reason-not-utf8', reason);
    t.throws(() => parseClosePayload(payload, 0, payload.length), InvalidPayloadError);
  }
});

t.test('§5.5.1: non-characters are UTF-8 all the same', async (t) => {
  t.equal(parseClosePayload(payloadOf(1000, 'ef bf be'), 0, 5).reason, '\ufffe');
  t.equal(parseClosePayload(payloadOf(1000, 'ef bf bf'), 0, 5).reason, '\uffff');
  t.equal(parseClosePayload(payloadOf(1000, 'f4 8f bf bf'), 0, 6).reason, '\u{10ffff}');
});

t.test('§5.5.1: the reason does not change with the bytes that it came from', async (t) => {
  const bytes = bytesOfHex('03 e8 62 79 65');
  const status = parseClosePayload(bytes, 0, 5);
  bytes.fill(0x21);
  t.strictSame(status, { code: 1000, reason: 'bye' });
});

t.test('§5.5.1: every code is written, or refused', async (t) => {
  const mismatches = new Mismatches();
  for (let code = 0; code <= 65_535; code++) {
    let actual: string;
    try {
      actual = hexOf(serializeClosePayload(code, 'x'));
    } catch (error) {
      if (!(error instanceof InvalidStateError)) throw error;
      actual = 'refused';
    }
    const isRefused = !SENDABLE.has(code) && code !== 1005;
    const expected = isRefused ? 'refused' : code === 1005 ? '' : hexOf(payloadOf(code, '78'));
    mismatches.compare(actual, expected, () => `${code}`);
  }
  mismatches.assertNone(t, 65_536, 'codes');
});

t.test('§7.4: a code that must not be sent is refused before anything is written', async (t) => {
  const mismatches = new Mismatches();
  const odd = [-1, 1000.5, 4998.5, 65_536 + 1000, NaN, Infinity, -Infinity];
  for (const code of [...Array(65_536).keys(), ...odd]) {
    let actual = 'taken';
    try {
      assertSendableCloseCode(code);
    } catch (error) {
      if (!(error instanceof InvalidStateError)) throw error;
      actual = error.message;
    }
    const isTaken = SENDABLE.has(code) || code === 1005;
    const expected = isTaken ? 'taken' : `close code ${code} must not be sent`;
    mismatches.compare(actual, expected, () => `${code}`);
  }
  mismatches.assertNone(t, 65_536 + odd.length, 'codes');
});

t.test('§7.1.5: 1005 makes an empty payload, whatever the reason', async (t) => {
  t.equal(serializeClosePayload(1005, '').length, 0);
  t.equal(serializeClosePayload(1005, 'never sent').length, 0);
});

t.test('§5.5: a reason of up to 123 bytes is whole, a longer one is cut', async (t) => {
  for (const length of [0, 1, 122, 123]) {
    const reason = 'r'.repeat(length);
    t.equal(hexOf(serializeClosePayload(1008, reason)), `03f0${'72'.repeat(length)}`);
  }
  for (const length of [124, 125, 126, 1000, 70_000]) {
    t.equal(hexOf(serializeClosePayload(1008, 'r'.repeat(length))), `03f0${'72'.repeat(123)}`);
  }
});

t.test('§5.5.1: a reason is cut between two characters', async (t) => {
  const mismatches = new Mismatches();
  const characters = ['a', 'é', '€', '😀', '\ud83d', '\ude00', '\ude00\ud83d', '\ufeff', '\0'];
  const pairs = characters.flatMap((one) => characters.map((other) => one + other));
  for (const pair of pairs) {
    for (let padding = 112; padding <= 125; padding++) {
      for (const pad of ['a', '\u00e9', '€']) {
        // A pad of two or three bytes fills up with ASCII in front.
        const width = utf8Length(pad.codePointAt(0)!);
        const reason = 'a'.repeat(padding % width) + pad.repeat(padding / width) + pair + 'z';
        mismatches.compare(
          hexOf(serializeClosePayload(1000, reason)),
          `03e8${cutReason(reason)}`,
          () => `${padding} bytes of ${pad} and ${JSON.stringify(pair)}`,
        );
      }
    }
  }
  mismatches.assertNone(t, 81 * 14 * 3, 'cuts');
});

t.test('§5.5.1: examples of cuts', async (t) => {
  const a = (count: number) => 'a'.repeat(count);
  for (const [reason, lastBytes, length] of [
    [`${a(121)}é`, 'c3a9', 125],
    [`${a(122)}é`, '6161', 124],
    [`${a(120)}€`, 'e282ac', 125],
    [`${a(121)}€`, '6161', 123],
    [`${a(119)}😀`, 'f09f9880', 125],
    [`${a(120)}😀`, '6161', 122],
    [`${a(122)}😀`, '6161', 124],
  ] as const) {
    const payload = serializeClosePayload(1000, reason);
    t.equal(payload.length, length);
    t.equal(hexOf(payload).slice(-lastBytes.length), lastBytes);
  }
});

t.test('§5.5.1: a lone surrogate becomes U+FFFD', async (t) => {
  t.equal(hexOf(serializeClosePayload(1000, '\ud800')), '03e8efbfbd');
  t.equal(hexOf(serializeClosePayload(1000, '\udfff')), '03e8efbfbd');
  t.equal(hexOf(serializeClosePayload(1000, 'a\ud83db')), '03e861efbfbd62');
  t.equal(hexOf(serializeClosePayload(1000, '\ude00\ud83d')), '03e8efbfbdefbfbd');
  const cut = serializeClosePayload(1000, `${'a'.repeat(121)}\ud83d`);
  t.equal(cut.length, 123, 'or is left out when that does not fit');
});

t.test('§5.5.1: nothing but the payload is in its buffer', async (t) => {
  // A Close frame must never carry what was in memory before.
  const payload = serializeClosePayload(1000, `${'a'.repeat(120)}😀`);
  const whole = new Uint8Array(payload.buffer);
  t.ok(whole.length <= 125);
  t.ok(whole.subarray(payload.byteOffset + payload.length).every((byte) => byte === 0));
  const other = serializeClosePayload(1001, 'b');
  t.not(other.buffer, payload.buffer);
  t.equal(hexOf(payload), `03e8${'61'.repeat(120)}`, 'a second payload leaves the first alone');
});

t.test('§5.5.1: what is written reads as it was, or as much as fits', async (t) => {
  const mismatches = new Mismatches();
  const random = new SeededRandom(13);
  const characters = ['a', '\n', 'é', '€', '😀', '\ufeff', '\uffff', '\u{10ffff}', '\ud7ff'];
  const codes = [...SENDABLE];
  for (let round = 0; round < 1000; round++) {
    const code = random.pick(codes);
    const length = random.below(80);
    const reason = Array.from({ length }, () => random.pick(characters)).join('');
    const payload = serializeClosePayload(code, reason);
    const status = parseClosePayload(payload, 0, payload.length);
    mismatches.compare(status.code, code, () => `${code}`);
    mismatches.compare(reason.startsWith(status.reason), true, () => JSON.stringify(reason));
    const missing = hexOf(new TextEncoder().encode(reason)).length / 2 + 2 - payload.length;
    const isCutLate = missing === 0 || payload.length > 125 - 4;
    mismatches.compare(isCutLate, true, () => `${payload.length} bytes of ${reason.length}`);
  }
  mismatches.assertNone(t, 3000, 'round trips');
});

t.test('RFC 6455 §7.4: a code is a whole number', (t) => {
  for (const code of [1000.5, 3000.5, 4998.5, Number.NaN]) {
    t.equal(isSendableCloseCode(code), false, String(code));
    t.throws(() => serializeClosePayload(code, ''), InvalidStateError, String(code));
  }
  t.end();
});

t.test('RFC 6455 §7.4.1: every error class has its close code, and what is ours has 1011', (t) => {
  t.equal(closeStatusOf(new ProtocolError('reserved-bit')).code, 1002);
  t.equal(closeStatusOf(new InvalidPayloadError('text-not-utf8')).code, 1007);
  t.equal(closeStatusOf(new InvalidPayloadError('deflate-data')).code, 1007);
  t.equal(
    closeStatusOf(new InvalidPayloadError('extension-data', 'a reason of its own')).code,
    1007,
  );
  t.equal(closeStatusOf(new PolicyError('too-many-fragments')).code, 1008);
  t.equal(closeStatusOf(new MessageTooBigError(1)).code, 1009);
  for (const error of [
    ...[new InvalidStateError('ours'), new ExtensionError('ours'), new NegotiationError('ours')],
    ...[new HandshakeError('internal'), new Error('ours'), 'thrown', undefined, null, 1007],
    // A code by itself makes nobody guilty: the chain of extensions decides whose fault it is.
    new ExtensionError('ours', { cause: new MessageTooBigError(1) }),
    ...[{ closeCode: 1007 }, Object.assign(new Error('ours'), { closeCode: 1009 })],
  ]) {
    t.equal(closeStatusOf(error).code, 1011);
  }
  t.end();
});

t.test('a reason is a text', async (t) => {
  const serialize = serializeClosePayload as (code: number, reason: unknown) => Uint8Array;
  t.throws(
    () => serialize(1000, 7),
    new InvalidArgumentError('a close reason cannot be 7: give a string'),
  );
});

t.test('an error of a peer that says what cannot be sent is ours', async (t) => {
  const thrown = (): never => {
    throw new Error('no');
  };
  const ours = { code: 1011, reason: 'internal error' };
  const error = (): PolicyError => new PolicyError('output-limit');
  t.strictSame(closeStatusOf(Object.assign(error(), { closeCode: 1006 })), ours);
  t.strictSame(closeStatusOf(Object.assign(error(), { message: 7 })), ours);
  t.strictSame(closeStatusOf(Object.defineProperty(error(), 'message', { get: thrown })), ours);
  t.strictSame(closeStatusOf(new Proxy(error(), { getPrototypeOf: thrown })), ours);
});

const { Open, CloseSent, CloseOwed, Closed } = ClosingState;
const STATES = Object.values(ClosingState);
const EVENTS = Object.values(ClosingEvent);

t.test('the states and events are different numbers', (t) => {
  t.equal(new Set(STATES).size, 4);
  t.equal(new Set(EVENTS).size, 5);
  t.end();
});

t.test('every transition (RFC 6455 §7.1)', (t) => {
  const { SendClose, ReceiveClose, Fail, Eof, HoldFailure } = ClosingEvent;
  const table = [
    [Open, SendClose, CloseSent, 'we begin'],
    [Open, ReceiveClose, CloseOwed, 'the peer begins'],
    [Open, Fail, Closed, 'we fail the connection'],
    [Open, Eof, Closed, 'the peer vanished'],
    [Open, HoldFailure, CloseOwed, 'the peer does wrong while answers are on their way'],
    [CloseSent, SendClose, CloseSent, 'a second Close is not sent'],
    [CloseSent, ReceiveClose, Closed, 'the peer answers'],
    [CloseSent, Fail, Closed, 'the peer does wrong instead of answering'],
    [CloseSent, Eof, Closed, 'the peer vanished instead of answering'],
    [CloseSent, HoldFailure, CloseSent, 'no answer is left that a failure could wait for'],
    [CloseOwed, SendClose, Closed, 'we answer'],
    [CloseOwed, ReceiveClose, CloseOwed, 'nothing is read after a Close'],
    [CloseOwed, Fail, Closed, 'we fail instead of answering'],
    [CloseOwed, Eof, CloseOwed, 'our answer is still owed'],
    [CloseOwed, HoldFailure, CloseOwed, 'nothing is read that could be wrong'],
    [Closed, SendClose, Closed, 'closed stays closed'],
    [Closed, ReceiveClose, Closed, 'closed stays closed'],
    [Closed, Fail, Closed, 'closed stays closed'],
    [Closed, Eof, Closed, 'closed stays closed'],
    [Closed, HoldFailure, Closed, 'closed stays closed'],
  ] as const;
  t.equal(table.length, STATES.length * EVENTS.length, 'the table is complete');
  for (const [state, event, next, why] of table) {
    t.equal(nextClosingState(state, event), next, `${state} on ${event}: ${why}`);
  }
  t.end();
});

t.test('data is sent until our Close has been (RFC 6455 §5.5.1)', (t) => {
  t.strictSame([Open, CloseSent, CloseOwed, Closed].map(canSendData), [true, false, true, false]);
  t.end();
});

t.test('what arrives is looked at until the Close of the peer (RFC 6455 §5.5.1)', (t) => {
  t.strictSame([Open, CloseSent, CloseOwed, Closed].map(canReceive), [true, true, false, false]);
  t.end();
});

t.test('no event gives back what a Close took', (t) => {
  for (const state of STATES) {
    for (const event of EVENTS) {
      const next = nextClosingState(state, event);
      if (!canSendData(state)) t.notOk(canSendData(next), `${state} on ${event}: sending`);
      if (!canReceive(state)) t.notOk(canReceive(next), `${state} on ${event}: receiving`);
    }
  }
  t.end();
});
