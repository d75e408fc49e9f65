import { Buffer } from 'node:buffer';
import t from 'tap';
import { PendingEnds } from '../../src/session/ending.js';
import { InvalidStateError } from '../../src/errors.js';
import { closeFrame, pingFrame, textFrame } from '../fixtures/frames.js';
import type { Bench } from '../fixtures/session-bench.js';
import {
  Gate,
  Witness,
  closeText,
  RESERVED_BIT,
  echoWitness,
  extensionFault,
  gatedBench,
  sentText,
  toldText,
} from '../fixtures/session-bench.js';
import { LIMITS } from '../fixtures/test-host.js';

t.test('our Close waits for what is being encoded', async (t) => {
  const gate = new Gate({ encode: true });
  const bench = gatedBench(new Witness(), gate);
  bench.session.sendRange(1, Buffer.from('a'));
  bench.session.sendRange(1, Buffer.from('b'));
  bench.session.close(1001, 'away');
  t.equal(bench.session.sendRange(1, Buffer.from('late')), 'closed', 'nothing more is taken');
  t.equal(bench.session.sendChunkRange(1, Buffer.from('late'), 0, 4, true, true), 'closed');
  t.ok(bench.session.isEnding);
  bench.calls();
  await gate.encoded();
  t.strictSame(bench.calls(), ['flush']);
  t.strictSame(bench.sent(), [sentText('a')]);
  bench.calls();
  await gate.encoded();
  t.ok(bench.calls().includes('flush'));
  t.strictSame(bench.sent(), [sentText('b'), closeText(1001, 'away')]);
  t.notOk(bench.session.isEnding);
  t.notOk(bench.session.isOver);
  bench.receive(closeFrame(1001));
  t.ok(bench.session.isOver);
  t.match(bench.finish(), { closedBy: 'server', closeCode: 1001, messagesOut: 2 });
});

t.test('§5.5.1: the Close of the peer waits for decode and encode; Pong does not', async (t) => {
  const gate = new Gate({ decode: true, encode: true });
  const bench = gatedBench(echoWitness(), gate);
  bench.receive(textFrame('a'), pingFrame('p'), textFrame('b'), closeFrame(4000, 'bye'));
  t.strictSame(bench.sent(), ['10 70']);
  await gate.decoded();
  await gate.decoded();
  t.strictSame(bench.sent(), [], 'all is decoded, nothing is encoded');
  await gate.encoded();
  t.strictSame(bench.sent(), [sentText('a')]);
  t.notOk(bench.session.isOver);
  await gate.encoded();
  t.strictSame(bench.sent(), [sentText('b'), closeText(4000, 'bye')]);
  t.ok(bench.session.isOver);
  t.match(bench.finish(), { closedBy: 'client', closeCode: 4000, messagesIn: 2, messagesOut: 2 });
});

t.test('§7.1.7: a broken rule waits for the answers to what came before', async (t) => {
  const gate = new Gate({ decode: true, encode: true });
  const mode = echoWitness();
  const bench = gatedBench(mode, gate);
  bench.receive(textFrame('a'), textFrame('bad', { rsv: 1 }), textFrame('c'), pingFrame('p'));
  await gate.decoded();
  bench.receive(textFrame('d'), pingFrame('p'), closeFrame(1000));
  t.strictSame(bench.sent(), [], 'nothing more is read');
  await gate.encoded();
  t.strictSame(bench.sent(), [sentText('a'), closeText(1002, RESERVED_BIT)]);
  t.ok(bench.session.isOver);
  t.strictSame(mode.told, [toldText('a')]);
  t.match(bench.finish(), { closedBy: 'server', closeCode: 1002, rule: 'reserved-bit' });
});

t.test('§5.5.2: a Pong that is owed is sent before the failure that waits', async (t) => {
  const gate = new Gate({ encode: true });
  const bench = gatedBench(new Witness(), gate);
  bench.session.sendRange(1, Buffer.from('a'));
  await gate.encoded();
  bench.session.sendRange(1, Buffer.from('b'));
  bench.block();
  bench.sent();
  bench.receive(pingFrame('p'), textFrame('bad', { rsv: 1 }));
  bench.unblock();
  t.strictSame(bench.sent(), ['10 70']);
  await gate.encoded();
  t.strictSame(bench.sent(), [sentText('b'), closeText(1002, RESERVED_BIT)]);
});

t.test('with nothing on its way a failure does not wait', async (t) => {
  const bench = gatedBench(echoWitness(), new Gate());
  bench.receive(textFrame('a'), textFrame('bad', { rsv: 1 }));
  t.strictSame(bench.sent(), [sentText('a'), closeText(1002, RESERVED_BIT)]);
});

t.test('the end of the input waits for decode and encode', async (t) => {
  const gate = new Gate({ decode: true, encode: true });
  const bench = gatedBench(echoWitness(), gate);
  bench.receive(textFrame('a'));
  bench.session.receiveEof();
  t.notOk(bench.session.isOver);
  await gate.decoded();
  t.notOk(bench.session.isOver);
  bench.calls();
  await gate.encoded();
  t.ok(bench.session.isOver);
  t.ok(bench.calls().includes('flush'), 'our FIN follows');
  t.strictSame(bench.sent(), [sentText('a')]);
  t.match(bench.finish(), { closedBy: 'lost', closeCode: 1006, messagesOut: 1 });
});

