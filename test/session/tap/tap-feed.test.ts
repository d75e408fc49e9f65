import { Buffer } from 'node:buffer';
import t from 'tap';
import { TapFeed } from '../../../src/session/tap/tap-feed.js';
import type { SessionSummary } from '../../../src/session/session.js';
import { closeFrame, pingFrame, textFrame } from '../../fixtures/frames.js';
import { Bench, QUIET, echoWitness } from '../../fixtures/session-bench.js';
import { TapWitness } from '../../fixtures/tap-witness.js';

const AB = Buffer.from('ab');

const made = (watchesFrames = false): { of: TapFeed; witness: TapWitness } => {
  const witness = new TapWitness(watchesFrames);
  return { of: new TapFeed(witness), witness };
};

t.test('a message knows what its frames took on the wire', async (t) => {
  const { of, witness } = made();
  of.frameReceived(0x01, true, 1);
  of.frameReceived(0x89, true, 5);
  of.controlReceived(9, AB, 0, 1);
  of.frameReceived(0x80, true, 200);
  of.received(1, new Uint8Array(201), 0, 201, true, true);
  of.frameReceived(0x02, true, 2);
  of.received(2, AB, 0, 1, true, false);
  of.received(2, AB, 1, 2, false, false);
  of.frameReceived(0x00, true, 0);
  of.frameReceived(0x80, true, 1);
  of.received(2, AB, 1, 2, false, true);
  t.strictSame(witness.take(), [
    'control in 9 61',
    // 2 + 4 + 1, and 4 + 4 + 200.
    `received 1 ${'00'.repeat(201)} first last 215`,
    // A header counts with the first piece behind it, and each piece for itself.
    'received 2 61 first 7',
    'received 2 62 1',
    'received 2 62 last 13',
  ]);
  of.frameSent(0x82, false, AB, 0, 2);
  of.sent(2, AB, 0, 2, true, true);
  of.frameSent(0x8a, false, AB, 1, 2);
  of.frameSent(0x02, false, AB, 0, 2);
  of.sent(2, AB, 0, 1, true, false);
  t.strictSame(witness.take(), [
    'sent 2 6162 first last 4',
    'control out 10 62',
    'sent 2 61 first 4',
  ]);
});

t.test('frames are told of before what they belong to, if anybody wants to know', async (t) => {
  const { of, witness } = made(true);
  of.frameReceived(0xc1, true, 2);
  of.frameReceived(0x88, true, 0);
  of.frameSent(0x82, false, AB, 0, 2);
  of.frameSent(0x88, false, AB, 0, 2);
  t.strictSame(witness.take(), [
    'frame in c1 masked 2 8',
    'frame in 88 masked 0 6',
    'frame out 82 2 4',
    'frame out 88 2 4',
    'control out 8 6162',
  ]);
});

t.test('messages that the extensions decode later keep their size', async (t) => {
  const { of, witness } = made();
  of.frameReceived(0xc1, true, 10);
  of.decoding(10);
  of.frameReceived(0xc1, true, 20);
  of.decoding(20);
  of.decoded({ opcode: 1, rsv: 0, payload: AB });
  of.decoded({ opcode: 2, rsv: 0, payload: AB.subarray(1) });
  of.decoded({ opcode: 2, rsv: 0, payload: AB });
  t.strictSame(witness.take(), [
    'received 1 6162 first last 16',
    'received 2 62 first last 26',
    'received 2 6162 first last 0',
  ]);
});

t.test('messages that the extensions encode are told of as the mode sent them', async (t) => {
  const { of, witness } = made();
  const payload = Buffer.from('cd');
  of.encoding({ opcode: 1, rsv: 0, payload });
  of.frameSent(0xc1, false, AB, 0, 1);
  of.encoded();
  of.keepUnencoded();
  t.strictSame(witness.take(), ['sent 1 6364 first last 3'], 'at once');
  of.encoding({ opcode: 2, rsv: 0, payload });
  of.keepUnencoded();
  of.encoding({ opcode: 1, rsv: 0, payload: AB });
  of.keepUnencoded();
  payload.fill('x');
  of.frameSent(0xc2, false, AB, 0, 2);
  of.encoded();
  of.frameSent(0xc1, false, AB, 0, 1);
  of.encoded();
  t.strictSame(
    witness.take(),
    ['sent 2 6364 first last 4', 'sent 1 6162 first last 3'],
    'later, in order, though the payload has changed',
  );
  of.encoded();
  t.strictSame(witness.take(), [], 'nothing that was given is made up');
});

t.test('a Close is told of behind the messages that came before it', async (t) => {
  const { of, witness } = made();
  const payload = Buffer.from('03e8', 'hex');
  of.frameReceived(0xc1, true, 1);
  of.decoding(1);
  of.decoding(1);
  of.controlReceived(9, AB, 0, 1);
  of.controlReceived(8, payload, 0, 2);
  payload.fill(0);
  t.strictSame(witness.take(), ['control in 9 61'], 'a Ping is not: it is answered at once');
  of.decoded({ opcode: 1, rsv: 0, payload: AB });
  of.decoded({ opcode: 2, rsv: 0, payload: AB });
  t.strictSame(witness.take(), [
    'received 1 6162 first last 7',
    'received 2 6162 first last 1',
    'control in 8 03e8',
  ]);
  of.controlReceived(8, AB, 0, 0);
  t.strictSame(witness.take(), ['control in 8 '], 'at once when there are none');
});

t.test('a Close behind messages that are dropped is not lost', async (t) => {
  const { of, witness } = made();
  of.decoding(1);
  of.controlReceived(8, AB, 0, 0);
  of.undecodedDropped();
  of.undecodedDropped();
  t.strictSame(witness.take(), ['control in 8 ']);
  const other = made();
  other.of.decoding(1);
  other.of.controlReceived(8, AB, 0, 0);
  other.of.closed({ closeCode: 1006 } as SessionSummary);
  t.strictSame(other.witness.take(), ['control in 8 ', 'closed 1006']);
});

t.test('messages that are never encoded are told of to nobody', async (t) => {
  const { of, witness } = made();
  of.encoding({ opcode: 1, rsv: 0, payload: AB });
  of.keepUnencoded();
  of.encoding({ opcode: 1, rsv: 0, payload: AB });
  of.unencodedDropped();
  of.keepUnencoded();
  of.encoded();
  t.strictSame(witness.take(), []);
});

t.test('a tap is told of what happens, in order', async (t) => {
  const recorder = new TapWitness(true);
  const bench = new Bench(echoWitness(), { ...QUIET, route: { tap: recorder } }).open();
  t.strictSame(recorder.take(), ['begin /room /room?secret test']);
  bench.receive(textFrame('ab'), pingFrame('p'), closeFrame(1000));
  bench.session.reportTarget({ state: 'ended', target: 'host:1' });
  bench.finish();
  t.strictSame(recorder.take(), [
    'frame in 81 masked 2 8',
    'received 1 6162 first last 8',
    'frame out 81 2 4',
    'sent 1 6162 first last 4',
    'frame in 89 masked 1 7',
    'control in 9 70',
    'frame out 8a 1 3',
    'control out 10 70',
    'frame in 88 masked 2 8',
    'control in 8 03e8',
    'frame out 88 2 4',
    'control out 8 03e8',
    'target ended host:1',
    'closed 1000',
  ]);
});
