import { Buffer } from 'node:buffer';
import t, { type Test } from 'tap';
import { BLOCK_ROOM_BYTES } from '../../../src/recording/convert/spool-file.js';
import { Spool, SpoolStream } from '../../../src/recording/convert/spool.js';
import { SeededRandom } from '../../fixtures/seeded-random.js';
import { makeTempDir } from '../../fixtures/temp-dir.js';

function makeSpool(t: Test, maxHeldBytes: number): Spool {
  const spool = new Spool(makeTempDir(t), maxHeldBytes);
  t.teardown(() => {
    spool.file.close();
  });
  return spool;
}

function textOf(stream: SpoolStream): string {
  return Buffer.concat([...stream.drain()]).toString();
}

t.test('what fits stays in memory', async (t) => {
  const spool = makeSpool(t, 10_000);
  const stream = new SpoolStream(spool);
  t.ok(stream.isEmpty);
  stream.append(Buffer.from('größer '));
  stream.appendText('größer');
  stream.appendText('x'.repeat(1000));
  t.notOk(stream.isEmpty);
  t.ok(spool.heldBytes >= 1016 && spool.heldBytes < 5000, 'counted');
  t.equal(textOf(stream), `größer größer${'x'.repeat(1000)}`);
  t.ok(stream.isEmpty);
  t.equal(spool.heldBytes, 0);
  t.equal(spool.file.blocks, 0, 'no file was needed');
  t.equal(textOf(stream), '', 'given away once');
  stream.appendText('again');
  t.equal(textOf(stream), 'again');
});

t.test('what does not fit goes to the file', async (t) => {
  const spool = makeSpool(t, 1000);
  const [one, two] = [new SpoolStream(spool), new SpoolStream(spool)];
  one.appendText('one ');
  two.appendText('two ');
  one.appendText('1'.repeat(2000));
  t.equal(spool.heldBytes, 0, 'all streams are written');
  t.equal(spool.file.blocks, 2);
  one.appendText(' end');
  t.equal(spool.heldBytes, 256, 'small pieces are collected again');
  t.notOk(two.isEmpty);
  t.equal(textOf(two), 'two ');
  t.ok(two.isEmpty);
  t.equal(textOf(one), `one ${'1'.repeat(2000)} end`);
});

t.test('chains of blocks', async (t) => {
  const spool = makeSpool(t, 0);
  const stream = new SpoolStream(spool);
  stream.append(Buffer.alloc(BLOCK_ROOM_BYTES, 1));
  t.equal(spool.file.blocks, 1, 'a block that is full has no other after it yet');
  stream.append(Buffer.alloc(2 * BLOCK_ROOM_BYTES + 1, 2));
  t.equal(spool.file.blocks, 4);
  const pieces = [...stream.drain()];
  t.strictSame(
    pieces.map(({ length }) => length),
    [BLOCK_ROOM_BYTES, BLOCK_ROOM_BYTES, BLOCK_ROOM_BYTES, 1],
  );
  t.strictSame(
    pieces.map(([byte]) => byte),
    [1, 2, 2, 2],
  );
  stream.append(Buffer.alloc(4 * BLOCK_ROOM_BYTES, 3));
  t.equal(spool.file.blocks, 4, 'blocks are used again');
  t.equal(Buffer.concat([...stream.drain()]).length, 4 * BLOCK_ROOM_BYTES);
});

t.test('many streams, pieces of all sizes', async (t) => {
  const random = new SeededRandom(7);
  const maxHeldBytes = 50_000;
  const spool = makeSpool(t, maxHeldBytes);
  const streams = Array.from({ length: 20 }, () => new SpoolStream(spool));
  const expected = streams.map((): Buffer[] => []);
  let most = 0;
  for (let round = 0; round < 3000; round++) {
    const which = random.below(streams.length);
    const stream = streams[which]!;
    const piece = Buffer.alloc(random.below(random.below(50) === 0 ? 150_000 : 500), round);
    stream.append(piece);
    expected[which]!.push(piece);
    most = Math.max(most, spool.heldBytes);
    if (random.below(100) === 0) {
      const drained = Buffer.concat([...stream.drain()]);
      if (!drained.equals(Buffer.concat(expected[which]!))) t.fail(`stream ${which}`);
      expected[which] = [];
    }
  }
  t.ok(most <= maxHeldBytes, 'the bound is kept');
  streams.forEach((stream, which) => {
    const drained = Buffer.concat([...stream.drain()]);
    t.ok(drained.equals(Buffer.concat(expected[which]!)), `stream ${which}`);
  });
  t.equal(spool.heldBytes, 0);
});
