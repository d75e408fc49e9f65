import { Buffer } from 'node:buffer';
import t, { type Test } from 'tap';
import {
  InvalidArgumentError,
  InvalidStateError,
  PolicyError,
  type PeerError,
} from '../../src/errors.js';
import { Codec, type CodecOptions } from '../../src/protocol/codec.js';
import { FRAME_ERRORS } from '../fixtures/frame-errors.js';
import { encodeFrames } from '../fixtures/frames.js';
import { BINARY, FIN, PING, TEXT, quickFrame } from '../fixtures/quick-frames.js';
import { byteByByte, everyCut, everyTwoCuts, piecesOf } from '../fixtures/splits.js';

type Event = readonly [name: string, ...given: unknown[]];

/** A codec that writes down what it says; payloads as latin-1. */
function recording(options: CodecOptions): { codec: Codec; events: Event[] } {
  const events: Event[] = [];
  const codec = new Codec({
    message: (data, isBinary) => events.push(['message', data.toString('latin1'), isBinary]),
    chunk: (data, ...flags) => events.push(['chunk', data.toString('latin1'), ...flags]),
    ping: (data) => events.push(['ping', data.toString('latin1')]),
    pong: (data) => events.push(['pong', data.toString('latin1')]),
    close: (code, reason) => events.push(['close', code, reason]),
    failure: (error) => events.push(['failure', error.rule]),
    ...options,
  });
  return { codec, events };
}

/** Takes the output of both to the other until there is none. */
function exchange(one: Codec, other: Codec): void {
  for (let isQuiet = false; !isQuiet;) {
    const there = one.takeOutput();
    if (there !== null) other.receive(there);
    const back = other.takeOutput();
    if (back !== null) one.receive(back);
    isQuiet = there === null && back === null;
  }
}

function pair(options: Partial<CodecOptions> = {}): {
  client: ReturnType<typeof recording>;
  server: ReturnType<typeof recording>;
} {
  const client = recording({ ...options, role: 'client' });
  const server = recording({ ...options, role: 'server' });
  return { client, server };
}

const hexOf = (codec: Codec): string => Buffer.from(codec.takeOutput() ?? []).toString('hex');

t.test('messages, in both directions', async (t) => {
  const { client, server } = pair();
  for (const [one, other] of [
    [client, server],
    [server, client],
  ] as const) {
    t.ok(one.codec.send('text'));
    t.ok(one.codec.send(Uint8Array.of(0xff)));
    t.ok(one.codec.send('bytes', true));
    t.ok(one.codec.send(Buffer.from('grüß'), false));
    t.ok(one.codec.send('\ud800'));
    t.ok(one.codec.send(''));
    exchange(client.codec, server.codec);
    t.strictSame(other.events, [
      ['message', 'text', false],
      ['message', '\xff', true],
      ['message', 'bytes', true],
      ['message', Buffer.from('grüß').toString('latin1'), false],
      ['message', '\xef\xbf\xbd', false],
      ['message', '', false],
    ]);
  }
});

t.test(
  'on the wire: a server does not mask, a client does, each time with another key',
  async (t) => {
    const { client, server } = pair();
    server.codec.send('Hello');
    t.equal(hexOf(server.codec), '810548656c6c6f', 'RFC 6455 §5.7');
    t.equal(server.codec.takeOutput(), null);
    const keys = new Set<string>();
    for (let count = 0; count < 5000; count++) {
      client.codec.send('');
      keys.add(hexOf(client.codec).slice(4));
    }
    t.ok(keys.size > 4990, `${keys.size} keys`);
  },
);

t.test('chunks', async (t) => {
  const { client, server } = pair({ delivery: 'chunks' });
  const euro = Buffer.from('€');
  t.ok(client.codec.sendChunk('a', false, true, false));
  t.throws(() => client.codec.send('b'), InvalidStateError, 'not inside of another message');
  t.throws(() => client.codec.send(Uint8Array.of(0xff), false), InvalidArgumentError);
  t.ok(client.codec.sendChunk(euro.subarray(0, 1), false, false, false));
  t.throws(() => client.codec.sendChunk('c', false, false, false), InvalidArgumentError);
  t.throws(() => client.codec.sendChunk('c', false, true, false), InvalidStateError);
  t.throws(() => client.codec.sendChunk('c', true, false, false), InvalidStateError);
  t.throws(() => client.codec.sendChunk(euro.subarray(1, 2), false, false, true), {
    message:
      'a text message cannot have these bytes, which are not UTF-8 (RFC 6455 8.1): send them as binary',
  });
  client.codec.ping('p');
  t.ok(client.codec.sendChunk(euro.subarray(1), false, false, true), 'nothing of that was sent');
  t.ok(client.codec.sendChunk(Uint8Array.of(0xff), true, true, true));
  exchange(client.codec, server.codec);
  t.strictSame(server.events, [
    ['chunk', 'a', false, true, false],
    ['chunk', '\xe2', false, false, false],
    ['ping', 'p'],
    ['chunk', '\x82\xac', false, false, true],
    ['chunk', '\xff', true, true, true],
  ]);
  t.strictSame(client.events, [['pong', 'p']]);
});

