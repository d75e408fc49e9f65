import { Buffer } from 'node:buffer';
import * as zlib from 'node:zlib';
import t, { type Test } from 'tap';
import type * as zlibContext from '../../../src/extensions/permessage-deflate/zlib-context.js';
import {
  TAIL,
  isSyncContextUsable,
  makeCompressor,
  makeDecompressor,
  type ZlibContext,
} from '../../../src/extensions/permessage-deflate/zlib-context.js';
import {
  ALL_CONTENTS,
  HELLO,
  RFC_PAYLOADS,
  TAIL_BYTES,
  inflateAll,
  makeMessage,
  referenceInflate,
  referenceInflateAll,
  repeated,
  storedBlock,
} from '../../fixtures/deflate.js';
import { bytesOfHex, hexOf } from '../../fixtures/hex.js';

/** How the two kinds of context are called in the names of tests. */
const KINDS = [
  ['handle', true],
  ['public', false],
] as const;

const WINDOWS = [8, 9, 10, 11, 12, 13, 14, 15];
/** More than anything here. */
const MANY = { maxBytes: 2 ** 24 };

/** Runs a context over a whole input, `outputBytes` at a time. @returns all that came out */
function run(
  context: ZlibContext,
  input: Uint8Array,
  isFlush = true,
  outputBytes = 2 ** 16,
): Buffer {
  const parts: Buffer[] = [];
  let from = 0;
  for (;;) {
    const output = Buffer.alloc(outputBytes + 2, 0xee);
    const { consumed, produced } = context.step(
      input,
      from,
      input.length,
      output,
      1,
      outputBytes + 1,
      isFlush,
    );
    if (output[0] !== 0xee || output[outputBytes + 1] !== 0xee) throw new Error('out of bounds');
    parts.push(output.subarray(1, 1 + produced));
    from += consumed;
    if (produced < outputBytes) break;
  }
  if (from !== input.length) throw new Error(`stopped at ${from} of ${input.length}`);
  return Buffer.concat(parts);
}

/** A compressed message, with its tail. */
const withTail = (wire: Uint8Array): Buffer => Buffer.concat([wire, TAIL_BYTES]);

t.test('the decoder that the tests compare with reads the examples of RFC 7692', async (t) => {
  const { oneBlock, sharedWindow, noCompression, finalBlock, twoBlocks, empty } = RFC_PAYLOADS;
  for (const [name, wires, count, types] of [
    ['§7.2.3.1', [oneBlock], 1, '1 0'],
    ['§7.2.3.2', [oneBlock, sharedWindow], 2, '1 0 1 0'],
    ['§7.2.3.3', [noCompression], 1, '0 0'],
    ['§7.2.3.4', [finalBlock], 1, '1! 0'],
    ['§7.2.3.5', [twoBlocks], 1, '1 0 1 0'],
    ['§7.2.3.6', [empty], 0, '0'],
  ] as const) {
    const { output, blocks } = referenceInflateAll(wires);
    t.equal(hexOf(output), hexOf(repeated(HELLO, count)), name);
    t.equal(blocks.map(({ isFinal, type }) => `${type}${isFinal ? '!' : ''}`).join(' '), types);
  }
  t.equal(referenceInflateAll([oneBlock, sharedWindow]).maxDistance, 5);
  for (const wrong of ['07', '00 05 00 fa fe', 'f2 48', 'f2 00 11 00 00']) {
    t.throws(() => referenceInflate(bytesOfHex(wrong)), wrong);
  }
  for (const content of ALL_CONTENTS) {
    const message = makeMessage(content, 40_000);
    for (const level of [1, 6, 9]) {
      const { output } = referenceInflate(zlib.deflateRawSync(message, { level }));
      t.equal(Buffer.compare(output, message), 0, `${content} of zlib, level ${level}`);
    }
  }
});

t.test('the tail (RFC 7692 §7.2.1)', async (t) => {
  t.equal(hexOf(TAIL), '0000ffff');
});

t.test("Node's handle is usable here", async (t) => {
  t.equal(isSyncContextUsable(), true);
});

