import { Buffer } from 'node:buffer';
import t from 'tap';
import type { ModeSession, SendResult } from '../../src/session/session.js';
import { ExtensionError, InvalidArgumentError, InvalidStateError } from '../../src/errors.js';
import type { Message } from '../../src/extensions/extension.js';
import { numberSessionsFrom } from '../../src/session/server-session.js';
import { markingSession, nextTurn } from '../fixtures/extensions.js';
import {
  MORE,
  binaryFrame,
  continuationFrame,
  pingFrame,
  pongFrame,
  textFrame,
} from '../fixtures/frames.js';
import {
  ADDRESS,
  QUIET,
  Bench,
  Gate,
  Witness,
  closeText,
  RESERVED_BIT,
  echoWitness,
  extensionFault,
  extensionOf,
  gatedBench,
  sentText,
  toldText,
} from '../fixtures/session-bench.js';
import { TapWitness } from '../fixtures/tap-witness.js';
import { LIMITS, NO_KEEPALIVE } from '../fixtures/test-host.js';

const LARGE = new Uint8Array(LIMITS.outputPause - 10);

t.test('a session says who and where it is', async (t) => {
  const one = new Bench(new Witness()).session;
  const other = new Bench(new Witness()).session;
  t.equal(other.id, one.id + 1, 'ids count up');
  t.match(one, { ...ADDRESS, path: '/room', subprotocol: 'chat' });
  t.match(one, { localAddress: '192.0.2.1', localPort: 443 });
});

t.test('messages go to the mode and are counted', async (t) => {
  const mode = new Witness();
  const bench = new Bench(mode).open();
  bench.receive(textFrame('ab'), binaryFrame('c', MORE), continuationFrame('de'), textFrame(''));
  t.strictSame(mode.told, ['message 1 6162', 'message 2 636465', 'message 1 ']);
  t.match(bench.finish(), { messagesIn: 3, bytesIn: 5, messagesOut: 0, bytesOut: 0 });
});

t.test('pieces go to a mode that wants those', async (t) => {
  const mode = new Witness('chunks');
  const bench = new Bench(mode).open();
  bench.receive(binaryFrame('ab', MORE), continuationFrame('c', MORE), continuationFrame(''));
  bench.receive(textFrame('d'));
  t.strictSame(mode.told, [
    'piece 2 6162 first',
    'piece 2 63',
    'piece 2  last',
    'piece 1 64 first last',
  ]);
  t.match(bench.finish(), { messagesIn: 2, bytesIn: 4 });
});

t.test('a mode need not listen to anything', async (t) => {
  for (const delivery of ['messages', 'chunks'] as const) {
    const bench = new Bench({ name: 'test', delivery }).open();
    bench.receive(textFrame('unheard'), pingFrame('a'), pongFrame('b'));
    t.strictSame(bench.sent(), ['10 61']);
    while (bench.session.sendRange(2, LARGE) === 'sent');
    bench.sent();
    bench.session.resumeOutput();
    t.match(bench.finish(), { messagesIn: 1, error: null });
  }
});

t.test('what is sent is counted, and a flush follows', async (t) => {
  const bench = new Bench(new Witness()).open();
  const { session } = bench;
  const bytes = Buffer.from('abcdef');
  t.equal(session.sendRange(1, bytes), 'sent');
  t.strictSame(bench.calls(), ['flush']);
  t.equal(session.sendRange(2, bytes, 1, 3), 'sent');
  t.equal(session.sendChunkRange(2, bytes, 0, 2, true, false), 'sent');
  t.equal(session.sendChunkRange(2, bytes, 2, 3, false, true), 'sent');
  t.equal(session.bufferedAmount, 2 + 6 + 2 + 2 + 2 + 2 + 2 + 1);
  t.strictSame(bench.sent(), ['1 616263646566', '2 6263', '2+ 6162', '0 63']);
  t.equal(session.bufferedAmount, 0);
  t.match(bench.finish(), { messagesOut: 3, bytesOut: 11 });
});

