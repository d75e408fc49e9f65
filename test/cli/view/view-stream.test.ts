import { PassThrough } from 'node:stream';
import { gzipSync } from 'node:zlib';
import t, { type Test } from 'tap';
import { ViewError } from '../../../src/cli/view/view-error.js';
import { viewStream } from '../../../src/cli/view/view-stream.js';
import { LiveInspection } from '../../../src/inspect/inspection.js';
import { MIN_MEMORY_BYTES } from '../../../src/inspect/store/live-store.js';
import { eventually, within } from '../../fixtures/within.js';
import { fakeIo } from '../fake-io.js';

const HEADER = '{"v":1,"ev":"file","tool":"twist/1","t":1,"redacted":true}\n';
const PING = '{"ev":"ctl","s":"A","t":1,"dir":"in","op":9,"len":0,"data":""}';

/** What is told of a page, and when. */
class WatchedInspection extends LiveInspection {
  readonly told: string[] = [];

  constructor() {
    super({ version: '1', spoolDir: '/tmp', memoryBytes: MIN_MEMORY_BYTES, isForeign: true });
  }

  override end(): void {
    super.end();
    this.told.push('end');
  }

  override fail(sentence: string): void {
    super.fail(sentence);
    this.told.push(sentence);
  }
}

const never = new Promise<void>(() => undefined);

function start(
  t: Test,
  patienceMs?: number,
): {
  readonly input: PassThrough;
  readonly inspection: WatchedInspection;
  readonly written: { err: string };
  readonly view: Promise<void>;
} {
  const input = new PassThrough();
  t.teardown(() => input.destroy());
  const io = { ...fakeIo([]), stdin: () => input as AsyncIterable<Uint8Array> };
  const inspection = new WatchedInspection();
  const view = viewStream(io, inspection, never, patienceMs);
  return { input, inspection, written: io.written, view };
}

t.test('what there is no page for: one sentence', async (t) => {
  const no = 'cannot show standard input: it is no recording of twist';
  const compressed = 'standard input is compressed (gzip); decompress it: gunzip -c | twist view -';
  for (const [pieces, sentence] of [
    [[], 'cannot show standard input: it is empty'],
    [['hello\n'], no],
    [['hello'], no],
    [['{"a":1}\n'.repeat(100)], no],
    [
      [`${PING.slice(0, -2)}${'x'.repeat(MIN_MEMORY_BYTES)}"}\n`],
      'cannot show standard input: it has nothing but lines of more than 1m; a file may have longer ones',
    ],
    [[`hello\n${'x'.repeat(2 * MIN_MEMORY_BYTES)}\n`], no],
    [[gzipSync(HEADER)], compressed],
    [[gzipSync(HEADER).subarray(0, 1), gzipSync(HEADER).subarray(1)], compressed],
    // However much of it there is.
    [[gzipSync(HEADER), Buffer.alloc(10 * MIN_MEMORY_BYTES)], compressed],
  ] as const) {
    const { input, view, inspection, written } = start(t, 60_000);
    for (const piece of pieces) input.write(piece);
    input.end();
    await t.rejects(within(view, sentence), new ViewError(sentence));
    t.strictSame(inspection.told, ['end', sentence]);
    t.equal(written.err, '', 'whoever asked says it');
  }
});

t.test('what cannot be read', async (t) => {
  const { input, view } = start(t, 60_000);
  input.destroy(Object.assign(new Error('EISDIR'), { code: 'EISDIR' }));
  await t.rejects(view, new ViewError('cannot read standard input: it is a directory'));
});

t.test('a page, as soon as something of a recording has come', async (t) => {
  for (const line of [HEADER, `${PING}\n`, `cut off"}\n${PING}\n`]) {
    const { input, view, inspection, written } = start(t, 60_000);
    input.write(line);
    await within(view, 'the page');
    t.strictSame(inspection.told, []);
    input.end();
    await eventually(() => inspection.told.length > 0, 'the end');
    t.strictSame(inspection.told, ['end']);
    t.equal(written.err, '');
  }
});

t.test('a record without a newline at the end is one', async (t) => {
  const { input, view, inspection } = start(t, 60_000);
  input.end(PING);
  await within(view, 'the page');
  t.strictSame(inspection.told, ['end']);
});

t.test(
  'a page while nothing has come; what is wrong then is said at once, and on the page',
  async (t) => {
    const { input, view, inspection, written } = start(t, 0);
    await within(view, 'the page');
    input.end('hello\n');
    const sentence = 'cannot show standard input: it is no recording of twist';
    await eventually(() => written.err !== '', 'a sentence');
    t.equal(written.err, `twist: ${sentence}\n`);
    t.strictSame(inspection.told, ['end', sentence]);
  },
);

t.test('nobody waits any more', async () => {
  const io = { ...fakeIo([]), stdin: () => new PassThrough() as AsyncIterable<Uint8Array> };
  await within(viewStream(io, new WatchedInspection(), Promise.resolve()), 'the end');
});

t.test('what was read before it failed stays', async (t) => {
  const { input, view, inspection, written } = start(t, 60_000);
  input.write(HEADER);
  await within(view, 'the page');
  input.destroy(Object.assign(new Error('EIO'), { code: 'EIO' }));
  await eventually(() => written.err !== '', 'a sentence');
  const sentence = 'cannot read standard input: the disk failed';
  t.equal(written.err, `twist: ${sentence}\n`);
  t.strictSame(inspection.told, ['end', sentence]);
});