for (const [kind, isSync] of KINDS) {
  const compressor = (windowBits = 15, level = 6): ZlibContext =>
    makeCompressor({ windowBits, level }, isSync);
  const decompressor = (windowBits = 15): ZlibContext =>
    makeDecompressor({ windowBits }, MANY, isSync);

  t.test(`${kind}: "Hello" as RFC 7692 §7.2.3.1 and §7.2.3.2 have it`, async (t) => {
    for (const windowBits of WINDOWS) {
      for (let level = 1; level <= 9; level++) {
        const context = compressor(windowBits, level);
        t.equal(hexOf(run(context, HELLO)), `${hexOf(RFC_PAYLOADS.oneBlock)}0000ffff`);
        t.equal(hexOf(run(context, HELLO)), `${hexOf(RFC_PAYLOADS.sharedWindow)}0000ffff`);
        context.reset();
        t.equal(hexOf(run(context, HELLO)), `${hexOf(RFC_PAYLOADS.oneBlock)}0000ffff`);
        context.close();
      }
    }
  });

  t.test(`${kind}: the examples are read`, async (t) => {
    const { oneBlock, sharedWindow, noCompression, twoBlocks, empty } = RFC_PAYLOADS;
    for (const windowBits of WINDOWS) {
      const context = decompressor(windowBits);
      t.equal(run(context, withTail(oneBlock)).toString(), 'Hello');
      t.equal(run(context, withTail(sharedWindow)).toString(), 'Hello');
      t.equal(run(context, withTail(noCompression)).toString(), 'Hello');
      t.equal(run(context, withTail(sharedWindow)).toString(), 'Hello');
      t.equal(run(context, withTail(twoBlocks)).toString(), 'Hello');
      t.equal(run(context, withTail(empty)).toString(), '');
      t.equal(run(context, withTail(sharedWindow)).toString(), 'Hello');
      context.reset();
      t.throws(() => run(context, withTail(sharedWindow)), 'nothing is remembered');
      context.close();
    }
  });

  t.test(`${kind}: messages of all kinds, in all windows, one behind the other`, async (t) => {
    for (const windowBits of WINDOWS) {
      const there = compressor(windowBits, 3);
      const back = decompressor(windowBits);
      const messages = [0, 1, 2, 100, 255, 256, 257, 4096, 40_000, 70_000].flatMap((length) =>
        ALL_CONTENTS.map((content) => makeMessage(content, length)),
      );
      // Once more, so that something can be found in the history.
      messages.push(...messages.slice(-9));
      const wires = messages.map((message) => run(there, message));
      const returned = wires.map((wire) => run(back, wire));
      t.ok(
        messages.every((message, index) => Buffer.compare(returned[index]!, message) === 0),
        `${windowBits}`,
      );
      const reference = referenceInflate(Buffer.concat(wires));
      t.equal(Buffer.compare(reference.output, Buffer.concat(messages)), 0);
      t.ok(
        reference.maxDistance <= 1 << windowBits,
        `a distance of ${reference.maxDistance} in a window of ${1 << windowBits}`,
      );
      t.ok(reference.maxDistance > (1 << windowBits) / 4, 'and the window is used');
      there.close();
      back.close();
    }
  });

  t.test(`${kind}: in steps of input and output of any size`, async (t) => {
    const message = makeMessage('json', 3000);
    for (const outputBytes of [1, 2, 3, 4, 5, 6, 7, 64, 1000, 3000, 3001]) {
      const there = compressor();
      const back = decompressor();
      for (let round = 0; round < 2; round++) {
        const early = Buffer.concat([
          run(there, message.subarray(0, 1), false, outputBytes),
          run(there, message.subarray(1, 2000), false, outputBytes),
        ]);
        const wire = Buffer.concat([
          early,
          run(there, message.subarray(2000), true, Math.max(outputBytes, 7)),
        ]);
        const returned = Buffer.concat([
          run(back, wire.subarray(0, 10), false, outputBytes),
          run(back, wire.subarray(10), true, outputBytes),
        ]);
        t.equal(Buffer.compare(returned, message), 0, `${outputBytes}, round ${round}`);
      }
      there.close();
      back.close();
    }
  });

  t.test(`${kind}: a part of a larger buffer`, async (t) => {
    const room = Buffer.alloc(100, 0xee);
    const input = Buffer.from('....Hello....');
    const { consumed, produced } = compressor().step(input, 4, 9, room, 10, 90, true);
    t.equal(consumed, 5);
    t.equal(hexOf(room.subarray(10, 10 + produced)), `${hexOf(RFC_PAYLOADS.oneBlock)}0000ffff`);
    t.ok(room.subarray(0, 10).equals(Buffer.alloc(10, 0xee)));
    t.ok(room.subarray(10 + produced).equals(Buffer.alloc(90 - produced, 0xee)));
  });

  t.test(`${kind}: nothing to flush, nothing comes out`, async (t) => {
    const context = compressor();
    run(context, HELLO);
    t.equal(run(context, new Uint8Array(0)).length, 0);
    t.equal(hexOf(run(context, HELLO)), `${hexOf(RFC_PAYLOADS.sharedWindow)}0000ffff`);
  });

  t.test(`${kind}: what is no deflate data is an error, and no RangeError`, async (t) => {
    for (const garbage of [
      // Block type 3; NLEN that does not fit; no history to refer to; lengths that make no code.
      '07 00 00 00',
      '00 05 00 fa fe 48 65 6c 6c 6f',
      'f2 00 11 00 00',
      'fc 00 00 00 00',
      'ff ff ff ff ff',
      'fc ff ff ff ff ff ff',
    ]) {
      const error = t.throws(() => run(decompressor(), withTail(bytesOfHex(garbage))), garbage);
      t.notOk(error instanceof RangeError);
    }
  });

  t.test(`${kind}: the level`, async (t) => {
    const message = makeMessage('json', 50_000);
    const sizes = [1, 6, 9].map((level) => run(compressor(15, level), message).length);
    t.ok(sizes[0]! > sizes[1]! && sizes[1]! >= sizes[2]!, sizes.join(' > '));
  });

  t.test(`${kind}: contexts do not share anything`, async (t) => {
    const first = [compressor(), decompressor()] as const;
    const second = [compressor(), decompressor()] as const;
    const messages = [makeMessage('json', 9000, 1), makeMessage('json', 9000, 2)];
    for (let round = 0; round < 3; round++) {
      const wires = [first, second].map(([context], index) => run(context, messages[index]!));
      const returned = [first, second].map(([, context], index) => run(context, wires[index]!));
      t.ok(returned.every((bytes, index) => Buffer.compare(bytes, messages[index]!) === 0));
    }
    first[0].close();
    first[1].close();
    t.equal(run(second[1], run(second[0], HELLO)).toString(), 'Hello', 'nor do they close others');
  });

  t.test(`${kind}: a peer that is Node's own zlib`, async (t) => {
    const there = compressor(15, 3);
    const messages = ALL_CONTENTS.map((content) => makeMessage(content, 100_000));
    const wires = messages.map((message) => run(there, message).subarray(0, -4));
    t.ok(inflateAll(wires).equals(Buffer.concat(messages)));
    for (const level of [0, 1, 5, 9]) {
      for (const windowBits of [9, 12, 15]) {
        const back = decompressor(windowBits);
        for (const message of messages) {
          const wire = zlib.deflateRawSync(message, {
            level,
            windowBits,
            finishFlush: zlib.constants.Z_SYNC_FLUSH,
          });
          t.equal(Buffer.compare(run(back, wire), message), 0, `${level}, ${windowBits}`);
        }
        back.close();
      }
    }
  });

  t.test(`${kind}: a stored block of the largest size, and zeros beyond all windows`, async (t) => {
    const noise = makeMessage('random', 65_535);
    const back = decompressor(8);
    t.equal(Buffer.compare(run(back, storedBlock(noise)), noise), 0);
    const zeros = makeMessage('zeros', 300_000);
    t.equal(Buffer.compare(run(back, run(compressor(8), zeros)), zeros), 0);
  });

  t.test(`${kind}: a closed context holds nothing and may be closed in any state`, async (t) => {
    for (const context of [compressor(), decompressor()]) {
      const output = Buffer.alloc(1);
      context.step(RFC_PAYLOADS.oneBlock, 0, 4, output, 0, 1, false);
      t.doesNotThrow(() => {
        context.close();
      });
    }
    compressor().close();
    decompressor().close();
  });
}

