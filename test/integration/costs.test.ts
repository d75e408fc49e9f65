/**
 * Small inputs that cost a server much: what they may take of its processor, with somebody else beside who
 * is served.
 */
import { randomBytes } from 'node:crypto';
import t, { type Test } from 'tap';
import { flushedFragments, inflateAll } from '../fixtures/deflate.js';
import { type ExtensionClient, openWithExtensions } from '../fixtures/extension-client.js';
import { besideHealthyPeer } from '../fixtures/healthy-peer.js';
import { KIB, MIB } from '../fixtures/memory-growth.js';
import {
  BINARY,
  CONTINUATION,
  FIN,
  FrameCutter,
  RSV1,
  type QuickFrame,
  quickFrame,
} from '../fixtures/quick-frames.js';
import { startTwist, type TwistProcess } from '../fixtures/twist-process.js';
import { within } from '../fixtures/within.js';

t.setTimeout(150_000);

const skip = process.platform !== 'linux' && 'needs /proc';

const LIMIT_BYTES = 16 * MIB;

async function openDeflate(t: Test, twist: TwistProcess): Promise<ExtensionClient> {
  return await openWithExtensions(t, twist.port, 'permessage-deflate', []);
}

/** Sends frames and waits for the first one that comes back. */
async function exchange(client: ExtensionClient, frames: readonly Buffer[]): Promise<QuickFrame> {
  const answer = new Promise<QuickFrame>((resolve) => {
    const cutter = new FrameCutter(resolve);
    client.raw.socket.on('data', (bytes: Buffer) => {
      cutter.receive(bytes);
    });
  });
  client.raw.send(Buffer.concat(frames));
  return await within(answer, 'an answer');
}

/** Fragments of one message, compressed before. */
const framesOf = (fragments: readonly Buffer[]): Buffer[] =>
  fragments.map((fragment, index) => {
    const first = index === 0 ? RSV1 | BINARY : CONTINUATION;
    return quickFrame(index === fragments.length - 1 ? FIN | first : first, fragment);
  });

/** What a server says in a Close. */
const closeText = ({ first, payload }: QuickFrame): string =>
  first === (FIN | 8) ? `${payload.readUInt16BE()} ${payload.toString('utf8', 2)}` : 'no Close';

t.test(
  'one-byte fragments behind one that is as large as a message may be',
  { skip },
  async (t) => {
    const twist = await startTwist(t);
    await besideHealthyPeer(t, twist, async (healthy) => {
      const client = await openDeflate(t, twist);
      await healthy.roundTrips(1);
      const before = twist.cpuMs();
      const one = quickFrame(CONTINUATION, Buffer.alloc(1));
      client.raw.send(quickFrame(RSV1 | BINARY, Buffer.alloc(LIMIT_BYTES)));
      client.raw.send(Buffer.concat(Array.from({ length: 2000 }, () => one)));
      // A Pong says that all before it was taken.
      const { first } = await exchange(client, [quickFrame(FIN | 9, Buffer.from('through'))]);
      t.equal(first, FIN | 10, 'the message goes on');
      const cpuMs = twist.cpuMs() - before;
      t.ok(cpuMs < 2500, `${cpuMs} ms of processor time`);
      client.raw.socket.resetAndDestroy();
      await client.raw.waitForClose();
    });
    t.equal(await twist.stop(), 0);
  },
);

t.test('200,000 fragments of noise, each of them flushed', { skip }, async (t) => {
  const twist = await startTwist(t);
  await besideHealthyPeer(t, twist, async () => {
    const client = await openDeflate(t, twist);
    const noise = randomBytes(16_000_000);
    const frames = framesOf(flushedFragments(noise, 80));
    t.equal(frames.length, 200_000);
    const before = twist.cpuMs();
    const { first, payload } = await exchange(client, frames);
    const cpuMs = twist.cpuMs() - before;
    t.equal(first, FIN | RSV1 | BINARY);
    t.ok(inflateAll([payload]).equals(noise), 'it comes back');
    t.ok(cpuMs < 5000, `${cpuMs} ms of processor time`);
    client.raw.socket.resetAndDestroy();
    await client.raw.waitForClose();
  });
  t.equal(await twist.stop(), 0);
});

t.test('a message is as large as it is when it is inflated', { skip }, async (t) => {
  const limitBytes = 128 * KIB;
  const twist = await startTwist(t, ['--max-message', '128k']);
  const noise = randomBytes(limitBytes + 1);
  for (const [fragmentBytes, options] of [
    [limitBytes + 1, { memLevel: 1 }],
    [limitBytes + 1, { memLevel: 8 }],
    [limitBytes + 1, { level: 0, memLevel: 1 }],
    [1000, { memLevel: 9 }],
    [80, { memLevel: 1 }],
    [7, {}],
    [1, {}],
  ] as const) {
    const name = `fragments of ${fragmentBytes} bytes, ${JSON.stringify(options)}`;
    const wireOf = (message: Buffer): Buffer[] =>
      framesOf(flushedFragments(message, fragmentBytes, options));
    const client = await openDeflate(t, twist);
    const fitting = noise.subarray(0, limitBytes);
    const { payload } = await exchange(client, wireOf(fitting));
    t.ok(inflateAll([payload]).equals(fitting), `${name}: ${limitBytes} bytes come back`);
    client.raw.socket.destroy();
    const larger = await openDeflate(t, twist);
    const answer = await exchange(larger, wireOf(noise));
    const tooBig = `1009 message is over the limit of ${limitBytes} bytes`;
    t.equal(closeText(answer), tooBig, `${name}: one more does not`);
    larger.raw.socket.destroy();
  }
  t.equal(await twist.stop(), 0);
});

t.test('what is never inflated has a limit on the wire', { skip }, async (t) => {
  const twist = await startTwist(t, ['--max-message', '1k']);
  // A quarter more, 64 bytes, and 16 for each fragment.
  const wireBytes = 1024 + 256 + 64 + 16;
  const client = await openDeflate(t, twist);
  const rest = [
    quickFrame(CONTINUATION, Buffer.alloc(16)),
    quickFrame(FIN | 9, Buffer.from('so far')),
    quickFrame(CONTINUATION, Buffer.alloc(17)),
  ];
  const first = quickFrame(RSV1 | BINARY, Buffer.alloc(wireBytes));
  const pong = await exchange(client, [first, ...rest]);
  t.equal(pong.payload.toString(), 'so far', 'at the limit');
  await client.raw.waitForEnd();
  const text = client.raw.received.toString('latin1');
  t.match(text, 'message is over the limit of 1392 bytes on the wire', 'one past it');
  t.equal(await twist.stop(), 0);
});
