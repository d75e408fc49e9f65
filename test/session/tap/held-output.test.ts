import { Buffer } from 'node:buffer';
import t from 'tap';
import { HeldOutput } from '../../../src/session/tap/held-output.js';
import { Endpoint } from '../../../src/protocol/endpoint.js';
import { HAND_OVER_BYTES, OutputQueue } from '../../../src/protocol/output-queue.js';
import { SlabPool } from '../../../src/protocol/slabs/slab-pool.js';
import { appendFromSlab } from '../../fixtures/slabs.js';

const SILENT = {
  message: (): void => undefined,
  chunk: (): void => undefined,
  pingReceived: (): void => undefined,
  pongReceived: (): void => undefined,
  peerClose: (): void => undefined,
  failed: (): void => undefined,
};

/** An endpoint that is ready to send. */
function makeEndpoint(pool: SlabPool): Endpoint {
  const limits = { maxMessage: 1e6, maxFragments: 10 };
  return new Endpoint(
    { role: 'server', delivery: 'messages', ...limits },
    SILENT,
    new OutputQueue(pool),
  );
}

/** Sends a text; short ones have a header of 2 bytes. */
function send(endpoint: Endpoint, text: string): void {
  const bytes = Buffer.from(text);
  endpoint.sendMessage(1, bytes, 0, bytes.length);
}

/** What has reached the output, without the headers of short texts. */
function taken({ output }: Endpoint): string {
  const text = Buffer.concat(output.take()).toString('latin1');
  output.release();
  return text.replaceAll(/\x81[\0-\x7d]/g, '');
}

t.test('what is held leaves in the parts that were sealed', (t) => {
  const pool = new SlabPool();
  const endpoint = makeEndpoint(pool);
  send(endpoint, 'a');
  const held = new HeldOutput(endpoint, pool);
  send(endpoint, 'b');
  t.equal(held.bytes, 3);
  t.equal(taken(endpoint), 'a', 'what waited before may leave');
  held.seal();
  send(endpoint, 'c');
  t.equal(held.bytes, 6, 'what is sealed is still held');
  t.equal(taken(endpoint), '');
  held.letGo();
  t.equal(held.bytes, 3);
  held.seal();
  send(endpoint, 'd');
  held.letGo();
  t.equal(taken(endpoint), 'bc', 'parts that nobody took are put together');
  t.equal(held.bytes, 3);
  send(endpoint, 'e');
  held.stop();
  t.equal(held.bytes, 0);
  send(endpoint, 'f');
  t.equal(taken(endpoint), 'def');
  t.equal(endpoint.output.waitingBytes, 0);
  t.end();
});

t.test('what is held can be taken back', (t) => {
  const pool = new SlabPool();
  const endpoint = makeEndpoint(pool);
  const held = new HeldOutput(endpoint, pool);
  const texts = ['a', 'b', 'c'].map((letter) => letter.repeat(20_000));
  send(endpoint, texts[0]!);
  held.seal();
  held.letGo();
  send(endpoint, texts[1]!);
  held.seal();
  send(endpoint, texts[2]!);
  send(endpoint, 'small, but after what is large');
  held.discard();
  t.equal(held.bytes, 0);
  t.equal(pool.freeCount, 2, 'their slabs are back');
  send(endpoint, 'd');
  t.equal(taken(endpoint), `\x81\x7e\x4e\x20${texts[0]!}d`);
  t.equal(pool.freeCount, 4, 'as are those that have left');
  t.end();
});

t.test('a Close and a Ping are held until they are let go', (t) => {
  const pool = new SlabPool();
  const endpoint = makeEndpoint(pool);
  const held = new HeldOutput(endpoint, pool);
  send(endpoint, 'a');
  t.notOk(held.isPingHeld);
  endpoint.sendPing(new Uint8Array(0));
  t.ok(held.isPingHeld);
  held.letGo();
  t.ok(held.isPingHeld, 'it was not sealed');
  held.seal();
  t.notOk(held.isCloseHeld);
  endpoint.sendClose(1000);
  held.letGo();
  t.notOk(held.isPingHeld);
  t.ok(held.isCloseHeld, 'it was sent after the seal');
  held.seal();
  t.ok(held.isCloseHeld);
  held.letGo();
  t.notOk(held.isCloseHeld);
  t.end();
});