// ---- Where a stream ends

t.test('handle: a step stops behind a final block, and goes on when it is reset', async (t) => {
  const context = makeDecompressor({ windowBits: 15 }, MANY, true);
  const input = Buffer.concat([
    bytesOfHex('f3 48 cd c9 c9 07 00'),
    RFC_PAYLOADS.oneBlock,
    TAIL_BYTES,
  ]);
  const output = Buffer.alloc(100);
  t.strictSame(context.step(input, 0, input.length, output, 0, 100, true), {
    consumed: 7,
    produced: 5,
  });
  t.strictSame(
    context.step(input, 7, input.length, output, 5, 100, true),
    { consumed: 0, produced: 0 },
    'it stays there',
  );
  context.reset();
  t.strictSame(context.step(input, 7, input.length, output, 5, 100, true), {
    consumed: 11,
    produced: 5,
  });
  t.equal(output.toString('latin1', 0, 10), 'HelloHello');
  context.close();
});

t.test('handle: after an error there is nothing but that error', async (t) => {
  const context = makeDecompressor({ windowBits: 15 }, MANY, true);
  t.throws(() => run(context, bytesOfHex('07')), { message: 'invalid block type' });
  t.throws(() => run(context, withTail(RFC_PAYLOADS.oneBlock)), { message: 'invalid block type' });
  context.close();
});