t.test('Ping and Pong', async (t) => {
  const { client, server } = pair();
  t.ok(client.codec.ping());
  t.ok(client.codec.ping(new Uint8Array(125).fill(0x61)));
  t.ok(client.codec.pong('beat'));
  t.ok(server.codec.pong());
  exchange(client.codec, server.codec);
  const long = 'a'.repeat(125);
  t.strictSame(server.events, [
    ['ping', ''],
    ['ping', long],
    ['pong', 'beat'],
  ]);
  t.strictSame(client.events, [
    ['pong', ''],
    ['pong', ''],
    ['pong', long],
  ]);
  for (const name of ['ping', 'pong'] as const) {
    t.throws(() => client.codec[name]('€'.repeat(42)), {
      message: `a ${name === 'ping' ? 'Ping' : 'Pong'} cannot have 126 bytes: give at most 125 (RFC 6455 5.5)`,
    });
  }
});

t.test('the closing handshake', async (t) => {
  for (const [given, code, reason] of [
    [[], 1005, ''],
    [[1000], 1000, ''],
    [[4000, 'grüß'], 4000, 'grüß'],
    [[1001, 'x'.repeat(200)], 1001, 'x'.repeat(123)],
  ] as const) {
    const { client, server } = pair();
    const [givenCode, givenReason] = given as readonly [number?, string?];
    t.ok(client.codec.close(givenCode, givenReason));
    t.notOk(client.codec.close(1000), 'once');
    t.notOk(client.codec.isClosed);
    for (const isSent of [
      client.codec.send('late'),
      client.codec.sendChunk('late', false, true, true),
      client.codec.ping(),
      client.codec.pong(),
    ])
      t.notOk(isSent);
    server.codec.send('dropped, since the client has closed');
    exchange(client.codec, server.codec);
    t.strictSame(server.events, [['close', code, reason]]);
    t.strictSame(client.events, [['close', code, reason]], 'the same code comes back');
    t.ok(client.codec.isClosed && server.codec.isClosed);
    client.codec.receiveEnd();
    server.codec.receiveEnd();
    client.codec.receive(Buffer.from('8100', 'hex'));
    t.equal(client.events.length + server.events.length, 2, 'close is called once');
  }
});

t.test('what close sends goes out before the answer', async (t) => {
  const codec: Codec = new Codec({
    role: 'server',
    close: () => {
      codec.send('bye');
      t.ok(codec.close(4001), 'another answer');
    },
  });
  codec.receive(quickFrame(FIN | 8, Buffer.from('\x03\xe8', 'latin1')));
  t.equal(hexOf(codec), `8103${Buffer.from('bye').toString('hex')}88020fa1`);
  t.ok(codec.isClosed);
});

t.test('an end without a Close', async (t) => {
  const { client } = pair();
  client.codec.receiveEnd();
  client.codec.receiveEnd();
  t.strictSame(client.events, [['close', 1006, '']]);
  t.ok(client.codec.isClosed);
  t.notOk(client.codec.send('late'));
  t.equal(client.codec.takeOutput(), null);
  const closing = pair().client;
  closing.codec.close(1000);
  closing.codec.receiveEnd();
  t.strictSame(closing.events, [['close', 1006, '']]);
});

t.test('what a peer does wrong', async (t) => {
  for (const { name, frames, code, rule, reason, role, isForWholeMessages } of FRAME_ERRORS) {
    for (const ours of ['server', 'client'] as const) {
      for (const delivery of ['messages', 'chunks'] as const) {
        if (role !== undefined && role !== ours) continue;
        if (isForWholeMessages === true && delivery === 'chunks') continue;
        const { codec, events } = recording({ role: ours, delivery });
        codec.receive(encodeFrames(frames, ours === 'server'));
        t.strictSame(events.at(-1), ['failure', rule], `${name}, as ${ours}`);
        t.ok(codec.isClosed);
        const other = recording({ role: ours === 'server' ? 'client' : 'server' });
        const output = codec.takeOutput();
        t.ok(output);
        other.codec.receive(output!);
        t.strictSame(other.events.at(-1), ['close', code, reason]);
        codec.receiveEnd();
        t.equal(events.filter(([event]) => event === 'close').length, 0);
      }
    }
  }
});

