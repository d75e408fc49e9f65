/** The example of an extension, examples/snappy, against a client that speaks it by itself. */
import { compressSync, uncompressSync } from 'snappy';
import t, { type Test } from 'tap';
import {
  clientDeflate,
  FORGETFUL_DEFLATE,
  openWithExtensions,
  type ClientExtension,
  type ExtensionClient,
} from '../fixtures/extension-client.js';
import { bytesOf, encodeFrames } from '../fixtures/frames.js';
import { besideHealthyPeer } from '../fixtures/healthy-peer.js';
import { SeededRandom } from '../fixtures/seeded-random.js';
import { startTwist, type TwistProcess } from '../fixtures/twist-process.js';

t.setTimeout(120_000);

const KIB = 1024;
const TEXT = 1;
const BINARY = 2;
const RSV1 = 4;
const RSV2 = 2;

const clientSnappy: ClientExtension = {
  name: 'x-snappy',
  rsv: RSV2,
  encode: (payload) => compressSync(payload),
  decode: (payload) => uncompressSync(payload) as Buffer,
};

const KNOWN = [clientSnappy, clientDeflate];

const startSnappy = (t: Test, ...flags: string[]): Promise<TwistProcess> =>
  startTwist(t, ['--extension', 'examples/snappy/x-snappy.mjs', ...flags]);

const open = (t: Test, twist: TwistProcess, offers: string): Promise<ExtensionClient> =>
  openWithExtensions(t, twist.port, offers, KNOWN);

const NOISE = new SeededRandom(1).bytes(300 * KIB);

const MESSAGES: readonly (readonly [name: string, opcode: number, payload: Uint8Array])[] = [
  ['no text', TEXT, bytesOf('')],
  ['a short text', TEXT, bytesOf('水 and fire')],
  ['a long text', TEXT, bytesOf('水 and fire. '.repeat(20_000))],
  ['no bytes', BINARY, bytesOf('')],
  ['few bytes', BINARY, Uint8Array.of(0, 255)],
  ['many bytes', BINARY, new Uint8Array(1024 * KIB).fill(7)],
  ['noise', BINARY, NOISE],
];

/** What makes each message larger than `min_bytes` and smaller than before. */
const isCompressible = (payload: Uint8Array): boolean => payload.length >= 64 && payload !== NOISE;

t.test('what is agreed on', async (t) => {
  const twist = await startSnappy(t, '--log-level', 'debug');
  const cases: readonly (readonly [offers: string, agreed: string | null])[] = [
    ['x-snappy', 'x-snappy; min_bytes=64'],
    ['x-snappy; min_bytes=1000', 'x-snappy; min_bytes=1000'],
    ['x-snappy; min_bytes="0"', 'x-snappy; min_bytes=0'],
    ['x-snappy; level=9, x-snappy; min_bytes=10', 'x-snappy; min_bytes=10'],
    ['x-unknown, x-snappy', 'x-snappy; min_bytes=64'],
    ['x-snappy; min_bytes', null],
    ['x-snappy; min_bytes=-1', null],
    ['x-snappy; min_bytes=1e3', null],
    ['x-snappy; min_bytes=1; min_bytes=1', null],
    ['x-snappy; level=9', null],
  ];
  for (const [offers, agreed] of cases) {
    const client = await open(t, twist, offers);
    t.equal(client.agreed, agreed, offers);
    client.send([TEXT, bytesOf('either way')]);
    t.strictSame(Buffer.from((await client.next()).payload).toString(), 'either way');
    await client.close();
    const line = await twist.waitForPeer(client.raw);
    t.equal(line['extensions'] ?? null, agreed, 'the log says so');
    if (agreed !== null) continue;
    const { session } = line;
    t.match(
      await twist.waitForLog(
        (one) => one.msg === 'extension declined' && one['session'] === session,
      ),
      {
        level: 'debug',
        extension: 'x-snappy',
        reason: 'the only parameter is min_bytes, a whole number',
      },
      'and why',
    );
  }
});