t.test('a message that cannot be decoded comes before all that came behind it', async (t) => {
  const begins: readonly ((bench: Bench) => void)[] = [
    (bench) => {
      bench.receive(closeFrame(4000));
    },
    (bench) => {
      bench.receive(textFrame('bad', { rsv: 1 }));
    },
    (bench) => {
      bench.session.receiveEof();
    },
  ];
  for (const begin of begins) {
    const gate = new Gate({ decode: true, encode: true });
    const bench = gatedBench(echoWitness(), gate);
    bench.session.sendRange(1, Buffer.from('before'));
    bench.receive(textFrame('a'), textFrame('b'));
    begin(bench);
    await gate.decodeFails(extensionFault(1007));
    t.strictSame(bench.sent(), [], 'what was sent before it goes first');
    t.notOk(bench.transport.isInputPaused);
    await gate.encoded();
    t.strictSame(bench.sent(), [sentText('before'), closeText(1007, 'no good')]);
    t.ok(bench.session.isOver);
    t.match(bench.finish(), { rule: 'extension-data', messagesIn: 0 });
  }
});

t.test('close: a second one does nothing, whoever began', async (t) => {
  const gate = new Gate({ encode: true });
  const bench = gatedBench(new Witness(), gate);
  bench.session.sendRange(1, Buffer.from('a'));
  bench.session.close(1001, 'first');
  bench.calls();
  bench.session.close(4000, 'second');
  bench.session.close(1006);
  t.strictSame(bench.calls(), []);
  bench.receive(closeFrame(4001, 'third'));
  await gate.encoded();
  t.strictSame(bench.sent(), [sentText('a'), closeText(1001, 'first')]);
  t.ok(bench.session.isOver);
  t.match(bench.finish(), { closedBy: 'server', closeCode: 1001, closeReason: 'first' });

  const answering = gatedBench(new Witness(), new Gate({ encode: true }));
  answering.session.sendRange(1, Buffer.from('a'));
  answering.receive(closeFrame(4001, 'theirs'));
  answering.session.close(1001, 'ours');
  t.equal(answering.session.sendRange(1, Buffer.from('b')), 'closed');
  t.match(answering.finish(), { closedBy: 'client', closeCode: 4001, messagesOut: 1 });
});

t.test('close: a code that must not be sent is refused at once, whatever waits', async (t) => {
  const gate = new Gate({ encode: true });
  const bench = gatedBench(new Witness(), gate);
  bench.session.sendRange(1, Buffer.from('a'));
  t.throws(() => {
    bench.session.close(1006);
  }, InvalidStateError);
  t.equal(bench.session.sendRange(1, Buffer.from('b')), 'sent', 'the session goes on');
  await gate.encoded();
  await gate.encoded();
  t.strictSame(bench.sent(), [sentText('a'), sentText('b')]);
});

t.test('close drops the messages that are on their way to the mode', async (t) => {
  const gate = new Gate({ decode: true });
  const mode = new Witness();
  const bench = gatedBench(mode, gate);
  bench.receive(textFrame('a'), textFrame('b'));
  bench.session.close(1001);
  t.strictSame(bench.sent(), [closeText(1001)], 'and does not wait for them');
  t.notOk(bench.transport.isInputPaused, 'the answer must be read');
  bench.receive(textFrame('c'));
  while (gate.decoding.length > 0) await gate.decoded();
  t.strictSame(mode.told, []);
  bench.receive(closeFrame(1001));
  t.ok(bench.session.isOver);
});

t.test('close runs what waited for messages that are dropped by it', async (t) => {
  const gate = new Gate({ decode: true });
  const bench = gatedBench(new Witness(), gate);
  bench.receive(textFrame('a'), closeFrame(4000, 'bye'));
  bench.session.close(1001);
  t.strictSame(bench.sent(), [closeText(4000, 'bye')], 'the peer was first');
  t.ok(bench.session.isOver);
});

t.test('close inside a message that came later: nothing behind it is delivered', async (t) => {
  const gate = new Gate({ decode: true });
  const mode = new Witness();
  mode.onMessage = (session): void => {
    session.sendRange(1, Buffer.from('last'));
    session.close(4000);
  };
  const bench = gatedBench(mode, gate);
  bench.receive(textFrame('a'), textFrame('b'), textFrame('bad', { rsv: 1 }));
  await gate.decoded();
  t.strictSame(mode.told, [toldText('a')]);
  t.equal(gate.decoding.length, 0);
  const [answer, reason] = bench.sent();
  t.equal(answer, sentText('last'));
  t.equal(reason, closeText(1002, RESERVED_BIT), 'the rule was broken before');
});

