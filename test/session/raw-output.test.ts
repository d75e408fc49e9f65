import { Buffer } from 'node:buffer';
import t from 'tap';
import type { Mode } from '../../src/session/mode.js';
import type { RawOutput } from '../../src/session/raw-output.js';
import type { ModeSession } from '../../src/session/session.js';
import { closeFrame, textFrame } from '../fixtures/frames.js';
import { hexOf } from '../fixtures/hex.js';
import { Bench, Gate, QUIET, type BenchOptions } from '../fixtures/session-bench.js';

const BROKEN = Buffer.from('8b00', 'hex');

/** A mode that echoes, and hands out its way past the rules. */
class RawMode implements Mode {
  readonly name = 'raw';
  readonly delivery = 'messages';
  raw: RawOutput | null = null;
  readonly calls: string[] = [];

  open(): void {
    this.calls.push('open');
  }

  openRaw(_session: ModeSession, raw: RawOutput): void {
    this.calls.push('openRaw');
    this.raw = raw;
  }

  message(
    session: ModeSession,
    opcode: 1 | 2,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    this.calls.push('message');
    session.sendRange(opcode, bytes, start, end);
  }
}

function openBench(options: BenchOptions = QUIET): { bench: Bench; raw: RawOutput; mode: RawMode } {
  const mode = new RawMode();
  const bench = new Bench(mode, options).open();
  return { bench, mode, raw: mode.raw! };
}

const written = (bench: Bench): string => {
  bench.transport.outbox.flush(0);
  return hexOf(bench.socket.takeWritten());
};

t.test('it is given after open', async (t) => {
  t.strictSame(openBench().mode.calls, ['open', 'openRaw']);
});

t.test('bytes as they are, behind all that was sent; they are no message', async (t) => {
  const { bench, raw } = openBench();
  bench.receive(textFrame('a'));
  raw.send(BROKEN, null);
  bench.receive(textFrame('b'));
  t.equal(written(bench), '8101618b00810162');
  t.ok(bench.calls().includes('flush'));
  t.match(bench.finish(), { messagesOut: 2, bytesOut: 2 });
});

t.test('behind what the extensions are still at work on', async (t) => {
  const gate = new Gate({ encode: true });
  const { bench, raw } = openBench({ ...QUIET, extensions: [gate] });
  bench.receive(textFrame('a'));
  raw.send(BROKEN, null);
  t.equal(written(bench), '');
  await gate.encoded();
  t.equal(written(bench), '8101618b00');
});

t.test('they count against the output limit', async (t) => {
  const { bench, raw } = openBench();
  bench.block();
  for (let count = 0; count < 7; count++) raw.send(Buffer.alloc(100_000), null);
  t.equal(bench.session.endpoint.isClosed, true);
  t.match(bench.finish(), { rule: 'output-limit' });
});

t.test('a Close in them is ours', async (t) => {
  const { bench, raw, mode } = openBench();
  raw.send(Buffer.from('880203e7', 'hex'), { code: 999, reason: '' });
  t.equal(bench.session.send('late'), 'closed');
  raw.send(BROKEN, null);
  bench.receive(textFrame('late'));
  t.strictSame(mode.calls.slice(2), []);
  t.equal(written(bench), '880203e7');
  t.equal(bench.transport.checkMs, 5000, 'the one of the client is waited for');
  bench.receive(closeFrame(1002));
  t.ok(bench.session.isOver);
  t.match(bench.finish(), { closedBy: 'server', closeCode: 999 });
});

t.test('bytes that come too late', async (t) => {
  const gate = new Gate({ encode: true });
  const { bench, raw } = openBench({ ...QUIET, extensions: [gate] });
  bench.receive(textFrame('a'));
  raw.send(BROKEN, null);
  bench.session.endpoint.receiveEof();
  await gate.encoded();
  t.equal(written(bench), '');
});

t.test('a FIN without a Close', async (t) => {
  const { bench, raw, mode } = openBench();
  bench.receive(textFrame('a'));
  raw.end();
  raw.end();
  bench.receive(textFrame('late'));
  t.equal(written(bench), '810161');
  t.ok(bench.session.isOver);
  t.ok(bench.calls().includes('flush'));
  t.strictSame(mode.calls.slice(2), ['message']);
  t.match(bench.finish(), { closedBy: 'lost', closeCode: 1006, rule: null });
});

t.test('also in the place of an answer to a Close', async (t) => {
  const mode = new RawMode();
  const closing = (): void => {
    mode.raw!.end();
  };
  const bench = new Bench(Object.assign(mode, { closing })).open();
  bench.receive(closeFrame(1000));
  t.equal(written(bench), '');
  t.ok(bench.session.isOver);
  t.match(bench.finish(), { closedBy: 'client', closeCode: 1000 });
});

t.test('a reset', async (t) => {
  const { bench, raw } = openBench();
  bench.receive(textFrame('a'));
  bench.calls();
  raw.reset();
  t.strictSame(bench.calls(), ['reset', 'flush']);
  t.ok(bench.session.isThrough);
});

t.test('no Pongs', async (t) => {
  const { bench, raw } = openBench();
  raw.withholdPongs();
  bench.receive({ opcode: 9, payload: 'a' });
  t.equal(written(bench), '');
});
