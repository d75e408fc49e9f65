import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { constants, deflateRawSync } from 'node:zlib';
import { DeflateCounters } from '../../../src/extensions/permessage-deflate/deflate-counters.js';
import t, { type Test } from 'tap';
import { MemoryAccount } from '../../../src/budget/memory-account.js';
import { InvalidPayloadError, MessageTooBigError, NegotiationError } from '../../../src/errors.js';
import { parseExtensionHeader } from '../../../src/extensions/header.js';
import type { ExtensionSession, Message } from '../../../src/extensions/extension.js';
import { negotiate, type Negotiated } from '../../../src/extensions/negotiation.js';
import { MessageDeflater } from '../../../src/extensions/permessage-deflate/message-deflater.js';
import { MessageInflater } from '../../../src/extensions/permessage-deflate/message-inflater.js';
import {
  permessageDeflate,
  type PermessageDeflateOptions,
  storedMessage,
} from '../../../src/extensions/permessage-deflate/permessage-deflate.js';
import {
  HELLO,
  NodeCompressor,
  RFC_PAYLOADS,
  SLICE_BYTES,
  inflateAll,
  makeMessage,
} from '../../fixtures/deflate.js';
import { CountedTurns } from '../../fixtures/counted-turns.js';
import { unexpected } from '../../fixtures/extensions.js';
import { hexOf } from '../../fixtures/hex.js';

const DEFAULTS: PermessageDeflateOptions = {
  serverMaxWindowBits: 15,
  clientMaxWindowBits: 15,
  serverNoContextTakeover: false,
  clientNoContextTakeover: false,
  level: 3,
  thresholdBytes: 0,
  memoryBytes: 2 ** 28,
  maxRatio: 0,
};

const FOLDER = '../../../src/extensions/permessage-deflate';

/** The module, with others behind it. */
interface Module {
  readonly permessageDeflate: typeof permessageDeflate;
}

const RSV1 = 4;
const MANY = 2 ** 26;

const extensionOf = (
  options: Partial<PermessageDeflateOptions> = {},
  memory = new MemoryAccount(),
) =>
  permessageDeflate({ ...DEFAULTS, ...options }, new DeflateCounters(), {
    memory,
    turns: new CountedTurns(SLICE_BYTES),
  });

/** A session that has accepted an offer. */
function open(
  options: Partial<PermessageDeflateOptions> = {},
  header = 'permessage-deflate',
): ExtensionSession {
  const session = extensionOf(options).create();
  session.init(parseExtensionHeader([header])!);
  return session;
}

const negotiated = (
  values: readonly string[],
  options: Partial<PermessageDeflateOptions> = {},
): Negotiated => negotiate([extensionOf(options)], parseExtensionHeader(values)!);

const text = (payload: Uint8Array, rsv = 0): Message => ({ opcode: 1, rsv, payload });

function atOnce(result: Message | PromiseLike<Message>): Message {
  if ('then' in result) throw new Error('it did not come at once');
  return result;
}

function later(result: Message | PromiseLike<Message>): Promise<Message> {
  if (!(result instanceof Promise)) throw new Error('it came at once');
  return result;
}

const isSame = (one: Uint8Array, other: Uint8Array): boolean => Buffer.compare(one, other) === 0;

const deflated = (message: Uint8Array): Uint8Array =>
  deflateRawSync(message, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);

// ---- Negotiation

t.test('the name, and a session for each connection', async (t) => {
  const extension = extensionOf();
  t.equal(extension.name, 'permessage-deflate');
  t.not(extension.create(), extension.create());
});

t.test('before an offer is accepted it is not enabled', async (t) => {
  const session = extensionOf().create();
  t.equal(session.enabled, false);
  t.equal(session.response(), null);
  t.equal(session.keepsPayload, false);
  session.close();
});