t.test('a session can be paused and resumed by its mode', async (t) => {
  const bench = new Bench(new Witness()).open();
  bench.session.pause();
  bench.session.resume();
  t.strictSame(bench.calls(), ['pause', 'resume']);
});

t.test('§5.5.3: while output is blocked only the newest Pong is owed', async (t) => {
  const bench = new Bench(new Witness()).open();
  bench.receive(pingFrame('a'), pingFrame('b'));
  t.strictSame(bench.sent(), ['10 61', '10 62'], 'all are answered while output flows');
  bench.block();
  t.strictSame(bench.sent(), ['2 66696c6c']);
  bench.receive(pingFrame('c'), pingFrame('d'));
  bench.receive(pingFrame('e'));
  bench.unblock();
  t.strictSame(bench.sent(), ['10 65']);
  bench.receive(pingFrame('f'));
  t.strictSame(bench.sent(), ['10 66']);
});

t.test('no Pong is owed behind a Close', async (t) => {
  const bench = new Bench(new Witness()).open();
  bench.block();
  bench.sent();
  bench.receive(pingFrame('a'));
  bench.session.close(1000);
  bench.unblock();
  t.equal(bench.sent().at(-1), closeText(1000));
});

t.test('what was agreed on is known before the session opens', async (t) => {
  const mode = new Witness();
  const bench = new Bench(mode, {
    limits: NO_KEEPALIVE,
    extensions: [extensionOf('x-a'), extensionOf('x-b', { response: () => 'x-b; level=2' })],
    offers: 'x-b; level=9, x-unknown, x-a',
  });
  t.equal(bench.session.extensions, 'x-b; level=2, x-a');
  t.strictSame(bench.host.declined, []);
  bench.open();
  t.equal(bench.finish().extensions, 'x-b; level=2, x-a');
});

t.test('an extension that is not used is reported, and the session does without', async (t) => {
  const bench = new Bench(new Witness(), {
    limits: NO_KEEPALIVE,
    extensions: [
      extensionOf('x-a', { enabled: false }),
      extensionOf('x-b', { reserveRsv: () => 4 }),
      extensionOf('x-c', { reserveRsv: () => 4 }),
      extensionOf('x-d', { response: () => 'x-e' }),
    ],
  }).open();
  t.equal(bench.session.extensions, 'x-b');
  t.match(bench.host.declined, [
    { name: 'x-a', why: 'offer' },
    { name: 'x-c', why: 'reserved-bit' },
    { name: 'x-d', why: 'defect' },
  ]);

  const none = new Bench(new Witness(), { limits: NO_KEEPALIVE, extensions: [], offers: 'x-a' });
  t.equal(none.session.extensions, null);
  none.open();
  t.match(none.finish(), { extensions: null, extensionStats: {} });
});

t.test('reserved bits are allowed if an extension owns them, and only those', async (t) => {
  const mode = new Witness();
  const bench = gatedBench(mode, new Gate());
  bench.receive(textFrame('a', { rsv: 4 }), textFrame('b', { rsv: 2 }));
  t.strictSame(mode.told, [toldText('a')]);
  t.strictSame(bench.sent(), [closeText(1002, RESERVED_BIT)]);
});