t.test('public: final blocks, wherever they are', async (t) => {
  const final = bytesOfHex('f3 48 cd c9 c9 07 00');
  const { oneBlock, sharedWindow, finalBlock } = RFC_PAYLOADS;
  const open = Buffer.concat([oneBlock, TAIL_BYTES]);
  for (const [name, parts, text] of [
    ['RFC 7692 §7.2.3.4', [finalBlock], 'Hello'],
    ['the last byte ends it', [final], 'Hello'],
    ['many', [...new Array<Uint8Array>(999).fill(final), open], 'Hello'.repeat(1000)],
    ['one and data behind it', [final, open, sharedWindow], 'HelloHelloHello'],
    ['data and one', [open, sharedWindow, TAIL_BYTES, final], 'HelloHelloHello'],
    ['empty ones', [bytesOfHex('03 00 03 00'), open, bytesOfHex('03 00')], 'Hello'],
    ['an empty one alone', [bytesOfHex('03 00')], ''],
    // Seven bits of what is put back end the block.
    ['one that the tail ends', [bytesOfHex('f3 48 cd c9 c9 07').subarray(0, 6)], 'Hello'],
    ['a stored one', [storedBlock(HELLO, true)], 'Hello'],
  ] as const) {
    const context = makeDecompressor({ windowBits: 15 }, MANY, false);
    t.equal(run(context, withTail(Buffer.concat(parts))).toString(), text, name);
    t.equal(run(context, withTail(oneBlock)).toString(), 'Hello', `${name}: and the next message`);
    t.equal(run(context, withTail(sharedWindow)).toString(), 'Hello', `${name}: and its history`);
    context.close();
  }
});

t.test('public: nothing behind a final block refers to what was before it', async (t) => {
  const final = bytesOfHex('f3 48 cd c9 c9 07 00');
  const within = makeDecompressor({ windowBits: 15 }, MANY, false);
  t.throws(() => run(within, withTail(Buffer.concat([final, RFC_PAYLOADS.sharedWindow]))));
  const later = makeDecompressor({ windowBits: 15 }, MANY, false);
  run(later, withTail(RFC_PAYLOADS.oneBlock));
  t.throws(() => run(later, withTail(Buffer.concat([final, RFC_PAYLOADS.sharedWindow]))));
  const next = makeDecompressor({ windowBits: 15 }, MANY, false);
  run(next, withTail(final));
  t.throws(() => run(next, withTail(RFC_PAYLOADS.sharedWindow)));
});