t.test('an offer that is accepted', async (t) => {
  const session = open({}, 'permessage-deflate; server_max_window_bits=10');
  t.equal(session.enabled, true);
  t.equal(session.response(), 'permessage-deflate; server_max_window_bits=10');
  t.equal(session.reserveRsv(0), RSV1);
  t.equal(session.reserveRsv(3), RSV1, 'the other bits are for others');
  session.close();
});

t.test('RSV1 that is taken', async (t) => {
  for (const reserved of [4, 5, 6, 7]) {
    t.throws(() => open().reserveRsv(reserved), NegotiationError);
  }
});

t.test('no offer that can be honoured', async (t) => {
  const session = extensionOf().create();
  for (const header of [
    'permessage-deflate; server_max_window_bits=16',
    'permessage-deflate; foo, permessage-deflate; server_max_window_bits',
  ]) {
    t.throws(() => {
      session.init(parseExtensionHeader([header])!);
    }, NegotiationError);
    t.equal(session.enabled, false);
    t.equal(session.response(), null);
  }
  t.throws(() => {
    session.init([]);
  }, NegotiationError);
});

/** What RFC 7692 §7 wants declined. */
const BAD_OFFERS = [
  'permessage-deflate; server_max_window_bits=16',
  'permessage-deflate; server_max_window_bits=7',
  'permessage-deflate; server_max_window_bits="16"',
  'permessage-deflate; server_max_window_bits',
  'permessage-deflate; server_max_window_bits=08',
  'permessage-deflate; server_max_window_bits=9.5',
  'permessage-deflate; client_max_window_bits=16',
  'permessage-deflate; client_max_window_bits=09',
  'permessage-deflate; server_no_context_takeover=1',
  'permessage-deflate; client_no_context_takeover=true',
  'permessage-deflate; unknown',
  'permessage-deflate; unknown=10',
  'permessage-deflate; server_max_window_bits=10; server_max_window_bits=10',
  'permessage-deflate; client_max_window_bits; client_max_window_bits',
  'permessage-deflate; server_no_context_takeover; server_no_context_takeover',
  'permessage-deflate; client_no_context_takeover; client_no_context_takeover',
];

t.test('a bad offer alone is declined, and the handshake goes on without', async (t) => {
  for (const header of BAD_OFFERS) {
    const { chain, response, declined } = negotiated([header]);
    t.equal(chain, null, header);
    t.equal(response, null);
    t.match(declined, [{ name: 'permessage-deflate', why: 'offer' }]);
  }
});

t.test('a bad offer and a good one, in one header or in two', async (t) => {
  for (const header of BAD_OFFERS) {
    for (const values of [
      [`${header}, permessage-deflate`],
      [header, 'permessage-deflate'],
      [`foo, ${header}, bar`, 'permessage-deflate, permessage-deflate; client_max_window_bits=9'],
    ]) {
      const { response, declined, chain } = negotiated(values);
      t.equal(response, 'permessage-deflate', values.join(' | '));
      t.equal(chain?.reservedRsv, RSV1);
      t.strictSame(declined, []);
      chain?.close(unexpected);
    }
  }
});

t.test('the first offer that can be honoured wins', async (t) => {
  for (const [values, response] of [
    [
      ['permessage-deflate; server_max_window_bits=9, permessage-deflate'],
      'permessage-deflate; server_max_window_bits=9',
    ],
    [['permessage-deflate, permessage-deflate; server_max_window_bits=9'], 'permessage-deflate'],
    [
      ['permessage-deflate; server_no_context_takeover', 'permessage-deflate'],
      'permessage-deflate; server_no_context_takeover',
    ],
    [
      [...BAD_OFFERS, 'permessage-deflate; client_max_window_bits="10"', 'permessage-deflate'],
      'permessage-deflate; client_max_window_bits=10',
    ],
    [
      ['permessage-deflate; client_max_window_bits; server_max_window_bits=8, x-webkit-deflate'],
      'permessage-deflate; server_max_window_bits=8',
    ],
  ] as const) {
    t.equal(negotiated(values).response, response, values.join(' | '));
  }
});