for (const isAsync of [false, true]) {
  const kind = isAsync ? 'later' : 'at once';

  t.test(`messages through the chain in both directions, ${kind}`, async (t) => {
    const mode = echoWitness();
    const later = (result: Message): Message | Promise<Message> =>
      isAsync ? Promise.resolve(result) : result;
    const bench = new Bench(mode, {
      limits: NO_KEEPALIVE,
      extensions: ['x-a', 'x-b'].map((name) => ({
        name,
        create: () => ({ ...markingSession(name, later), response: () => name }),
      })),
    }).open();
    bench.receive(textFrame('1x-ax-b'), textFrame('2x-', MORE), continuationFrame('ax-b'));
    await nextTurn();
    t.strictSame(mode.told, [toldText('1'), toldText('2')]);
    t.strictSame(bench.sent(), [sentText('1x-ax-b'), sentText('2x-ax-b')]);
    t.match(bench.finish(), { messagesIn: 2, bytesIn: 2, messagesOut: 2, bytesOut: 2 });
  });

  t.test(`a mode of pieces gets each message as one, ${kind}`, async (t) => {
    const mode = new Witness('chunks');
    const gate = new Gate({ decode: isAsync });
    const bench = gatedBench(mode, gate);
    bench.receive(binaryFrame('ab', MORE), continuationFrame('c'), textFrame(''));
    while (gate.decoding.length > 0) await gate.decoded();
    t.strictSame(mode.told, ['piece 2 616263 first last', 'piece 1  first last']);
    t.match(bench.finish(), { messagesIn: 2, bytesIn: 3 });
  });

  t.test(`pieces that are sent leave as one message, ${kind}`, async (t) => {
    const gate = new Gate({ encode: isAsync });
    const bench = gatedBench(new Witness(), gate);
    const bytes = Buffer.from('abcdef');
    t.equal(bench.session.sendChunkRange(2, bytes, 0, 2, true, false), 'sent');
    t.equal(bench.session.sendChunkRange(2, bytes, 2, 3, false, false), 'sent');
    t.strictSame(bench.sent(), []);
    t.equal(bench.session.sendChunkRange(2, bytes, 3, 6, false, true), 'sent');
    bytes.fill(0);
    if (isAsync) await gate.encoded();
    t.strictSame(bench.sent(), ['2 616263646566']);
    t.match(bench.finish(), { messagesOut: 1, bytesOut: 6 });
  });

  t.test(`§8.1: text that is not UTF-8 behind the chain, ${kind}`, async (t) => {
    const gate = new Gate({ decode: isAsync });
    const mode = new Witness();
    const bench = gatedBench(mode, gate);
    bench.receive(textFrame(Buffer.of(0xff), { rsv: 4 }), textFrame('behind'));
    if (isAsync) await gate.decoded();
    t.strictSame(mode.told, []);
    const reason = 'text message is not valid UTF-8 (RFC 6455 8.1)';
    t.strictSame(bench.sent(), [closeText(1007, reason)]);
    t.ok(bench.session.isOver);
    t.match(bench.finish(), { closedBy: 'server', closeCode: 1007, rule: 'text-not-utf8' });
  });

  t.test(`an extension cannot decode: whose fault it is decides, ${kind}`, async (t) => {
    const tooBig = `message is over the limit of ${LIMITS.maxMessage} bytes`;
    const cases = [
      [extensionFault(1007), 1007, 'no good', 'extension-data'],
      [extensionFault(1009), 1009, tooBig, 'message-too-big'],
      [extensionFault(), 1011, 'internal error', null],
    ] as const;
    for (const [error, closeCode, closeReason, rule] of cases) {
      const mode = new Witness();
      const bench = new Bench(mode, {
        limits: NO_KEEPALIVE,
        extensions: [
          extensionOf('x-a', {
            decode: () => {
              if (isAsync) return Promise.reject(error);
              throw error;
            },
          }),
        ],
      }).open();
      bench.receive(textFrame('a'), textFrame('b'), pingFrame());
      await nextTurn();
      t.strictSame(mode.told, []);
      t.equal(bench.sent().at(-1), closeText(closeCode, closeReason));
      t.ok(bench.session.isOver);
      const summary = bench.finish();
      t.match(summary, { closedBy: 'server', closeCode, rule, messagesIn: 0 });
      if (rule === null) t.type(summary.error, ExtensionError);
      else t.equal(summary.error, null);
    }
  });
}

t.test('pieces that do not fit together are a defect of the mode', async (t) => {
  const bench = gatedBench(new Witness(), new Gate());
  const { session } = bench;
  const large = new Uint8Array(LIMITS.maxMessage);
  t.throws(() => session.sendChunkRange(2, large, 0, 1, false, true), InvalidStateError);
  t.equal(session.sendChunkRange(2, large, 0, 1, true, false), 'sent');
  t.throws(() => session.sendChunkRange(2, large, 0, 1, true, false), InvalidStateError);
  t.throws(() => session.sendRange(2, large), InvalidStateError);
  t.throws(
    () => session.sendChunkRange(2, large, 0, large.length, false, false),
    InvalidStateError,
  );
  t.strictSame(bench.sent(), []);
  t.match(bench.finish(), { messagesOut: 0 });
});