t.test('public: no more than 1000 streams, since they cannot be done in slices', async (t) => {
  const context = makeDecompressor({ windowBits: 15 }, MANY, false);
  const final = bytesOfHex('03 00');
  t.equal(run(context, withTail(repeated(final, 1000))).length, 0);
  t.throws(() => run(context, withTail(repeated(final, 1001))), { name: 'Error' });
});

t.test('public: the largest message, and one byte more', async (t) => {
  const zeros = makeMessage('zeros', 100_000);
  const wire = run(makeCompressor({ windowBits: 15, level: 6 }, false), zeros);
  const of = (maxBytes: number): ZlibContext =>
    makeDecompressor({ windowBits: 15 }, { maxBytes }, false);
  t.equal(run(of(100_000), wire).length, 100_000);
  // The caller looks at the size: one byte more is enough to see.
  t.equal(run(of(99_999), wire).length, 100_000);
  t.throws(() => run(of(99_998), wire), RangeError);
  t.throws(() => run(of(0), wire), RangeError);
  t.equal(run(of(0), withTail(RFC_PAYLOADS.empty)).length, 0);
  // The bound is that of the message, not of each stream in it.
  const final = bytesOfHex('f3 48 cd c9 c9 07 00');
  for (const [maxBytes, isAllowed] of [
    [15, true],
    [14, true],
    [13, false],
    [9, false],
    [5, false],
    [4, false],
  ] as const) {
    const streams = withTail(repeated(final, 3));
    if (isAllowed) t.equal(run(of(maxBytes), streams).toString(), 'HelloHelloHello');
    else t.throws(() => run(of(maxBytes), streams), RangeError, `${maxBytes}`);
  }
  // It may change from message to message.
  const bound = { maxBytes: 3 };
  const bounded = makeDecompressor({ windowBits: 15 }, bound, false);
  t.throws(() => run(bounded, withTail(RFC_PAYLOADS.oneBlock)), RangeError);
  const changing = makeDecompressor({ windowBits: 15 }, bound, false);
  bound.maxBytes = 5;
  t.equal(run(changing, withTail(RFC_PAYLOADS.oneBlock)).toString(), 'Hello');
  // And of each message: they do not add up.
  const context = of(5);
  for (let round = 0; round < 3; round++) {
    t.equal(run(context, withTail(RFC_PAYLOADS.oneBlock)).toString(), 'Hello');
  }
});

t.test('public: a limit beyond all buffers is none', async (t) => {
  for (const maxBytes of [2 ** 33, Number.MAX_SAFE_INTEGER, Infinity]) {
    const context = makeDecompressor({ windowBits: 15 }, { maxBytes }, false);
    t.equal(run(context, withTail(RFC_PAYLOADS.oneBlock)).toString(), 'Hello', `${maxBytes}`);
  }
});

t.test('public: the history is as long as a window, over many small messages', async (t) => {
  const there = makeCompressor({ windowBits: 15, level: 9 }, false);
  const back = makeDecompressor({ windowBits: 15 }, MANY, false);
  const noise = makeMessage('random', 30_000);
  const pieces = Array.from({ length: 30 }, (_, index) =>
    noise.subarray(index * 1000, (index + 1) * 1000),
  );
  const first = pieces.map((piece) => run(there, piece));
  const second = pieces.map((piece) => run(there, piece));
  t.ok(
    second.every((wire) => wire.length < 40),
    'all of it is found again',
  );
  const returned = [...first, ...second].map((wire) => run(back, wire));
  t.ok(Buffer.concat(returned).equals(Buffer.concat([noise, noise])));
});

// ---- Another Node, whose internals are not these

type Module = typeof zlibContext;

interface FakeHandle {
  writeSync: (...args: unknown[]) => void;
  reset: () => void;
}