t.test('other names are not ours', async (t) => {
  for (const header of [
    'foo',
    'permessage-deflat',
    'Permessage-Deflate',
    'x-webkit-deflate-frame',
  ]) {
    t.strictSame(negotiated([header]), { chain: null, response: null, declined: [] }, header);
  }
});

t.test('what the operator allows is what is answered, and what is done', async (t) => {
  const session = open(
    {
      serverMaxWindowBits: 9,
      clientMaxWindowBits: 10,
      serverNoContextTakeover: true,
      clientNoContextTakeover: true,
    },
    'permessage-deflate; client_max_window_bits',
  );
  t.equal(
    session.response(),
    'permessage-deflate; client_no_context_takeover; client_max_window_bits=10',
  );
  // Ours are kept to, unasked.
  const hello = [1, 2].map(() => hexOf(atOnce(session.encode(text(HELLO))).payload));
  t.strictSame(hello, [hexOf(RFC_PAYLOADS.oneBlock), hexOf(RFC_PAYLOADS.oneBlock)]);
  const message = makeMessage('json', 20_000);
  const wire = Uint8Array.from(atOnce(session.encode(text(message))).payload);
  t.ok(isSame(inflateAll([wire], 9), message));
  // Theirs are forgotten.
  atOnce(session.decode(text(RFC_PAYLOADS.oneBlock, RSV1), 5));
  t.throws(() => session.decode(text(RFC_PAYLOADS.sharedWindow, RSV1), 5), InvalidPayloadError);
  session.close();
});

t.test('the level and the ratio are those of the options', async (t) => {
  const message = makeMessage('json', 100_000);
  const sizes = [1, 9].map((level) => atOnce(open({ level }).encode(text(message))).payload.length);
  t.ok(sizes[0]! > sizes[1]!, sizes.join(' > '));
  const bomb = text(deflated(makeMessage('zeros', 2 ** 21)), RSV1);
  await t.rejects(later(open({ maxRatio: 100 }).decode(bomb, MANY)), MessageTooBigError);
  const { payload } = await open({ maxRatio: 0 }).decode(bomb, MANY);
  t.equal(payload.length, 2 ** 21);
});

// ---- Messages

t.test('a message there and back', async (t) => {
  const session = open();
  for (const opcode of [1, 2] as const) {
    for (const rsv of [0, 1, 2, 3]) {
      const encoded = atOnce(session.encode({ opcode, rsv, payload: HELLO }));
      t.equal(encoded.opcode, opcode);
      t.equal(encoded.rsv, rsv | RSV1, 'the bits of others stay');
      const decoded = atOnce(session.decode(encoded, 5));
      t.equal(decoded.opcode, opcode);
      t.equal(decoded.rsv, rsv);
      t.equal(Buffer.from(decoded.payload).toString(), 'Hello');
    }
  }
  session.close();
});

t.test('the examples of RFC 7692 §7.2.3, as a server gets and sends them', async (t) => {
  const session = open();
  const { oneBlock, sharedWindow, noCompression, finalBlock, twoBlocks, empty } = RFC_PAYLOADS;
  for (const wire of [oneBlock, sharedWindow, noCompression, twoBlocks, finalBlock]) {
    const { payload } = atOnce(session.decode(text(wire, RSV1), 5));
    t.equal(Buffer.from(payload).toString(), 'Hello', hexOf(wire));
  }
  t.equal(atOnce(session.decode(text(empty, RSV1), 0)).payload.length, 0);
  const sent = [HELLO, HELLO, new Uint8Array(0)].map((payload) =>
    hexOf(atOnce(session.encode(text(payload))).payload),
  );
  t.strictSame(sent, [oneBlock, sharedWindow, empty].map(hexOf));
  session.close();
});

