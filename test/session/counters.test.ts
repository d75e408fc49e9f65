import t from 'tap';
import { PauseCounts } from '../../src/session/counters.js';
import {
  MORE,
  binaryFrame,
  closeFrame,
  continuationFrame,
  encodeFrames,
  pingFrame,
  pongFrame,
  textFrame,
} from '../fixtures/frames.js';
import { Bench, QUIET, Witness, echoWitness } from '../fixtures/session-bench.js';
import { START_MS } from '../fixtures/test-host.js';

t.test('pauses that have ended and those under way', async (t) => {
  const pauses = new PauseCounts();
  t.equal(pauses.totalMs(1000), 0);
  pauses.begin(1000);
  pauses.begin(1500);
  t.equal(pauses.totalMs(2000), 1500);
  pauses.end(2000);
  t.equal(pauses.under, 1);
  t.equal(pauses.begun, 2);
  t.equal(pauses.totalMs(3000), 2500);
  pauses.end(3000);
  t.equal(pauses.totalMs(99_000), 2500);
});

t.test('messages are counted by direction and type, frames of control by type', async (t) => {
  const frames = [
    textFrame('hello'),
    binaryFrame('abc', MORE),
    continuationFrame('de'),
    pingFrame('x'),
    pongFrame(''),
    closeFrame(1000),
  ];
  for (const [mode, answers] of [
    [echoWitness(), { textMessagesOut: 2, textBytesOut: 10, binaryMessagesOut: 0 }],
    [new Witness('chunks'), { textMessagesOut: 0, binaryMessagesOut: 0 }],
  ] as const) {
    const bench = new Bench(mode, QUIET).open();
    bench.receive(...frames);
    const { traffic } = bench.host;
    t.match(traffic, {
      textMessagesIn: 1,
      textBytesIn: 5,
      binaryMessagesIn: 1,
      binaryBytesIn: 5,
      ...answers,
      wireBytesIn: encodeFrames(frames, true).length,
      controlIn: { pings: 1, pongs: 1, closes: 1 },
      controlOut: { pings: 0, pongs: 1, closes: 1 },
    });
  }
});

t.test('what is sent in chunks is one message', async (t) => {
  const bench = new Bench(new Witness(), QUIET).open();
  const { session, host } = bench;
  session.sendChunk('ab', false, true, false);
  session.sendChunk('cd', false, false, true);
  session.sendChunk(Buffer.from('x'), true, true, false);
  t.match(host.traffic, {
    textMessagesOut: 1,
    textBytesOut: 4,
    binaryMessagesOut: 0,
    binaryBytesOut: 1,
  });
  session.ping('p');
  t.equal(host.traffic.controlOut.pings, 1);
});

t.test('a pause lasts until the session goes on, or is gone', async (t) => {
  const bench = new Bench(new Witness(), QUIET).open();
  const { session, host } = bench;
  const { inputPauses, outputPauses } = host.traffic;
  session.pause();
  session.pause();
  t.equal(inputPauses.under, 1);
  host.clock.nowMs += 100;
  session.resume();
  t.equal(inputPauses.totalMs(host.clock.nowMs), 100);
  session.pause();
  t.equal(session.send(Buffer.alloc(host.limits.outputPause)), 'wait');
  session.send('more');
  t.match(outputPauses, { begun: 1, under: 1 });
  host.clock.nowMs += 1000;
  bench.session.finish();
  bench.session.finish();
  session.resume();
  session.pause();
  t.match(inputPauses, { begun: 2, under: 0 });
  t.match(outputPauses, { begun: 1, under: 0 });
  t.equal(inputPauses.totalMs(START_MS), 1100);
  t.equal(outputPauses.totalMs(START_MS), 1000);
});

t.test('sessions that have begun and ended; a refused one is none', async (t) => {
  const opened = new Bench(new Witness(), QUIET);
  t.match(opened.counts, { started: 0, ended: 0 });
  opened.open();
  t.match(opened.counts, { started: 1, ended: 0 });
  opened.session.finish();
  t.match(opened.counts, { started: 1, ended: 1 });
  const refused = new Bench(new Witness(), QUIET);
  refused.session.finish();
  t.match(refused.counts, { started: 0, ended: 0 });
});

t.test('output waits for clients whose sockets take nothing, and for no others', async (t) => {
  const bench = new Bench(new Witness(), QUIET).open();
  const { session, host } = bench;
  const { blocked } = host.traffic;
  session.send('hello');
  t.equal(blocked.size, 0);
  session.blocked();
  t.strictSame([...blocked], [session]);
  t.equal([...blocked][0]!.bufferedAmount, 7);
  session.unblocked();
  t.equal(blocked.size, 0);
  session.blocked();
  session.finish();
  t.equal(blocked.size, 0);
});
