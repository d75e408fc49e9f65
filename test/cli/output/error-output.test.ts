import { spawnSync } from 'node:child_process';
import { closeSync, constants, openSync, readSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { StandardError } from '../../../src/cli/output/error-output.js';
import { makeTempDir } from '../../fixtures/temp-dir.js';
import { eventually } from '../../fixtures/within.js';

const onLinux = { skip: process.platform === 'linux' ? false : 'needs mkfifo and /proc' };
const TYPESCRIPT = new URL('../../../tools/typescript.mjs', import.meta.url).href;
const { O_RDONLY, O_WRONLY, O_NONBLOCK } = constants;

/** Standard error as a pipe whose reader is the test. */
class Pipe {
  readonly error: StandardError;
  readonly writer: number;
  readonly lost: number[] = [];
  unblocked = 0;
  text = '';
  readonly #test: Test;
  readonly #path: string;
  #reader: number;

  constructor(t: Test, flags = O_WRONLY) {
    this.#test = t;
    this.#path = path.join(makeTempDir(t), 'pipe');
    spawnSync('mkfifo', [this.#path]);
    this.#reader = openSync(this.#path, O_RDONLY | O_NONBLOCK);
    this.writer = openSync(this.#path, flags);
    this.error = new StandardError(this.writer, () => this.unblocked++);
    t.teardown(() => {
      closeSync(this.#reader);
      closeSync(this.writer);
    });
  }

  get doNotWait(): this {
    this.error.doNotWait((lines) => {
      this.lost.push(lines);
      this.error.write(`${lines} lost\n`);
    });
    return this;
  }

  close(): void {
    closeSync(this.#reader);
  }

  open(): void {
    this.#reader = openSync(this.#path, O_RDONLY | O_NONBLOCK);
  }

  read(): string {
    const bytes = Buffer.alloc(65_536);
    try {
      for (let count = -1; count !== 0;) {
        count = readSync(this.#reader, bytes);
        this.text += bytes.toString('utf8', 0, count);
      }
    } catch (error) {
      this.#test.match(error, { code: 'EAGAIN' });
    }
    return this.text;
  }
}

/** So many bytes. */
const line = (name: string, bytes: number): string => `${name.padEnd(bytes - 1, '.')}\n`;

t.test('what is written is there at once', onLinux, async (t) => {
  for (const pipe of [new Pipe(t), new Pipe(t).doNotWait]) {
    pipe.error.write('one\n');
    pipe.error.write('two\n');
    t.equal(pipe.read(), 'one\ntwo\n');
    t.equal(pipe.error.isTTY, false);
    pipe.error.finish();
    t.same([pipe.lost, pipe.unblocked], [[], 0]);
  }
});

t.test('nobody is waited for: lines wait, then are lost, and that is told', onLinux, async (t) => {
  const pipe = new Pipe(t).doNotWait;
  // 64 KiB in the pipe, and a megabyte.
  const count = 2000;
  for (let index = 0; index < count; index++) pipe.error.write(line(`${index} `, 1024));
  await sleep(100);
  await eventually(() => pipe.read().includes(' lost\n'), 'the line that tells');
  const lines = pipe.text.split('\n').slice(0, -1);
  const [lost] = pipe.lost;
  t.equal(lines.length, count - lost! + 1);
  t.ok(lines.length > 1024 && lines.length < 1100, `${lines.length} lines waited`);
  t.same(
    lines.slice(0, -1).map((text) => text.length + 1),
    lines.slice(0, -1).map(() => 1024),
    'whole lines, in order',
  );
  pipe.error.write('more\n');
  t.match(pipe.read(), / lost\nmore\n$/);
  t.equal(pipe.lost.length, 1);
});

t.test('a line that is larger than all that may wait is not cut', onLinux, async (t) => {
  const pipe = new Pipe(t).doNotWait;
  pipe.error.write(line('large', 3 * 1024 ** 2));
  pipe.error.write('lost');
  await eventually(() => pipe.read().endsWith('1 lost\n'), 'all of it');
  t.equal(pipe.text.length, 3 * 1024 ** 2 + '1 lost\n'.length);
});

t.test('a reader who comes back within one turn is noticed', onLinux, async (t) => {
  const pipe = new Pipe(t).doNotWait;
  for (let index = 0; index < 100; index++) pipe.error.write(line(`${index} `, 1024));
  pipe.read();
  const end = performance.now() + 5;
  while (performance.now() < end);
  pipe.error.write('last\n');
  t.match(pipe.read(), /99 \.*\nlast\n$/);
});

t.test('the end of the process waits a little for the reader', onLinux, async (t) => {
  const pipe = new Pipe(t).doNotWait;
  for (let index = 0; index < 100; index++) pipe.error.write(line(`${index} `, 1024));
  const start = performance.now();
  pipe.error.finish();
  t.ok(performance.now() - start >= 490);
  pipe.read();
  pipe.error.finish();
  t.match(pipe.read(), /99 \.*\n$/);
});

t.test(
  'nobody reads at all, and the end does not wait; a new reader gets what waits',
  onLinux,
  async (t) => {
    const pipe = new Pipe(t).doNotWait;
    pipe.close();
    pipe.error.write('one\n');
    pipe.error.write('two\n');
    pipe.error.finish();
    pipe.open();
    await eventually(() => pipe.read() === 'one\ntwo\n', 'both lines');
    t.same(pipe.lost, []);
  },
);

t.test('without doNotWait a reader is waited for', onLinux, async (t) => {
  const script = `
    import { StandardError } from ${JSON.stringify(new URL('../../../src/cli/output/error-output.ts', import.meta.url).href)};
    if (process.argv[1] === 'unblocked') process.stderr;
    const error = new StandardError(2, () => undefined);
    error.write('x'.repeat(1000000) + '\\n');
    error.write('end\\n');
  `;
  for (const how of ['blocking', 'unblocked']) {
    const { stdout, status } = spawnSync(
      'sh',
      [
        '-c',
        '{ "$@" 2>&1 >&3 | { sleep 1; wc -c; }; } 3>&2',
        'sh',
        process.execPath,
        '--input-type=module',
        '-e',
        script,
        how,
      ],
      { encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: `--import=${TYPESCRIPT}` } },
    );
    t.equal(stdout.trim(), '1000005', how);
    t.equal(status, 0);
  }
});

t.test('errors but a full pipe have nowhere to be told', onLinux, async (t) => {
  const full = openSync('/dev/full', 'w');
  t.teardown(() => {
    closeSync(full);
  });
  const error = new StandardError(full, () => undefined);
  error.write('waits for nobody\n');
  error.doNotWait(() => undefined);
  error.write('one\n');
  error.finish();
});

t.test(
  'what cannot be opened anew is made not to block, for all who share it',
  onLinux,
  async (t) => {
    const pipe = new Pipe(t, O_WRONLY | O_NONBLOCK);
    const closed = openSync('/dev/null', 'w');
    closeSync(closed);
    let unblocked = 0;
    new StandardError(closed, () => unblocked++).doNotWait(() => undefined);
    t.equal(unblocked, 1);
    t.equal(pipe.doNotWait.doNotWait.unblocked, 0, 'opened once');
  },
);

t.test('a file is written to as it is', async (t) => {
  const file = path.join(makeTempDir(t), 'log');
  const descriptor = openSync(file, 'w+');
  t.teardown(() => {
    closeSync(descriptor);
  });
  const error = new StandardError(descriptor, () => undefined);
  error.doNotWait(() => undefined);
  error.write('one\n');
  const bytes = Buffer.alloc(10);
  t.equal(readSync(descriptor, bytes, 0, 10, 0), 4);
});