t.test('a message without RSV1 is returned as it is, whatever is in it', async (t) => {
  const session = open();
  for (const message of [text(HELLO), text(RFC_PAYLOADS.oneBlock, 3), text(new Uint8Array(0))]) {
    t.equal(session.decode(message, 0), message);
  }
  // It is in nobody's history (RFC 7692 §6.2).
  atOnce(session.decode(text(RFC_PAYLOADS.oneBlock, RSV1), 5));
  session.decode(text(makeMessage('random', 50_000)), MANY);
  const { payload } = atOnce(session.decode(text(RFC_PAYLOADS.sharedWindow, RSV1), 5));
  t.equal(Buffer.from(payload).toString(), 'Hello');
  session.close();
});

t.test('an empty payload with RSV1', async (t) => {
  const session = open();
  const decoded = atOnce(session.decode(text(new Uint8Array(0), RSV1), 0));
  t.equal(decoded.rsv, 0);
  t.equal(decoded.payload.length, 0);
  session.close();
});

t.test('the threshold', async (t) => {
  const session = open({ thresholdBytes: 5 });
  const encoded = (payload: Uint8Array): string => {
    const { opcode, rsv, payload: wire } = atOnce(session.encode(text(payload)));
    t.strictSame([opcode, rsv], [1, RSV1], 'each one is marked');
    return hexOf(wire);
  };
  for (const [length, wire] of [
    [0, '00'],
    [1, '00 0100 feff 48 00'],
    [4, '00 0400 fbff 48656c6c 00'],
  ] as const)
    t.equal(encoded(HELLO.subarray(0, length)), wire.replaceAll(' ', ''), `${length} bytes`);
  t.equal(encoded(HELLO), hexOf(RFC_PAYLOADS.oneBlock), 'what was not compressed is no history');
  const short = encoded(HELLO.subarray(1));
  t.notMatch(short, '656c6c6f', 'behind one that is, a small one is compressed as well');
  session.close();
  const empty = atOnce(open({ thresholdBytes: 0 }).encode(text(new Uint8Array(0))));
  t.equal(empty.rsv, RSV1);
  t.equal(hexOf(empty.payload), '00');
});

t.test('small messages without history, whatever comes between them', async (t) => {
  for (const takeover of [true, false]) {
    const session = open({ thresholdBytes: 100, serverNoContextTakeover: !takeover });
    const sent: Uint8Array[] = [];
    const plain: Uint8Array[] = [];
    for (let round = 0; round < 60; round++) {
      const message = makeMessage('json', round % 7 === 6 ? 3000 : 20 + round, round);
      const { rsv, payload } = await session.encode(text(message));
      t.equal(rsv, RSV1);
      const isStored = payload.length === message.length + 6;
      const isLate = takeover && round > 6;
      t.equal(isStored, !isLate && message.length < 100, `${round}: ${payload.length} bytes`);
      sent.push(Uint8Array.from(payload));
      plain.push(message);
    }
    t.ok(isSame(inflateAll(sent), Buffer.concat(plain)), `takeover: ${takeover}`);
    session.close();
  }
});

t.test('uncompressed, small and large messages of a peer, in turns', async (t) => {
  const session = open({ thresholdBytes: 100 });
  const peer = new NodeCompressor();
  const sent: Uint8Array[] = [];
  const plain: Uint8Array[] = [];
  for (let round = 0; round < 30; round++) {
    const message = makeMessage('json', [50, 3000, 300_000][round % 3]!, round);
    const isCompressed = round % 4 !== 0;
    const wire = isCompressed ? await peer.compress(message) : message;
    const decoded = await session.decode(text(wire, isCompressed ? RSV1 : 0), 300_000);
    t.equal(decoded.rsv, 0);
    t.ok(isSame(decoded.payload, message), `in, ${round}`);
    const encoded = await session.encode(decoded);
    t.equal(encoded.rsv, RSV1);
    sent.push(Uint8Array.from(encoded.payload));
    plain.push(message);
  }
  t.ok(isSame(inflateAll(sent), Buffer.concat(plain)), 'out');
  await peer.close();
  session.close();
});

