import { Buffer } from 'node:buffer';
import t from 'tap';
import { EndingPhase } from '../../src/connection/ending-phase.js';
import { InvalidStateError } from '../../src/errors.js';
import {
  BAD_FRAME,
  Bench,
  LINGER_BYTES,
  LINGER_MS,
  RESERVED_BIT,
  fromServer,
} from '../fixtures/connection-bench.js';
import { MORE, closeFrame, pingFrame, textFrame } from '../fixtures/frames.js';
import { hexOf } from '../fixtures/hex.js';
import { LIMITS } from '../fixtures/test-host.js';

t.test('§7.1.1: the peer closes: our Close and FIN at once', async (t) => {
  const bench = new Bench().open();
  bench.receiveFrames(textFrame('a'), closeFrame(1000, 'bye'), textFrame('b'));
  const sent = fromServer(textFrame('a'), closeFrame(1000, 'bye'));
  t.equal(bench.written(), hexOf(sent));
  t.strictSame(bench.calls(), [`write ${sent.length}`, 'end', 'resume']);
  bench.socket.emit('end');
  t.strictSame(bench.calls(), [], 'the rest is the socket’s');
  bench.socket.emit('close');
  t.strictSame(bench.host.closed, [bench.connection]);
  t.match(bench.host.ended, [{ closedBy: 'client', closeCode: 1000, closeReason: 'bye' }]);
});

t.test('§7.1.2: we close: FIN once the peer has answered', async (t) => {
  const bench = new Bench().open();
  bench.host.opened[0]!.close(4000, 'over');
  await bench.settle();
  t.equal(bench.written(), hexOf(fromServer(closeFrame(4000, 'over'))));
  t.notOk(bench.calls().includes('end'));
  bench.receiveFrames(closeFrame(4000));
  t.strictSame(bench.calls(), ['end', 'resume']);
  t.equal(bench.written(), '');
});

t.test('§7.1.7: the connection fails: what was sent, Close, FIN, and deaf', async (t) => {
  const bench = new Bench().open();
  bench.receiveFrames(textFrame('a'), BAD_FRAME, pingFrame('b'));
  const sent = fromServer(textFrame('a'), closeFrame(1002, RESERVED_BIT));
  t.equal(bench.written(), hexOf(sent));
  t.strictSame(bench.calls(), [`write ${sent.length}`, 'end', 'resume']);
  bench.receiveFrames(pingFrame('c'), closeFrame(1002));
  t.strictSame(bench.calls(), []);
});

t.test('the end does not wait for a blocked socket, and nothing is lost', async (t) => {
  const bench = new Bench().open();
  await bench.block();
  bench.calls();
  bench.receiveFrames(textFrame('a'), closeFrame(1000));
  const sent = fromServer(textFrame('a'), closeFrame(1000));
  t.equal(bench.written(), hexOf(sent));
  t.strictSame(bench.calls(), [`write ${sent.length}`, 'end', 'resume']);
  bench.socket.drain();
  t.strictSame(bench.calls(), []);
});

t.test('the end makes a paused socket read on: the peer’s FIN must be seen', async (t) => {
  const bench = new Bench().open();
  bench.host.opened[0]!.pause();
  t.strictSame(bench.calls(), ['pause']);
  bench.receiveFrames(closeFrame(1000));
  t.notOk(bench.socket.isPaused);
  bench.host.opened[0]!.pause();
  t.notOk(bench.socket.isPaused, 'and nobody can stop it any more');
  bench.host.opened[0]!.resume();
  t.notOk(bench.socket.isPaused);

  const reading = new Bench().open();
  reading.receiveFrames(closeFrame(1000));
  reading.host.opened[0]!.pause();
  t.notOk(reading.socket.isPaused, 'nor if it had not been paused before');
});

t.test('FIN without Close: ours follows, and the session was lost', async (t) => {
  const bench = new Bench().open();
  bench.receiveFrames(textFrame('a', MORE));
  bench.socket.emit('end');
  t.strictSame(bench.calls(), ['end', 'resume']);
  t.equal(bench.written(), '');
  bench.socket.emit('close');
  t.match(bench.host.ended, [{ closedBy: 'lost', closeCode: 1006, error: null, rule: null }]);
});

t.test('FIN behind a request for more: what was asked is still answered', async (t) => {
  const bench = new Bench().open();
  await bench.block();
  bench.receiveFrames(textFrame('a'));
  bench.calls();
  bench.socket.emit('end');
  t.strictSame(bench.calls(), ['write 3', 'end', 'resume']);
});

