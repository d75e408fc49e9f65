/** The controls of the echo, and the rules that it breaks, on real sockets: each is looked at byte by byte. */
import { Buffer } from 'node:buffer';
import t, { type Test } from 'tap';
import { CONTROL_NAMES } from '../../src/modes/echo-controls/controls.js';
import { brokenBytes } from '../../src/protocol/break/broken-bytes.js';
import { BREAK_NAMES, type BreakName, brokenRule } from '../../src/protocol/break/broken-rules.js';
import {
  binaryFrame,
  closeFrame,
  encodeFrames,
  pingFrame,
  readFrames,
  textFrame,
  type TestFrame,
} from '../fixtures/frames.js';
import { ACCEPT, upgradeText, type Changes } from '../fixtures/handshake.js';
import { besideHealthyPeer } from '../fixtures/healthy-peer.js';
import { hexOf } from '../fixtures/hex.js';
import { connectRaw, type RawClient } from '../fixtures/raw-client.js';
import { makeTempDir } from '../fixtures/temp-dir.js';
import { startTwist } from '../fixtures/twist-process.js';
import { readFileSync } from 'node:fs';
import path from 'node:path';

t.setTimeout(120_000);

const OFFER = { 'Sec-WebSocket-Extensions': 'permessage-deflate' };

interface Answered {
  readonly client: RawClient;
  readonly head: string;
}

const toServer = (...frames: readonly TestFrame[]): Uint8Array => encodeFrames(frames, true);
const fromServer = (...frames: readonly TestFrame[]): Uint8Array => encodeFrames(frames, false);

/** Asks for a query; what comes behind the head of the answer stays in `client.received`. */
async function ask(
  t: Test,
  port: number,
  query: string,
  behind: Uint8Array = Buffer.alloc(0),
  headers: Changes = {},
): Promise<Answered> {
  const client = await connectRaw(t, port);
  client.send(
    Buffer.concat([Buffer.from(upgradeText(headers, `GET /x?${query} HTTP/1.1`)), behind]),
  );
  await client.waitUntil(() => client.received.includes('\r\n\r\n'), 'the answer');
  const { received } = client;
  const end = received.indexOf('\r\n\r\n') + 4;
  const rest = Buffer.from(received.subarray(end));
  client.forget();
  client.socket.unshift(rest);
  return { client, head: received.toString('latin1', 0, end) };
}

/** Waits until exactly these bytes have come. */
async function expectBytes(t: Test, client: RawClient, bytes: Uint8Array): Promise<void> {
  await client.waitForBytes(bytes.length);
  t.equal(hexOf(client.received), hexOf(bytes));
  client.forget();
}

const HELLO = toServer(textFrame('hello'));
const ECHO = fromServer(textFrame('hello'));

t.test('controls', async (t) => {
  const twist = await startTwist(t, ['--echo-controls', '--ping-interval', 'off']);
  const { port } = twist;
  const open = async (query: string, behind = HELLO): Promise<RawClient> => {
    const { client, head } = await ask(t, port, query, behind);
    t.match(head, /^HTTP\/1\.1 101 /, query);
    return client;
  };

  await t.test('delay, jitter, throttle: the same bytes, later', async (t) => {
    await expectBytes(t, await open('delay=20ms&jitter=5ms'), ECHO);
    const client = await open('throttle=64k', toServer(binaryFrame(Buffer.alloc(20_000, 7))));
    await client.waitForBytes(20_000 + 4 * 4);
    const frames = readFrames(client.received);
    t.equal(Buffer.concat(frames.map(({ payload }) => payload)).length, 20_000);
    t.strictSame(
      frames.map(({ opcode, isFinal }) => [opcode, isFinal]),
      [
        [2, false],
        [0, false],
        [0, false],
        [0, true],
      ],
    );
  });

  await t.test('fragment and burst', async (t) => {
    const parts = fromServer(
      textFrame('he', { isFinal: false }),
      { opcode: 0, payload: 'll', isFinal: false },
      { opcode: 0, payload: 'o' },
    );
    await expectBytes(t, await open('fragment=2&burst=2'), Buffer.concat([parts, parts]));
  });

  await t.test('mute, greeting and info', async (t) => {
    const both = await open('greeting=hi&mute&close=1000&after=1');
    await expectBytes(t, both, fromServer(textFrame('hi'), closeFrame(1000)));
    const client = await open('info&close&after=1');
    await client.waitUntil(
      () => client.received.includes(Buffer.from(fromServer(closeFrame()))),
      'a Close',
    );
    const [first] = readFrames(client.received);
    t.match(JSON.parse(Buffer.from(first!.payload).toString()), {
      method: 'GET',
      path: '/x',
      query: /^\[hidden:4\]&/,
      remotePort: client.port,
      subprotocol: null,
    });
  });

  await t.test('Pings, and no Pongs', async (t) => {
    const client = await open('ping=10ms&no-pong', toServer(pingFrame('p')));
    await expectBytes(t, client, fromServer(pingFrame()));
  });

  await t.test('ends', async (t) => {
    const cases: readonly [query: string, bytes: Uint8Array, how: object][] = [
      ['close=1008&reason=x&after=1', fromServer(textFrame('hello'), closeFrame(1008, 'x')), {}],
      ['end&after=1', ECHO, { hasEnded: true, errorCode: null }],
      // Node's own reading takes a reset that comes together with data for the end of the stream.
      ['reset&after=1', ECHO, {}],
    ];
    for (const [query, bytes, how] of cases) {
      const client = await open(query);
      await expectBytes(t, client, bytes);
      if (query.startsWith('close')) client.send(toServer(closeFrame(1008)));
      await client.waitForEnd();
      t.match(client, how, query);
      const line = await twist.waitForPeer(client);
      t.match(line, { mode: 'echo', controls: query.replace('=x', '').split('&') });
      t.match(
        line,
        query.startsWith('close')
          ? { closedBy: 'server', code: 1008 }
          : { closedBy: 'lost', code: 1006 },
      );
    }
  });

  await t.test('a reset is one', async (t) => {
    const client = await open('reset&mute&after=1', Buffer.alloc(0));
    client.send(HELLO);
    await client.waitForEnd();
    t.match(client, { errorCode: 'ECONNRESET', receivedBytes: 0 });
  });

  await t.test('statuses, and whatever is wrong', async (t) => {
    for (const status of [200, 418, 503]) {
      const { client, head } = await ask(t, port, `reject=${status}`);
      t.match(head, new RegExp(`^HTTP/1\\.1 ${status} `));
      t.match(await twist.waitForPeer(client), { rule: 'echo-reject', status });
    }
    const { client, head } = await ask(t, port, 'burst=<script>');
    t.match(head, /^HTTP\/1\.1 400 Bad Request\r\n/);
    t.match(head, /\r\nContent-Type: text\/plain; charset=utf-8\r\n/);
    await client.waitForEnd();
    const body = client.received.toString();
    t.equal(body, 'the control burst cannot be "<script>": give a number from 1 to 1000\n');
    const line = await twist.waitForPeer(client);
    t.match(line, { rule: 'echo-control', status: 400, control: 'burst' });
    t.notMatch(JSON.stringify(line), 'script', 'the log has nothing of it');
  });

  await t.test('a client that does not read holds bounded memory', async (t) => {
    const twist = await startTwist(t, ['--echo-controls']);
    await besideHealthyPeer(t, twist, async (healthy) => {
      const { client } = await ask(t, twist.port, 'burst=1000&delay=1ms');
      client.socket.pause();
      const message = toServer(binaryFrame(Buffer.alloc(1_000_000)));
      for (let count = 0; count < 60; count++) client.send(message);
      await healthy.roundTrips(10);
      const { rssBytes } = twist.memory();
      t.ok(rssBytes < 300e6, `${rssBytes}`);
      client.socket.destroy();
      t.match(await twist.waitForPeer(client), { mode: 'echo' });
    });
  });
});