t.test('a large message comes behind a promise, with its bits and its opcode', async (t) => {
  const session = open();
  const message = makeMessage('json', 3 * SLICE_BYTES);
  const encoded = await later(session.encode({ opcode: 2, rsv: 1, payload: message }));
  const wire = { ...encoded, payload: Uint8Array.from(encoded.payload) };
  t.strictSame([wire.opcode, wire.rsv], [2, 5]);
  const decoded = await later(session.decode(wire, message.length));
  t.strictSame([decoded.opcode, decoded.rsv], [2, 1]);
  t.ok(isSame(decoded.payload, message));
  session.close();
});

t.test('what is wrong is said in the words of the peer’s fault', async (t) => {
  const failure = async (payload: Uint8Array, maxBytes: number): Promise<unknown> => {
    try {
      return await open().decode(text(payload, RSV1), maxBytes);
    } catch (error) {
      return error;
    }
  };
  const garbage = await failure(Buffer.from('garbage'), MANY);
  t.ok(garbage instanceof InvalidPayloadError);
  t.match(garbage, { rule: 'deflate-data', closeCode: 1007 });
  const bomb = deflated(makeMessage('zeros', 64 * 2 ** 20));
  for (const limitBytes of [100, 16 * 2 ** 20]) {
    const tooBig = await failure(bomb, limitBytes);
    t.ok(tooBig instanceof MessageTooBigError);
    t.match(tooBig, { rule: 'message-too-big', closeCode: 1009, limitBytes });
  }
});

t.test('sessions of one extension share work and memory, and nothing else', async (t) => {
  const extension = extensionOf({ memoryBytes: 300_000 });
  const sessions = [1, 2, 3].map(() => extension.create());
  for (const session of sessions) session.init([{ name: 'permessage-deflate', params: [] }]);
  const wires = sessions.map((): Uint8Array[] => []);
  for (let round = 0; round < 4; round++) {
    for (const [index, session] of sessions.entries()) {
      const { payload } = atOnce(session.encode(text(HELLO)));
      wires[index]!.push(Uint8Array.from(payload));
      // There is memory for one: the history of each goes with the next one's message.
      t.equal(hexOf(payload), hexOf(RFC_PAYLOADS.oneBlock));
    }
  }
  for (const wire of wires) t.equal(inflateAll(wire).toString(), 'HelloHelloHelloHello');
  const large = makeMessage('json', 2 * SLICE_BYTES);
  await Promise.all(
    sessions.map(async (session, index) => {
      const { payload } = await session.encode(text(large));
      wires[index]!.push(Uint8Array.from(payload));
    }),
  );
  for (const wire of wires) t.ok(isSame(inflateAll(wire).subarray(20), large));
  for (const session of sessions) session.close();
});

// ---- The end

t.test('the ratios', async (t) => {
  const none = { ratioIn: null, ratioOut: null };
  t.strictSame(extensionOf().create().stats, none);
  const session = open({ thresholdBytes: 5 });
  t.strictSame(session.stats, none, 'no message');
  session.decode(text(HELLO), 5);
  session.encode(text(HELLO.subarray(1)));
  t.strictSame(session.stats, none, 'none that was compressed');
  session.decode(text(new Uint8Array(0), RSV1), 5);
  t.strictSame(session.stats, none, 'nothing is no ratio');
  session.encode(text(HELLO));
  t.strictSame(session.stats, { ratioIn: null, ratioOut: 0.71 }, '5 bytes in 7');
  session.encode(text(HELLO));
  t.strictSame(session.stats, { ratioIn: null, ratioOut: 0.83 }, '10 bytes in 12');
  session.decode(text(RFC_PAYLOADS.noCompression, RSV1), 5);
  t.strictSame(session.stats, { ratioIn: 0.45, ratioOut: 0.83 }, '5 bytes in 11');
  const zeros = makeMessage('zeros', 2 ** 20);
  const wire = deflated(zeros);
  const decoding = later(session.decode(text(wire, RSV1), 2 ** 20));
  const encoding = later(session.encode(text(zeros)));
  t.strictSame(session.stats, { ratioIn: 0.45, ratioOut: 0.83 }, 'what is not through');
  await decoding;
  const sentBytes = 12 + (await encoding).payload.length;
  t.strictSame(session.stats, {
    ratioIn: Math.round(((2 ** 20 + 5) / (wire.length + 11)) * 100) / 100,
    ratioOut: Math.round(((2 ** 20 + 10) / sentBytes) * 100) / 100,
  });
  const before = session.stats;
  t.throws(() => session.decode(text(Buffer.from('garbage'), RSV1), 5));
  t.strictSame(session.stats, before, 'what was no good');
  session.close();
  t.strictSame(session.stats, before, 'they can be asked for at the end');
});