t.test('an extension that fails in encode ends the session; the mode only hears no', async (t) => {
  const sent: SendResult[] = [];
  const mode = new Witness();
  mode.onMessage = (session): void => {
    const bytes = Buffer.from('answer');
    sent.push(session.sendRange(1, bytes), session.sendChunkRange(1, bytes, 0, 6, true, true));
  };
  const bench = new Bench(mode, {
    limits: NO_KEEPALIVE,
    extensions: [
      extensionOf('x-a', {
        encode: () => {
          throw extensionFault(1007);
        },
      }),
    ],
  }).open();
  bench.receive(textFrame('a'), textFrame('b'));
  t.strictSame(sent, ['closed', 'closed']);
  t.strictSame(mode.told, [toldText('a')], 'nothing is looked at behind it');
  t.strictSame(bench.sent(), [closeText(1011, 'internal error')], 'the peer has no part in it');
  const summary = bench.finish();
  t.match(summary, { messagesOut: 0, closeCode: 1011, rule: null });
  t.type(summary.error, ExtensionError);
});

t.test('an extension that fails in encode while a mode sends by itself', async (t) => {
  const failing = extensionOf('x-a', {
    encode: () => {
      throw extensionFault();
    },
  });
  const atOnce = new Bench(new Witness(), { limits: NO_KEEPALIVE, extensions: [failing] }).open();
  t.equal(atOnce.session.sendChunkRange(1, Buffer.from('a'), 0, 1, true, true), 'closed');
  t.ok(atOnce.calls().includes('flush'), 'nobody else would see to it');
  t.strictSame(atOnce.sent(), [closeText(1011, 'internal error')]);

  const gate = new Gate({ encode: true });
  const later = gatedBench(new Witness(), gate);
  t.equal(later.session.sendRange(1, Buffer.from('a')), 'sent');
  t.equal(later.session.sendRange(1, Buffer.from('b')), 'sent');
  later.calls();
  await gate.encodeFails(extensionFault());
  t.ok(later.calls().includes('flush'));
  t.strictSame(later.sent(), [closeText(1011, 'internal error')]);
  t.equal(later.session.sendRange(1, Buffer.from('c')), 'closed');
  t.equal(later.finish().closeCode, 1011);
});

// ---- What a mode may send, and how it may fail

t.test('what cannot be sent is refused before a byte is in the output', async (t) => {
  const bench = new Bench(new Witness()).open();
  const { session } = bench;
  const send = session.send.bind(session) as (...given: unknown[]) => unknown;
  const sendChunk = session.sendChunk.bind(session) as (...given: unknown[]) => unknown;
  const bytes = Buffer.from('abc');
  for (const given of [
    [],
    [7],
    [null],
    [1, bytes],
    [new ArrayBuffer(3)],
    [[1, 2]],
    [bytes, 1],
    [bytes, null],
    ['abc', 'text'],
  ]) {
    t.throws(() => send(...given), InvalidArgumentError);
    const [data, isBinary = true] = given;
    t.throws(() => sendChunk(data, isBinary, true, true), InvalidArgumentError);
  }
  t.throws(() => sendChunk(bytes, true, 1, true), InvalidArgumentError);
  t.throws(() => sendChunk(bytes, true), InvalidArgumentError);
  t.throws(() => sendChunk(bytes), InvalidArgumentError);
  const close = session.close.bind(session) as (...given: unknown[]) => void;
  t.throws(() => {
    close(1000, 7);
  }, InvalidArgumentError);
  t.throws(() => {
    close('1000');
  }, new InvalidStateError('close code "1000" must not be sent'));
  t.throws(() => {
    close(undefined, 'bye');
  }, new InvalidArgumentError('a close reason cannot be sent without a code: give a code such as 1000 (RFC 6455 5.5.1)'));
  const ping = session.ping.bind(session) as (...given: unknown[]) => unknown;
  t.throws(() => ping(7), InvalidArgumentError);
  for (const large of [Buffer.alloc(126), 'x'.repeat(126), '€'.repeat(42)]) {
    t.throws(
      () => ping(large),
      new InvalidArgumentError('a Ping cannot have 126 bytes: give at most 125 (RFC 6455 5.5)'),
    );
  }
  t.strictSame(bench.sent(), []);
  t.equal(session.send(bytes, false), 'sent');
  t.strictSame(bench.sent(), [sentText('abc')], 'and nothing else has changed');
  t.match(bench.finish(), { messagesOut: 1, bytesOut: 3 });
});