t.test('every rule: what leaves is what the table says', async (t) => {
  const directory = makeTempDir(t);
  const file = path.join(directory, 'traffic.ndjson');
  const twist = await startTwist(t, ['--echo-controls', '--record', file]);
  const peers = new Map<BreakName, RawClient>();
  for (const name of BREAK_NAMES) {
    const { when, needsDeflate } = brokenRule(name);
    const query = `break=${name}${when === 'messages' ? '&after=1' : ''}`;
    const headers = needsDeflate === true ? OFFER : {};
    const { client, head } = await ask(t, twist.port, query, HELLO, headers);
    peers.set(name, client);
    t.match(head, /^HTTP\/1\.1 101 /, name);
    t.equal(head.includes(ACCEPT), name !== 'wrong-accept', name);
    t.equal(head.includes('Extensions: x-unasked\r\n'), name === 'unasked-extension');
    t.equal(head.includes('Protocol: x-unasked\r\n'), name === 'unasked-subprotocol');
    if (when === 'messages') {
      const { bytes, isLast } = brokenBytes(name);
      if (needsDeflate === true) await client.waitForBytes(bytes.length);
      else await expectBytes(t, client, Buffer.concat([ECHO, bytes]));
      if (isLast) await client.waitForEnd();
      else client.send(toServer(closeFrame(1002)));
    } else {
      await expectBytes(t, client, ECHO);
      client.send(toServer(closeFrame(1000)));
      if (when === 'handshake') await expectBytes(t, client, fromServer(closeFrame(1000)));
    }
    await client.waitForEnd();
    if (when === 'close') t.equal(client.receivedBytes, 0, 'no Close');
    client.socket.end();
    t.match(await twist.waitForPeer(client), { controls: query.split('&') }, name);
  }
  await twist.stop();

  // No line of a recording says what was not so: broken bytes are no message, and the URL says that there are some.
  const records = readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  for (const [name, { port }] of peers) {
    const open = records.find(({ ev, remote }) => ev === 'open' && remote === `127.0.0.1:${port}`);
    t.match(open, { url: new RegExp(`^/x\\?break=${name}(&|$)`) }, name);
    const out = records.filter(
      ({ s, dir, ev }) => s === open?.['s'] && dir === 'out' && ev === 'msg',
    );
    t.match(out, [{ data: 'hello' }], name);
    t.equal(out.length, 1);
  }
});

t.test('without the option a query has no effect', async (t) => {
  const twist = await startTwist(t);
  for (const name of CONTROL_NAMES) {
    const { client, head } = await ask(t, twist.port, `${name}=1&after=x&break=bomb`, HELLO);
    t.match(head, ACCEPT, name);
    await expectBytes(t, client, ECHO);
  }
});

t.test('others are served as ever beside all this', async (t) => {
  const twist = await startTwist(t, ['--echo-controls']);
  await besideHealthyPeer(t, twist, async () => {
    const broken = BREAK_NAMES.filter((name) => brokenRule(name).when === 'messages');
    const asked = await Promise.all(
      broken.map((name) => ask(t, twist.port, `break=${name}`, HELLO, OFFER)),
    );
    for (const { client } of asked) client.socket.destroy();
  });
});