t.test('a connection that ends in the middle of messages', async (t) => {
  const extension = extensionOf();
  const [session, other] = [extension.create(), extension.create()];
  for (const one of [session, other]) one.init([{ name: 'permessage-deflate', params: [] }]);
  const message = makeMessage('json', 5 * SLICE_BYTES);
  const wire = deflated(message);
  const encoding = later(session.encode(text(message)));
  const decoding = later(session.decode(text(wire, RSV1), MANY));
  const behind = later(other.decode(text(wire, RSV1), MANY)).then(({ payload }) =>
    isSame(payload, message),
  );
  await nextTurn();
  session.close();
  // They come to an end, since somebody may wait for them, but no work is done for it.
  t.equal(hexOf((await encoding).payload), '00');
  t.equal((await decoding).payload.length, 0);
  t.equal(await behind, true, 'others are not touched');
  other.close();
});

t.test('a connection that ends before anything was done', async (t) => {
  const untouched = open();
  t.doesNotThrow(() => {
    untouched.close();
  });
  const oneWay = open();
  atOnce(oneWay.encode(text(HELLO)));
  t.doesNotThrow(() => {
    oneWay.close();
  });
});

/** What a session says that it holds. */
const heldBytesOf = (session: ExtensionSession): number => session.heldBytes!;

t.test('what sessions hold is charged, and given back', async (t) => {
  const memory = new MemoryAccount();
  const extension = extensionOf({}, memory);
  const sessions = [1, 2, 3].map(() => extension.create());
  const message = makeMessage('json', 2 * 2 ** 20);
  const wire = deflated(message);
  for (const session of sessions) {
    session.init([{ name: 'permessage-deflate', params: [] }]);
    t.equal(heldBytesOf(session), 0);
    atOnce(session.encode(text(HELLO)));
    atOnce(session.decode(text(RFC_PAYLOADS.oneBlock, RSV1), 5));
    t.ok(heldBytesOf(session) > 300_000, 'a compressor and a decompressor');
  }
  const held = (): number => sessions.reduce((sum, session) => sum + heldBytesOf(session), 0);
  t.equal(memory.bytes, held(), 'nothing else');
  const idleBytes = held();
  const [first, second, third] = sessions.map((session) =>
    later(session.decode(text(wire, RSV1), MANY)),
  );
  await nextTurn();
  t.ok(memory.bytes >= held() && held() > idleBytes, 'what waits is charged too');
  await Promise.all([first, second]);
  sessions[2]!.close();
  await third;
  await nextTurn();
  await nextTurn();
  t.ok(memory.bytes - held() <= 2 ** 20, 'and at most 1 MiB of the room is kept');
  const roomBytes = memory.bytes - held();
  for (const session of sessions) session.close();
  t.equal(memory.bytes, roomBytes, 'nothing is left of the sessions');
  t.equal(held(), 0);
});