t.test('the socket breaks: its error is in the summary', async (t) => {
  const codes: readonly [Error, string][] = [
    [Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }), 'ECONNRESET'],
    [new Error('without a code'), 'without a code'],
  ];
  for (const [error, expected] of codes) {
    const bench = new Bench().open();
    bench.socket.emit('error', error);
    bench.socket.emit('close');
    t.match(bench.host.ended, [{ closedBy: 'lost', closeCode: 1006, error: expected }]);
    t.strictSame(bench.host.closed, [bench.connection]);
  }
});

t.test('what waits is forgotten with the socket', async (t) => {
  const bench = new Bench().open();
  await bench.block();
  const [session] = bench.host.opened;
  session!.sendRange(1, Buffer.from('lost'));
  t.ok(session!.bufferedAmount > 0);
  bench.socket.emit('close');
  t.equal(session!.bufferedAmount, 0);
  await bench.settle();
  t.equal(session!.sendRange(1, Buffer.from('late')), 'closed', 'a mode may hold on to a session');
  session!.close(1000);
  await bench.settle();
  t.equal(bench.written(), '');
});

t.test('lingering: at most 32 MiB are thrown away', async (t) => {
  const bench = new Bench().open();
  bench.receiveFrames(BAD_FRAME);
  bench.calls();
  const chunk = new Uint8Array(LINGER_BYTES / 4);
  for (let count = 0; count < 4; count++) bench.receive(chunk);
  t.strictSame(bench.calls(), []);
  bench.receive(new Uint8Array(1));
  t.strictSame(bench.calls(), ['destroy']);
});

t.test('lingering: two seconds after our last byte has left', async (t) => {
  const bench = new Bench().open();
  bench.receiveFrames(BAD_FRAME);
  bench.calls();
  t.equal(bench.nextCheckAfterMs, LINGER_MS / 4);
  bench.checkAfter(LINGER_MS - 1);
  t.strictSame(bench.calls(), []);
  t.equal(bench.nextCheckAfterMs, LINGER_MS - 1 + LINGER_MS / 4);
  bench.checkAfter(LINGER_MS);
  t.strictSame(bench.calls(), ['destroy']);
});

t.test('lingering begins when the peer has read everything', async (t) => {
  const bench = new Bench().open();
  bench.socket.isTaking = false;
  bench.receiveFrames(textFrame('a'), BAD_FRAME);
  bench.calls();
  bench.checkAfter(4000);
  bench.socket.progress(1);
  bench.checkAfter(8000);
  bench.socket.drain();
  bench.socket.writableFinished = true;
  bench.checkAfter(8000 + LINGER_MS - 1);
  t.strictSame(bench.calls(), []);
  bench.checkAfter(8000 + LINGER_MS);
  t.strictSame(bench.calls(), ['destroy']);
});

t.test('send-timeout at the end: the peer does not read our last bytes', async (t) => {
  const bench = new Bench().open();
  bench.socket.isTaking = false;
  bench.receiveFrames(textFrame('a'), closeFrame(1000));
  bench.calls();
  bench.checkAfter(LIMITS.closeTimeout - 1);
  t.strictSame(bench.calls(), []);
  bench.checkAfter(LIMITS.closeTimeout);
  t.strictSame(bench.calls(), ['destroy']);
  await bench.settle();
  t.match(bench.host.ended, [{ closeCode: 1000, rule: 'send-timeout' }]);
});

t.test('send-timeout of a refusal', async (t) => {
  const bench = new Bench();
  bench.socket.isTaking = false;
  bench.receive('x\r\n');
  t.equal(bench.host.refusals.length, 1);
  bench.calls();
  bench.checkAfter(1000);
  bench.checkAfter(1000 + LIMITS.closeTimeout);
  t.strictSame(bench.calls(), ['destroy']);
});

t.test('the socket breaks at the end: its error is in the summary', async (t) => {
  const bench = new Bench().open();
  bench.receiveFrames(closeFrame(1000));
  bench.socket.emit('error', Object.assign(new Error('reset'), { code: 'ECONNRESET' }));
  bench.socket.emit('close');
  t.match(bench.host.ended, [{ closeCode: 1000, error: 'ECONNRESET' }]);
});

t.test('there is no way on from a phase that is over', async (t) => {
  const bench = new Bench().open();
  const over = new EndingPhase(bench.connection, null);
  t.notOk(bench.connection.isIn(over));
  t.throws(() => {
    bench.connection.end(over, null);
  }, InvalidStateError);
  t.strictSame(bench.calls(), []);
});