t.test('limits', async (t) => {
  const atLimit = pair({ maxMessage: 5, maxFragments: 2 });
  atLimit.client.codec.send('12345');
  atLimit.client.codec.sendChunk('1', false, true, false);
  atLimit.client.codec.sendChunk('2', false, false, true);
  exchange(atLimit.client.codec, atLimit.server.codec);
  t.equal(atLimit.server.events.length, 2);
  atLimit.client.codec.send('123456');
  exchange(atLimit.client.codec, atLimit.server.codec);
  t.strictSame(atLimit.server.events.at(-1), ['failure', 'message-too-big']);
  t.equal(atLimit.client.events.at(-1)?.[1], 1009);
  const fragments = pair({ maxFragments: 1 });
  fragments.client.codec.sendChunk('1', false, true, false);
  fragments.client.codec.sendChunk('2', false, false, true);
  exchange(fragments.client.codec, fragments.server.codec);
  t.strictSame(fragments.server.events, [['failure', 'too-many-fragments']]);
});

t.test('the input may be cut anywhere', async (t) => {
  const wire = Buffer.concat([
    quickFrame(TEXT, Buffer.from('€').subarray(0, 2)),
    quickFrame(PING, Buffer.from('ping')),
    quickFrame(FIN, Buffer.from('€').subarray(2)),
    quickFrame(FIN | BINARY, Buffer.alloc(130, 1)),
    quickFrame(FIN | 8, Buffer.from('\x03\xe8', 'latin1')),
  ]);
  const whole = recording({ role: 'server' });
  whole.codec.receive(wire);
  const output = hexOf(whole.codec);
  t.equal(whole.events.length, 4);
  const cuts = [...everyTwoCuts(40), ...everyCut(wire.length), byteByByte(wire.length)];
  for (const cut of cuts) {
    const { codec, events } = recording({ role: 'server' });
    for (const part of piecesOf(wire, cut)) codec.receive(part);
    t.strictSame(events, whole.events);
    t.equal(hexOf(codec), output);
  }
});

t.test('the bytes that it is given stay as they are, and what it gives may be kept', async (t) => {
  for (const delivery of ['messages', 'chunks'] as const) {
    const kept: Buffer[] = [];
    const keep = (data: Buffer): void => void kept.push(data);
    const server = new Codec({ role: 'server', delivery, message: keep, chunk: keep, ping: keep });
    const client = new Codec({ role: 'client' });
    const sent = Buffer.from('payload');
    client.send(sent);
    sent.fill(0);
    client.ping('ping');
    client.send('x'.repeat(600_000));
    const wire = client.takeOutput()!;
    const before = Buffer.from(wire);
    server.receive(wire);
    t.ok(before.equals(wire), 'not unmasked in place');
    wire.fill(0);
    client.send('y'.repeat(600_000));
    const next = client.takeOutput()!;
    server.receive(next);
    t.strictSame(kept.slice(0, 2).map(String), ['payload', 'ping']);
    const rest = Buffer.concat(kept.slice(2)).toString();
    t.equal(rest, 'x'.repeat(600_000) + 'y'.repeat(600_000));
  }
});

t.test('a message that is sent on is not shared with the one who keeps it', async (t) => {
  let kept: Buffer = Buffer.alloc(0);
  const codec: Codec = new Codec({
    role: 'client',
    message: (data) => {
      kept = data;
      codec.send(data);
    },
  });
  const server = recording({ role: 'server' });
  server.codec.sendChunk(new Uint8Array(200_000).fill(0x61), true, true, false);
  server.codec.sendChunk(new Uint8Array(200_000).fill(0x61), true, false, true);
  codec.receive(server.codec.takeOutput()!);
  kept.fill(0x62);
  server.codec.receive(codec.takeOutput()!);
  t.ok(server.events[0]?.[1] === 'a'.repeat(400_000));
});

/** A codec of which one callback throws, and what comes of it. */
function testThrown(t: Test, options: Omit<CodecOptions, 'role'>, first: number): void {
  const isPeersFault = options.failure !== undefined;
  const failures: PeerError[] = [];
  for (const hasClosed of [false, true]) {
    const codec = new Codec({
      role: 'server',
      failure: (error) => failures.push(error),
      ...options,
    });
    if (hasClosed && first !== (FIN | 8) && first !== PING) continue;
    if (hasClosed) codec.close(1000);
    const frame = quickFrame(first, first === (FIN | 8) ? new Uint8Array(0) : Buffer.from('a'));
    t.throws(() => {
      codec.receive(frame);
    }, new Error('ours'));
    t.ok(codec.isClosed);
    const output = hexOf(codec);
    t.match(
      output,
      hasClosed
        ? '880203e8'
        : Buffer.from(isPeersFault ? 'opcode' : 'internal error').toString('hex'),
    );
    codec.receive(frame);
    codec.receiveEnd();
  }
  t.strictSame(failures, [], 'no fault of the peer');
}