t.test('a large message for several others comes to all of them as it was', async (t) => {
  // As a broadcast does: one result of the room is given to several compressors at once.
  const extension = extensionOf();
  const sessions = [1, 2, 3, 4].map(() => extension.create());
  for (const session of sessions) session.init([{ name: 'permessage-deflate', params: [] }]);
  const messages = [1, 2].map((seed) => makeMessage('random', 2 ** 20, seed));
  const wires = messages.map((message) => text(deflated(message), RSV1));
  const { payload } = await sessions[0]!.decode(wires[0]!, MANY);
  const encoding = sessions
    .slice(1)
    .map(async (session) => Uint8Array.from((await session.encode(text(payload))).payload));
  // Another large message is already there to take the room.
  const decoded = await sessions[0]!.decode(wires[1]!, MANY);
  t.ok(isSame(decoded.payload, messages[1]!), 'the next one');
  for (const wire of await Promise.all(encoding)) t.ok(isSame(inflateAll([wire]), messages[0]!));
  for (const session of sessions) session.close();
});

// ---- A Node whose internals are not usable

t.test('where the handle is not usable, the public way is taken', async (t) => {
  const asked: boolean[] = [];
  const mocked = await mockContexts(t, asked);
  const extension = mocked.permessageDeflate(DEFAULTS);
  const session = extension.create();
  session.init([{ name: 'permessage-deflate', params: [] }]);
  const hello = [1, 2].map(() => hexOf(atOnce(session.encode(text(HELLO))).payload));
  t.strictSame(hello, [RFC_PAYLOADS.oneBlock, RFC_PAYLOADS.sharedWindow].map(hexOf));
  for (const content of ['json', 'random', 'zeros'] as const) {
    const message = makeMessage(content, 400_000);
    const encoded = await session.encode(text(message));
    const wire = text(Uint8Array.from(encoded.payload), encoded.rsv);
    t.ok(isSame((await session.decode(wire, 400_000)).payload, message), content);
  }
  t.strictSame(asked, [false, false]);
  session.close();
});

/** @param asked whether the handle was to be used, each time */
const mockContexts = (t: Test, asked: boolean[]): Promise<Module> => {
  class NotedDeflater extends MessageDeflater {
    constructor(...args: ConstructorParameters<typeof MessageDeflater>) {
      super(...args);
      asked.push(args[1].isSync);
    }
  }
  class NotedInflater extends MessageInflater {
    constructor(...args: ConstructorParameters<typeof MessageInflater>) {
      super(...args);
      asked.push(args[1].isSync);
    }
  }
  return t.mockImport<Module>(`${FOLDER}/permessage-deflate.js`, {
    [`${FOLDER}/zlib-context.js`]: { isSyncContextUsable: () => false },
    [`${FOLDER}/message-deflater.js`]: { MessageDeflater: NotedDeflater },
    [`${FOLDER}/message-inflater.js`]: { MessageInflater: NotedInflater },
  });
};

// ---- Stored blocks

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

t.test('what all sessions do is counted in one place', async (t) => {
  const counters = new DeflateCounters();
  t.equal(counters.budget, null);
  const extension = permessageDeflate(DEFAULTS, counters);
  t.equal(counters.budget?.liveCount, 0);
  const sessions = [extension.create(), extension.create()];
  const plain = Buffer.alloc(1000, 'abc');
  let wireBytes = 0;
  for (const session of sessions) {
    session.init(parseExtensionHeader(['permessage-deflate'])!);
    wireBytes += atOnce(session.encode(text(plain))).payload.length;
    atOnce(session.decode(text(deflated(plain), RSV1), MANY));
  }
  t.match(counters, {
    plainBytesOut: 2000,
    wireBytesOut: wireBytes,
    plainBytesIn: 2000,
    wireBytesIn: 2 * deflated(plain).length,
    inflaters: 2,
    budget: { liveCount: 2 },
  });
  for (const session of sessions) {
    session.close();
    session.close();
  }
  t.match(counters, { inflaters: 0, budget: { liveCount: 0 } });
});