t.test('strings are text and bytes are binary, unless the mode says otherwise', async (t) => {
  const bench = new Bench(new Witness()).open();
  const { session } = bench;
  t.equal(session.send('hello'), 'sent');
  t.equal(session.send('grüß', true), 'sent');
  t.equal(session.send(''), 'sent');
  t.equal(session.send('a\ud800b'), 'sent');
  t.equal(session.send(Buffer.from('a')), 'sent');
  t.equal(session.send(Buffer.from('a'), false), 'sent');
  t.equal(session.sendChunk('one', false, true, false), 'sent');
  t.equal(session.sendChunk(Buffer.from('€'), false, false, true), 'sent');
  const hex = (text: string): string => Buffer.from(text).toString('hex');
  t.strictSame(bench.sent(), [
    `1 ${hex('hello')}`,
    `2 ${hex('grüß')}`,
    '1 ',
    '1 61efbfbd62',
    '2 61',
    '1 61',
    `1+ ${hex('one')}`,
    `0 ${hex('€')}`,
  ]);
  session.close();
  t.equal(session.send('late'), 'closed');
  t.equal(session.sendChunk('late', false, true, true), 'closed');
});

t.test('text has to be UTF-8, but that of a built-in mode is not looked at', async (t) => {
  const bad = Buffer.of(0x61, 0xff);
  const bench = new Bench(new Witness()).open();
  const { session } = bench;
  t.throws(() => session.send(bad, false), InvalidArgumentError);
  t.throws(() => session.sendChunk(bad, false, true, true), InvalidArgumentError);
  t.equal(session.send(bad.subarray(0, 1), false), 'sent');
  t.equal(session.send(bad), 'sent');
  t.equal(session.sendChunk(bad, true, true, true), 'sent');
  t.equal(session.sendChunk(Buffer.from('€').subarray(0, 1), false, true, false), 'sent');
  t.throws(() => session.sendChunk(bad, false, false, true), InvalidArgumentError);
  t.equal(session.sendChunk(Buffer.from('€').subarray(1), false, false, true), 'sent');
  t.equal(session.sendRange(1, bad), 'sent', 'a replay may want to');
  t.strictSame(bench.sent(), ['1 61', '2 61ff', '2 61ff', '1+ e2', '0 82ac', '1 61ff']);
});

t.test('a Ping, and what the mode is told of those that come', async (t) => {
  const told: string[] = [];
  const tell =
    (what: string) =>
    (_session: ModeSession, bytes: Uint8Array, start: number, end: number): void => {
      told.push(`${what} ${Buffer.from(bytes.subarray(start, end)).toString()}`);
    };
  const bench = new Bench(
    Object.assign(new Witness(), { ping: tell('ping'), pong: tell('pong') }),
  ).open();
  const { session } = bench;
  t.ok(session.ping());
  t.ok(session.ping('grüß'));
  t.ok(session.ping(Buffer.alloc(125)));
  t.strictSame(bench.sent(), ['9 ', '9 6772c3bcc39f', `9 ${'00'.repeat(125)}`]);
  bench.receive(pongFrame('grüß'), pingFrame('a'));
  t.strictSame(told, ['pong grüß', 'ping a']);
  t.strictSame(bench.sent(), ['10 61'], 'its Pong');
  session.close();
  t.strictSame(bench.sent(), ['8 '], 'a Close without a code');
  bench.receive(pingFrame('b'), pongFrame('c'));
  t.strictSame(told, ['pong grüß', 'ping a'], 'nobody is told after our own Close');
  t.notOk(session.ping());
  t.match(bench.finish(), { closeCode: 1005, closedBy: 'server', messagesOut: 0, bytesOut: 0 });
});