t.test('what is held takes little more than its own size', (t) => {
  const pool = new SlabPool();
  const endpoint = makeEndpoint(pool);
  const held = new HeldOutput(endpoint, pool);
  const expected: string[] = [];
  const sendExpected = (text: string): void => {
    send(endpoint, text);
    expected.push(text);
  };
  const takeSlab = pool.take.bind(pool);
  let slabs = 0;
  pool.take = () => {
    slabs++;
    return takeSlab();
  };
  for (let count = 0; count < 1000; count++) sendExpected(`${count} `);
  sendExpected('y'.repeat(100));
  t.equal(slabs, 0, 'no slab is taken for a few bytes');
  send(endpoint, 'x'.repeat(20_000));
  expected.push(`\x81\x7e\x4e\x20${'x'.repeat(20_000)}`);
  t.equal(slabs, 1);
  sendExpected('z');
  held.seal();
  sendExpected('in the next part');
  t.equal(slabs, 1, 'nor in the next part');
  held.seal();
  held.letGo();
  t.equal(pool.freeCount, 0);
  const pieces = endpoint.output.take();
  t.equal(pieces.length, 3);
  const memory = pieces.reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
  const bytes = pieces.reduce((sum, { length }) => sum + length, 0);
  t.ok(memory - 256 * 1024 < 2 * bytes, `${memory} for ${bytes}`);
  const text = Buffer.concat(pieces).toString('latin1');
  t.equal(text.replaceAll(/\x81[\0-\x7d]/g, ''), expected.join(''));
  endpoint.output.release();
  t.equal(pool.freeCount, 1, 'every slab is back');
  t.end();
});

t.test('a payload in a slab, and one that is masked, go to the queue', (t) => {
  const pool = new SlabPool();
  const endpoint = makeEndpoint(pool);
  const held = new HeldOutput(endpoint, pool);
  const buffer = appendFromSlab(held, pool, new Uint8Array(HAND_OVER_BYTES));
  t.equal(pool.freeMessageBytes, 0, 'it is held');
  held.stop();
  t.ok(endpoint.output.take().some((piece) => piece.buffer === buffer));
  t.equal(pool.freeMessageBytes, 0);
  endpoint.output.release();
  t.equal(pool.freeMessageBytes, buffer.byteLength);
  const dropped = new HeldOutput(endpoint, pool);
  appendFromSlab(dropped, pool, new Uint8Array(HAND_OVER_BYTES));
  dropped.seal();
  appendFromSlab(dropped, pool, new Uint8Array(HAND_OVER_BYTES));
  dropped.discard();
  t.equal(pool.freeMessageBytes, 2 * buffer.byteLength);
  const other = new HeldOutput(endpoint, pool);
  other.appendFrame(0x82, 0x0403_0201, Uint8Array.of(1, 2), 0, 2, null);
  other.stop();
  const bytes = Buffer.concat(endpoint.output.take());
  t.equal(bytes.toString('hex'), '8282010203040000');
  t.end();
});

t.test('the memory of what is held counts: the small, the large and the sealed', (t) => {
  const pool = new SlabPool();
  const endpoint = makeEndpoint(pool);
  const held = new HeldOutput(endpoint, pool);
  t.equal(held.heldBytes, 0);
  send(endpoint, 'a');
  t.equal(held.heldBytes, 3);
  held.seal();
  t.equal(held.heldBytes, 3);
  send(endpoint, 'b'.repeat(20_000));
  t.ok(held.heldBytes > 20_000);
  held.discard();
  t.equal(held.heldBytes, 0);
  t.end();
});

t.test('bytes that are no frames keep their place', async (t) => {
  const pool = new SlabPool();
  const endpoint = makeEndpoint(pool);
  const held = new HeldOutput(endpoint, pool);
  send(endpoint, 'a');
  endpoint.sendRaw(Buffer.from('!'), null);
  send(endpoint, 'b');
  t.equal(held.bytes, 7);
  held.seal();
  held.letGo();
  t.equal(taken(endpoint), 'a!b');
});