t.test('a callback that throws', async (t) => {
  const fail = (): never => {
    throw new Error('ours');
  };
  testThrown(t, { message: fail }, FIN | TEXT);
  testThrown(t, { chunk: fail, delivery: 'chunks' }, FIN | TEXT);
  testThrown(t, { ping: fail }, PING);
  testThrown(t, { pong: fail }, FIN | 0xa);
  testThrown(t, { close: fail }, FIN | 8);
  testThrown(t, { failure: fail }, FIN | 3);
  const codec = new Codec({ role: 'client', close: fail });
  t.throws(() => {
    codec.receiveEnd();
  }, new Error('ours'));
});

t.test('a callback that throws an error of the peer', async (t) => {
  const { codec, events } = recording({
    role: 'server',
    message: () => {
      throw new PolicyError('too-many-fragments');
    },
  });
  codec.receive(quickFrame(FIN | TEXT, Buffer.from('a')));
  t.strictSame(events, [['failure', 'too-many-fragments']]);
  t.match(hexOf(codec), /^88..03f0/);
});

t.test('callbacks do not receive, but may send and close', async (t) => {
  for (const name of ['receive', 'receiveEnd'] as const) {
    const codec: Codec = new Codec({
      role: 'server',
      message: () => {
        codec[name](new Uint8Array(0));
      },
    });
    t.throws(
      () => {
        codec.receive(quickFrame(FIN | TEXT, Buffer.from('a')));
      },
      new InvalidStateError(`${name} cannot be called by a callback of the same codec`),
    );
  }
  const codec: Codec = new Codec({ role: 'server', message: () => codec.close(1000) });
  codec.receive(quickFrame(FIN | TEXT, Buffer.from('a')));
  t.equal(hexOf(codec), '880203e8');
});

t.test('callbacks may be left out', async (t) => {
  const bad = quickFrame(FIN | 3, new Uint8Array(0));
  for (const delivery of ['messages', 'chunks'] as const) {
    const codec = new Codec({ role: 'server', delivery });
    for (const first of [FIN | TEXT, PING, FIN | 0xa]) codec.receive(quickFrame(first, bad));
    codec.receive(bad);
    t.ok(codec.isClosed);
    const other = new Codec({ role: 'server', delivery });
    other.receiveEnd();
    t.ok(other.isClosed);
  }
});

t.test('arguments', async (t) => {
  const refused = (call: () => unknown, message: string): void => {
    t.throws(call, new InvalidArgumentError(message), message);
  };
  const make = (options: unknown): Codec => new Codec(options as CodecOptions);
  const example = "give an object such as { role: 'client' }";
  refused(() => make(undefined), `the options of a codec cannot be undefined: ${example}`);
  refused(() => make(null), `the options of a codec cannot be null: ${example}`);
  refused(() => make({}), 'role cannot be undefined: give server or client');
  refused(() => make({ role: 'peer' }), 'role cannot be "peer": give server or client');
  const role = 'client';
  refused(
    () => make({ role, delivery: 'pieces' }),
    'delivery cannot be "pieces": give messages or chunks',
  );
  for (const value of [-1, 1.5, NaN, '5', Infinity, null])
    for (const [name, min] of [
      ['maxMessage', 0],
      ['maxFragments', 1],
    ] as const) {
      const shown = typeof value === 'string' ? '"5"' : String(value);
      refused(
        () => make({ role, [name]: value }),
        `${name} cannot be ${shown}: give a whole number, ${min} or more`,
      );
    }
  for (const name of ['message', 'chunk', 'ping', 'pong', 'close', 'failure'])
    refused(() => make({ role, [name]: true }), `${name} cannot be true: give a function`);

  const codec = make({ role }) as unknown as Record<string, (...given: unknown[]) => unknown>;
  const clause = 'give a Uint8Array, such as a Buffer, or a string';
  for (const call of ['send', 'ping', 'pong', 'receive'])
    refused(() => codec[call]!(5), `what is sent cannot be 5: ${clause}`);
  refused(() => codec['sendChunk']!(5, true, true, true), `what is sent cannot be 5: ${clause}`);
  refused(() => codec['send']!('a', 1), 'isBinary cannot be 1: give true or false');
  refused(() => codec['sendChunk']!('a'), 'isBinary cannot be undefined: give true or false');
  t.throws(() => codec['sendChunk']!('a', true, 1, 2), InvalidArgumentError);
  t.throws(() => codec['send']!(Uint8Array.of(0xff), false), InvalidArgumentError);
  t.throws(() => codec['close']!(1006), InvalidStateError);
  t.throws(() => codec['close']!(1000, 5), InvalidArgumentError);
  refused(() => codec['close']!(undefined, 'why'), 'a close reason needs a code, such as 1000');
  t.equal((codec as unknown as Codec).takeOutput(), null, 'nothing of that was sent');
});