t.test('messages, alone and chained', async (t) => {
  const twist = await startSnappy(t);
  const combinations: readonly (readonly [offers: string, names: readonly string[]])[] = [
    ['x-snappy', ['x-snappy']],
    [`x-snappy, ${FORGETFUL_DEFLATE}`, ['x-snappy', 'permessage-deflate']],
    [`${FORGETFUL_DEFLATE}, x-snappy`, ['permessage-deflate', 'x-snappy']],
  ];
  for (const [offers, names] of combinations) {
    await t.test(names.join(', '), async (t) => {
      const client = await open(t, twist, offers);
      t.strictSame(
        client.agreed!.split(', ').map((one) => one.split(';')[0]),
        names,
        'the order is that of the offers',
      );
      for (const [name, opcode, payload] of MESSAGES) {
        client.send([opcode, payload]);
        const echo = await client.next();
        t.equal(echo.opcode, opcode, `${name}: of the same kind`);
        t.equal(Buffer.compare(echo.payload, payload), 0, `${name}: with the same content`);
        if (names.length === 1) {
          t.equal(echo.rsv, isCompressible(payload) ? RSV2 : 0, `${name}: compressed if it pays`);
        }
      }
      client.sendFrames(...MESSAGES.map(([, opcode, payload]) => ({ opcode, payload })));
      for (const [name, , payload] of MESSAGES) {
        const echo = await client.next();
        t.equal(Buffer.compare(echo.payload, payload), 0, `${name}: sent as it is, and in order`);
      }
      await client.close();
      const line = await twist.waitForPeer(client.raw);
      t.match(line, {
        level: 'info',
        extensions: client.agreed,
        in: { messages: 2 * MESSAGES.length },
        out: { messages: 2 * MESSAGES.length },
        code: 1000,
      });
      const { 'x-snappy': stats } = line['extensionStats'] as Record<string, unknown>;
      const { ratioIn, ratioOut } = stats as Record<string, number | null>;
      const shown = `the log says how much: ${JSON.stringify(stats)}`;
      // Behind deflate there is nothing left to gain.
      if (names[0] === 'x-snappy') t.ok(ratioIn! > 1 && ratioOut! > 1, shown);
      else t.ok(ratioIn! > 0 && ratioIn! < 1.5, shown);
    });
  }
});

t.test('order, with messages that wait for the thread pool and others', async (t) => {
  const twist = await startSnappy(t);
  const client = await open(t, twist, `x-snappy, ${FORGETFUL_DEFLATE}`);
  const messages = Array.from({ length: 200 }, (_, index) => {
    const length = index % 3 === 0 ? 4 : index % 3 === 1 ? 500 : 100_000;
    return Buffer.alloc(length, `${index} `);
  });
  // Some of them as they are: they need no extension at all.
  client.sendFrames(
    ...messages.map((payload, index) =>
      index % 5 === 0 ? { opcode: TEXT, payload } : client.frameOf(TEXT, payload),
    ),
  );
  const wrong: number[] = [];
  for (const [index, message] of messages.entries()) {
    const { payload } = await client.next();
    if (Buffer.compare(payload, message) !== 0) wrong.push(index);
  }
  t.strictSame(wrong, [], 'all echoes are in order');
  await client.close();
});

t.test('a message in fragments has its bit on the first one', async (t) => {
  const twist = await startSnappy(t);
  const client = await open(t, twist, 'x-snappy');
  const message = bytesOf('as one message '.repeat(100));
  const block = clientSnappy.encode(message);
  client.sendFrames(
    { opcode: TEXT, rsv: RSV2, isFinal: false, payload: block.subarray(0, 1) },
    { opcode: 9, payload: 'between' },
    { opcode: 0, isFinal: false, payload: block.subarray(1, 9) },
    { opcode: 0, payload: block.subarray(9) },
  );
  t.match(await client.nextFrame(), { opcode: 10, payload: Buffer.from('between') }, 'a Pong');
  t.strictSame((await client.next()).payload, Buffer.from(message));
  await client.close();
});

t.test('the bit without the extension is a protocol error', async (t) => {
  const twist = await startSnappy(t);
  const client = await open(t, twist, FORGETFUL_DEFLATE);
  t.match(client.agreed, /^permessage-deflate/);
  client.sendFrames({ opcode: TEXT, rsv: RSV2, payload: clientSnappy.encode(bytesOf('secret')) });
  t.match(await client.closeText(), /^1002 reserved bit/);
});

/** Too much, in a small message: the limit is 64 KiB in these tests. */
const LIMIT = 64 * KIB;
const BOMB = clientSnappy.encode(new Uint8Array(1024 * KIB));