/** The module as it is where `node:zlib` has other streams. */
const withZlib = (t: Test, streams: object): Promise<Module> =>
  t.mockImport<Module>('../../../src/extensions/permessage-deflate/zlib-context.js', {
    'node:zlib': { ...zlib, ...streams },
  });

/** Changes the handle of real streams. */
function changed(
  create: () => unknown,
  change: (handle: FakeHandle, stream: { _handle: unknown; _writeState: unknown }) => void,
): () => unknown {
  return () => {
    const stream = create() as { _handle: FakeHandle; _writeState: unknown };
    change(stream._handle, stream);
    return stream;
  };
}

const deflate = (): unknown => zlib.createDeflateRaw();
const inflate = (): unknown => zlib.createInflateRaw();

t.test('a Node without those internals is noticed', async (t) => {
  const original = (handle: FakeHandle): FakeHandle['writeSync'] => handle.writeSync.bind(handle);
  const table: readonly (readonly [name: string, streams: object])[] = [
    ['no handle', { createDeflateRaw: () => ({ close: () => undefined }) }],
    [
      'no handle any more',
      {
        createInflateRaw: changed(inflate, (_, stream) => {
          stream._handle = null;
        }),
      },
    ],
    [
      'no writeSync',
      {
        createDeflateRaw: changed(deflate, (handle) => {
          Object.assign(handle, { writeSync: undefined });
        }),
      },
    ],
    [
      'a writeSync that throws',
      {
        createDeflateRaw: changed(deflate, (handle) => {
          handle.writeSync = () => {
            throw new TypeError('another signature');
          };
        }),
      },
    ],
    [
      'a writeSync that does nothing',
      {
        createDeflateRaw: changed(deflate, (handle) => {
          handle.writeSync = () => undefined;
        }),
      },
    ],
    [
      'no state of a write',
      {
        createDeflateRaw: changed(deflate, (_, stream) => {
          stream._writeState = undefined;
        }),
      },
    ],
    [
      'a compressor that forgets',
      {
        createDeflateRaw: changed(deflate, (handle) => {
          const write = original(handle);
          handle.writeSync = (...args) => {
            write(...args);
            handle.reset();
          };
        }),
      },
    ],
    [
      'a decompressor that forgets',
      {
        createInflateRaw: changed(inflate, (handle) => {
          const write = original(handle);
          handle.writeSync = (...args) => {
            write(...args);
            handle.reset();
          };
        }),
      },
    ],
    [
      'a decompressor that gets it wrong',
      {
        createInflateRaw: changed(inflate, (handle) => {
          const write = original(handle);
          handle.writeSync = (...args) => {
            write(...args);
            const output = args[4] as Uint8Array;
            output[0] = ~output[0]!;
          };
        }),
      },
    ],
    [
      'a decompressor that leaves something',
      {
        createInflateRaw: changed(inflate, (handle) => {
          const write = original(handle);
          handle.writeSync = (flush, input, start, length, ...rest) => {
            write(flush, input, start, (length as number) - 4, ...rest);
          };
        }),
      },
    ],
    [
      'no such streams',
      {
        createDeflateRaw: () => {
          throw new Error('gone');
        },
      },
    ],
  ];
  for (const [name, streams] of table) {
    t.equal((await withZlib(t, streams)).isSyncContextUsable(), false, name);
  }
  t.equal((await withZlib(t, {})).isSyncContextUsable(), true, 'the test itself is not the reason');
});

t.test('public contexts need nothing of it', async (t) => {
  const { makeCompressor, makeDecompressor } = await withZlib(t, {
    createDeflateRaw: undefined,
    createInflateRaw: undefined,
  });
  const there = makeCompressor({ windowBits: 12, level: 3 }, false);
  const back = makeDecompressor({ windowBits: 12 }, MANY, false);
  for (const content of ALL_CONTENTS) {
    const message = makeMessage(content, 50_000);
    t.equal(Buffer.compare(run(back, run(there, message)), message), 0, content);
  }
  t.throws(() => makeCompressor({ windowBits: 12, level: 3 }, true), TypeError);
  t.throws(() => makeDecompressor({ windowBits: 12 }, MANY, true), TypeError);
});
