import { setImmediate } from 'node:timers/promises';
import t from 'tap';
import { OutputBuffer } from '../../../src/cli/convert/output-buffer.js';

const BUFFER_BYTES = 128 * 1024;

/** An output whose writes end when they are told to. */
class Slow {
  readonly written: Buffer[] = [];
  readonly #done: (() => void)[] = [];

  write = (bytes: Uint8Array): Promise<void> => {
    this.written.push(Buffer.from(bytes));
    return new Promise((resolve) => this.#done.push(resolve));
  };

  async next(): Promise<void> {
    this.#done.shift()?.();
    await setImmediate();
  }

  get text(): string {
    return Buffer.concat(this.written).toString();
  }
}

t.test('small pieces become one', async (t) => {
  const slow = new Slow();
  const output = new OutputBuffer(slow.write);
  for (const piece of ['a', Buffer.from('b'), 'ç', '']) t.equal(output.write(piece), undefined);
  t.same(slow.written, []);
  const flushed = output.flush();
  await setImmediate();
  t.equal(slow.text, 'abç');
  await slow.next();
  await flushed;
  await output.flush();
  t.equal(slow.written.length, 1, 'nothing is not written');
});

t.test('order and content stay, whatever the sizes', async (t) => {
  const pieces = [1, 50_000, 43_690, 43_691, 100_000, BUFFER_BYTES, BUFFER_BYTES + 1, 7, 400_000];
  for (const encode of [(text: string) => text, (text: string) => Buffer.from(text)]) {
    const written: Buffer[] = [];
    const output = new OutputBuffer(async (bytes) => {
      written.push(Buffer.from(bytes));
      return Promise.resolve();
    });
    let expected = '';
    for (const [index, length] of [...pieces, ...pieces].entries()) {
      const text = String.fromCharCode(0x61 + index).repeat(length);
      expected += text;
      const ready = output.write(encode(text));
      if (index % 2 === 0) await ready;
    }
    await output.flush();
    t.ok(Buffer.concat(written).equals(Buffer.from(expected)));
  }
});

t.test('one buffer is filled while another is written, and no third', async (t) => {
  const slow = new Slow();
  const output = new OutputBuffer(slow.write);
  const piece = Buffer.alloc(BUFFER_BYTES, 'a');
  t.equal(output.write(piece), undefined);
  const first = output.write(piece);
  t.ok(first !== undefined);
  await first;
  t.equal(slow.written.length, 1, 'it is on its way');
  let isSecondReady = false;
  const second = output.write('b')!.then(() => {
    isSecondReady = true;
  });
  await setImmediate();
  t.notOk(isSecondReady);
  await slow.next();
  await second;
  t.equal(slow.written.length, 2);
});

t.test('a piece that is larger than the buffer is waited for itself', async (t) => {
  const slow = new Slow();
  const output = new OutputBuffer(slow.write);
  void output.write('x');
  let isReady = false;
  const ready = output.write(Buffer.alloc(BUFFER_BYTES + 1))!.then(() => {
    isReady = true;
  });
  await setImmediate();
  await slow.next();
  t.notOk(isReady);
  t.equal(slow.written.length, 2);
  await slow.next();
  await ready;
});

t.test('an output that fails', async (t) => {
  const output = new OutputBuffer(() => Promise.reject(new Error('full')));
  await output.write(Buffer.alloc(BUFFER_BYTES));
  await output.write(Buffer.alloc(BUFFER_BYTES));
  await setImmediate();
  await t.rejects(async () => output.write(Buffer.alloc(BUFFER_BYTES)), new Error('full'));
  await t.rejects(output.flush(), new Error('full'));
});