t.test('what cannot be decoded', async (t) => {
  const twist = await startSnappy(t, '--max-message', '64k');
  const badData = '1007 not a Snappy block';
  const tooBig = `1009 message is over the limit of ${LIMIT} bytes`;
  const good = clientSnappy.encode(bytesOf('good, and long enough'));
  const deflate = (payload: Uint8Array): Uint8Array => clientDeflate.encode(payload);
  const cases: readonly (readonly [
    name: string,
    offers: string,
    rsv: number,
    payload: Uint8Array,
    close: string,
  ])[] = [
    ['nothing at all', 'x-snappy', RSV2, bytesOf(''), badData],
    ['a length without end', 'x-snappy', RSV2, Buffer.alloc(9, 0x80), badData],
    ['a block cut short', 'x-snappy', RSV2, good.subarray(0, -1), badData],
    ['more behind the block', 'x-snappy', RSV2, Buffer.concat([good, Buffer.of(0)]), badData],
    ['a reference to nothing', 'x-snappy', RSV2, Uint8Array.of(4, 0x0e, 9, 0), badData],
    // 8 KiB out of 3 bytes: within the limit, but there is no such block.
    ['a length that cannot be', 'x-snappy', RSV2, Uint8Array.of(0x80, 0x40, 0), badData],
    ['a bomb', 'x-snappy', RSV2, BOMB, tooBig],
    ['one byte too much', 'x-snappy', RSV2, clientSnappy.encode(Buffer.alloc(LIMIT + 1)), tooBig],
    ['a length of 4 GiB', 'x-snappy', RSV2, Uint8Array.of(255, 255, 255, 255, 15, 0), tooBig],
    [
      'not UTF-8 in a text',
      'x-snappy',
      RSV2,
      clientSnappy.encode(Uint8Array.of(0xff)),
      '1007 text message is not valid UTF-8 (RFC 6455 8.1)',
    ],
    ['a bomb inside deflate', `x-snappy, ${FORGETFUL_DEFLATE}`, RSV1 | RSV2, deflate(BOMB), tooBig],
    [
      'bad data inside deflate',
      `x-snappy, ${FORGETFUL_DEFLATE}`,
      RSV1 | RSV2,
      deflate(good.subarray(1)),
      badData,
    ],
    [
      'a bomb of deflate in a good block',
      `${FORGETFUL_DEFLATE}, x-snappy`,
      RSV1 | RSV2,
      clientSnappy.encode(deflate(new Uint8Array(1024 * KIB))),
      tooBig,
    ],
    [
      'bad deflate data in a good block',
      `${FORGETFUL_DEFLATE}, x-snappy`,
      RSV1 | RSV2,
      clientSnappy.encode(Buffer.alloc(99, 0xff)),
      '1007 compressed data cannot be decompressed (RFC 7692 7.2.2)',
    ],
  ];
  await besideHealthyPeer(t, twist, async (healthy) => {
    for (const [name, offers, rsv, payload, close] of cases) {
      t.ok(encodeFrames([{ opcode: TEXT, payload }], true).length < LIMIT, `${name}: is small`);
      const client = await open(t, twist, offers);
      client.sendFrames(
        client.frameOf(TEXT, bytesOf('first '.repeat(100))),
        { opcode: TEXT, rsv, payload },
        client.frameOf(TEXT, bytesOf('never seen')),
      );
      const echo = await client.next();
      t.equal(echo.payload.length, 600, `${name}: what came before it is answered`);
      t.equal(await client.closeText(), close, `${name}: ${close}`);
      t.match(await twist.waitForPeer(client.raw), {
        level: 'info',
        msg: 'session ended',
        in: { messages: 1 },
        code: Number(close.slice(0, 4)),
        reason: close.slice(5),
      });
      await healthy.roundTrips(1);
    }
  });
  t.strictSame(
    twist.log.filter(({ level }) => level !== 'info'),
    [],
    'the log has no error and no warning: it is the peer that was wrong',
  );
});

t.test('exactly the limit is taken', async (t) => {
  const twist = await startSnappy(t, '--max-message', '64k');
  const client = await open(t, twist, 'x-snappy');
  client.send([BINARY, Buffer.alloc(LIMIT, 1)]);
  t.equal(Buffer.compare((await client.next()).payload, Buffer.alloc(LIMIT, 1)), 0);
  await client.close();
});