t.test('§8.1: a text that is sent as bytes must be UTF-8', async (t) => {
  const { session } = new Bench(new Witness()).open();
  const euro = Buffer.from('€');
  const refused = new InvalidArgumentError(
    'a text message cannot have these bytes, which are not UTF-8 (RFC 6455 8.1): send them as binary',
  );
  for (const bytes of [Buffer.alloc(0), Buffer.from('abc'), euro, Buffer.from('€'.repeat(1000))])
    session.send(bytes, false);
  for (const bytes of [
    Buffer.of(0xff),
    euro.subarray(0, 2),
    euro.subarray(1),
    Buffer.of(0xc0, 0x80),
    Buffer.of(0xed, 0xa0, 0x80),
  ]) {
    t.throws(() => session.send(bytes, false), refused);
    session.send(bytes, true);
  }
  session.send(euro, false);
});

t.test('§8.1: chunks of a text may end inside a character', async (t) => {
  const bench = new Bench(new Witness()).open();
  const { session } = bench;
  const euro = Buffer.from('€');
  const refused = { name: 'InvalidArgumentError' };
  session.sendChunk(euro.subarray(0, 1), false, true, false);
  session.sendChunk(euro.subarray(1, 2), false, false, false);
  t.throws(() => session.sendChunk('', false, false, true), refused);
  t.throws(() => session.sendChunk(euro.subarray(0, 1), false, false, false), refused);
  session.sendChunk(euro.subarray(2), false, false, true);
  session.sendChunk(euro, false, true, true);
  t.strictSame(bench.sent(), ['1+ e2', '0+ 82', '0 ac', '1 e282ac']);
});

t.test("the client's certificate", async (t) => {
  const certificate = {
    subject: 'CN=a',
    issuer: 'CN=b',
    fingerprint: 'AB',
    serialNumber: '1',
    altNames: null,
  };
  const tls = { version: 'TLSv1.3', cipher: 'c', serverName: null };
  const bench = (one: typeof certificate | null): Bench =>
    new Bench(new Witness(), { ...QUIET, tlsPeer: { ...tls, certificate: one } });
  t.equal(bench(certificate).session.clientCertificate, certificate);
  t.equal(bench(null).session.clientCertificate, null);
  t.equal(new Bench(new Witness()).session.clientCertificate, null);
});

t.test('the user whose password was right', async (t) => {
  t.equal(new Bench(new Witness(), { ...QUIET, user: 'ann' }).session.user, 'ann');
  t.equal(new Bench(new Witness()).session.user, null);
});

t.test('what a mode says of its target goes to the tap, if there is one', async (t) => {
  const tap = new TapWitness();
  const { session } = new Bench(new Witness(), { ...QUIET, route: { tap } }).open();
  tap.take();
  session.reportTarget({ state: 'ended', target: 'host:1' });
  t.strictSame(tap.take(), ['target ended host:1']);
  new Bench(new Witness()).open().session.reportTarget({ state: 'lost', target: 'host:1' });
  t.strictSame(tap.take(), []);
});

t.test('it knows what serves it', async (t) => {
  const mode = new Witness();
  t.equal(new Bench(mode).session.mode, mode);
});

t.test('the sessions of one of several processes have numbers of their own', async (t) => {
  const numberOfNext = (): number => new Bench(new Witness()).session.id;
  const first = numberOfNext() + 1_000_000;
  numberSessionsFrom(first);
  t.strictSame([numberOfNext(), numberOfNext()], [first, first + 1]);
});