t.test('a failure that waits is named even if the connection is gone before', async (t) => {
  const bench = gatedBench(echoWitness(), new Gate({ encode: true }));
  bench.receive(textFrame('a'), textFrame('bad', { rsv: 1 }));
  t.match(bench.finish(), { closedBy: 'lost', closeCode: 1006, rule: 'reserved-bit' });

  const gate = new Gate({ decode: true, encode: true });
  const decoding = gatedBench(new Witness(), gate);
  decoding.session.sendRange(1, Buffer.from('a'));
  decoding.receive(textFrame('a'));
  await gate.decodeFails(extensionFault(1007));
  t.match(decoding.finish(), { closedBy: 'lost', closeCode: 1006, rule: 'extension-data' });
});

t.test('a mode that fails in a message that came later fails its session alone', async (t) => {
  const defect = new Error('in message');
  const gate = new Gate({ decode: true, encode: true });
  const mode = new Witness();
  mode.onMessage = (session): void => {
    session.sendRange(1, Buffer.from('first'));
    throw defect;
  };
  const bench = gatedBench(mode, gate);
  bench.receive(textFrame('a'), textFrame('b'));
  await gate.decoded();
  t.notOk(bench.session.isOver, 'what it had sent goes first');
  t.notOk(bench.transport.isInputPaused);
  await gate.encoded();
  t.strictSame(mode.told, [toldText('a')]);
  t.strictSame(bench.sent(), [sentText('first'), closeText(1011, 'internal error')]);
  t.equal(bench.finish().error, defect);
});

t.test('a mode that fails in drained: what it had sent goes first', async (t) => {
  const defect = new Error('in drained');
  const gate = new Gate({ encode: true });
  const mode = new Witness();
  mode.onDrained = (session): void => {
    session.sendRange(1, Buffer.from('more'));
    throw defect;
  };
  const bench = gatedBench(mode, gate);
  t.equal(bench.session.sendRange(2, new Uint8Array(LIMITS.outputPause)), 'wait');
  bench.transport.isWriting = true;
  await gate.encoded();
  t.strictSame(mode.told, ['drained']);
  t.notOk(bench.session.isOver);
  await gate.encoded();
  t.strictSame(bench.sent().slice(1), [sentText('more'), closeText(1011, 'internal error')]);
  t.equal(bench.finish().error, defect);
});

t.test('what comes after all messages waits for the extensions, with one deadline', async (t) => {
  const gate = new Gate({ decode: true });
  const bench = gatedBench(new Witness(), gate);
  const { session, transport } = bench;
  bench.receive(textFrame('a'));
  bench.calls();
  const done: string[] = [];
  session.ending.whenThrough(() => done.push('a'));
  t.equal(transport.checkMs, LIMITS.closeTimeout);
  transport.checkMs = NaN;
  session.ending.whenThrough(() => done.push('b'));
  t.ok(session.isEnding);
  t.ok(Number.isNaN(transport.checkMs));
  t.strictSame(done, []);
  await gate.decoded();
  t.strictSame(done, ['a', 'b']);
  t.strictSame(bench.calls(), ['flush', 'flush', 'resume']);
});

// ---- By itself

/** Ends of a session that is busy when the test says so, and what was done. */
function waitingEnds(): {
  ends: PendingEnds;
  session: { isBusy: boolean };
  done: string[];
} {
  const session = { isBusy: true };
  const done: string[] = [];
  const parts = {
    transport: { scheduleFlush: () => done.push('flush') },
    deadlines: { ending: () => done.push('deadline') },
  } as unknown as ConstructorParameters<typeof PendingEnds>[1];
  return { ends: new PendingEnds(session, parts), session, done };
}

t.test('what waits is done in order, with one deadline, and a flush after each', async (t) => {
  const { ends, session, done } = waitingEnds();
  t.ok(ends.isEmpty);
  ends.add(() => done.push('a'));
  ends.add(() => done.push('b'));
  t.notOk(ends.isEmpty);
  ends.run();
  t.strictSame(done, ['deadline']);
  session.isBusy = false;
  ends.run();
  t.strictSame(done, ['deadline', 'a', 'flush', 'b', 'flush']);
  t.ok(ends.isEmpty);
  ends.add(() => done.push('c'));
  t.strictSame(done.slice(5), ['c', 'flush'], 'with nothing on its way there is no wait');
});

t.test('what one of them sends keeps the next one waiting', async (t) => {
  const { ends, session, done } = waitingEnds();
  ends.add(() => {
    session.isBusy = true;
    done.push('a');
  });
  ends.add(() => done.push('b'));
  session.isBusy = false;
  ends.run();
  t.strictSame(done, ['deadline', 'a', 'flush']);
  t.notOk(ends.isEmpty);
  session.isBusy = false;
  ends.run();
  t.strictSame(done.slice(3), ['b', 'flush']);
});

t.test('what is dropped is not done, not even by what comes before it', async (t) => {
  const { ends, session, done } = waitingEnds();
  ends.add(() => {
    ends.clear();
  });
  ends.add(() => done.push('b'));
  session.isBusy = false;
  ends.run();
  t.strictSame(done, ['deadline', 'flush']);
  t.ok(ends.isEmpty);
});
