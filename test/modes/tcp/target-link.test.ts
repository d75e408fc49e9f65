import { Buffer } from 'node:buffer';
import t from 'tap';
import { FlushQueue } from '../../../src/connection/flush-queue.js';
import { type LinkHost, TargetLink } from '../../../src/modes/tcp/target-link.js';
import { SlabPool } from '../../../src/protocol/slabs/slab-pool.js';
import { nextTurn } from '../../fixtures/extensions.js';
import { CountedTurns } from '../../fixtures/counted-turns.js';
import { FakeSession } from '../../fixtures/fake-session.js';
import { FakeSocket } from '../../fixtures/fake-socket.js';

const SEND_MS = 30_000;
const CLOSE_MS = 20;

class Bench implements LinkHost {
  readonly flushQueue = new FlushQueue();
  readonly slabPool = new SlabPool();
  readonly turns = new CountedTurns();
  readonly isText: boolean;
  readonly sendTimeout = SEND_MS;
  readonly closeTimeout = CLOSE_MS;
  readonly session = new FakeSession();
  readonly socket = new FakeSocket();
  readonly stalling = new Set<TargetLink>();
  readonly link: TargetLink;
  now = 1000;

  constructor({ isText = false } = {}) {
    this.isText = isText;
    this.link = new TargetLink(this.session, 'host:1', this);
    this.link.attach(this.socket.asSocket);
    this.link.start();
    this.takeCalls();
  }

  nowMs(): number {
    return this.now;
  }

  blocked(link: TargetLink): void {
    this.stalling.add(link);
  }

  unblocked(link: TargetLink): void {
    this.stalling.delete(link);
  }

  /** A piece from the client. */
  send(text: string): void {
    const bytes = Buffer.from(`<${text}>`);
    this.link.send(bytes, 1, bytes.length - 1);
    bytes.fill(0);
  }

  /** A read from the target. */
  receive(bytes: string | Uint8Array): boolean {
    const buffer = Buffer.concat([Buffer.from(bytes), Buffer.from('old bytes')]);
    return this.link.receive(buffer, buffer.length - 9);
  }

  takeCalls(): readonly string[] {
    return this.socket.calls.splice(0);
  }
}

const hex = (text: string): string => Buffer.from(text).toString('hex');

t.test('nothing is read from a target before the session is open', async (t) => {
  const { session, socket, link } = new Bench();
  link.start();
  t.strictSame(socket.calls, ['resume']);

  const bench = new Bench();
  const early = new TargetLink(session, 'host:1', bench);
  early.attach(bench.socket.asSocket);
  bench.socket.destroy();
  await nextTurn();
  t.strictSame(session.takeCalls(), [], 'a target that is gone by then is told later');
  early.start();
  t.strictSame(session.takeCalls(), ['close 1011 the target reset the connection', 'resume']);
});

t.test('what one read brought leaves in one write', async (t) => {
  const bench = new Bench();
  bench.send('a');
  bench.send('bc');
  t.strictSame(bench.takeCalls(), []);
  await nextTurn();
  t.strictSame(bench.takeCalls(), ['write 3']);
  t.equal(bench.socket.takeWritten().toString(), 'abc');
  t.strictSame(bench.session.calls, []);
});

t.test('while the target does not take it the session is not read', async (t) => {
  const bench = new Bench();
  bench.socket.isTaking = false;
  bench.send('a');
  await nextTurn();
  t.strictSame(bench.session.takeCalls(), ['pause']);
  t.ok(bench.stalling.has(bench.link));
  bench.send('b');
  bench.send('c');
  await nextTurn();
  t.equal(bench.socket.writeCount, 1, 'what follows waits here');
  bench.socket.drain();
  t.strictSame(bench.takeCalls(), ['write 1', 'write 2']);
  t.equal(bench.socket.takeWritten().toString(), 'abc');
  t.strictSame(bench.session.takeCalls(), ['resume']);
  t.notOk(bench.stalling.has(bench.link));
});

t.test('a target that takes some, and not all, is waited for again', async (t) => {
  const bench = new Bench();
  bench.socket.isTaking = false;
  bench.send('a');
  await nextTurn();
  bench.send('b');
  await nextTurn();
  bench.session.takeCalls();
  bench.socket.writableLength = 0;
  bench.socket.emit('drain');
  t.strictSame(bench.session.takeCalls(), ['pause'], 'it is not read meanwhile');
  t.ok(bench.stalling.has(bench.link));
});

t.test('each read from the target is a message, as far as the client takes it', async (t) => {
  const bench = new Bench();
  t.ok(bench.receive('ab'));
  bench.session.canSend = false;
  t.notOk(bench.receive('c'));
  t.strictSame(bench.session.takeCalls(), [`send 2 ${hex('ab')}`, `send 2 ${hex('c')}`]);
  bench.link.receiveBytes(Buffer.from('-d-'), 1, 2);
  t.strictSame(bench.session.takeCalls(), [`send 2 ${hex('d')}`]);
  t.strictSame(bench.takeCalls(), ['pause']);
  bench.link.resume();
  t.strictSame(bench.takeCalls(), ['resume']);
  bench.session.canSend = true;
  bench.link.receiveBytes(Buffer.from('e'), 0, 1);
  t.strictSame(bench.takeCalls(), []);
});

t.test('a target that floods is not read until its turn comes', async (t) => {
  const bench = new Bench();
  bench.turns.isOver = true;
  bench.link.receiveBytes(Buffer.from('-ab-'), 1, 3);
  t.strictSame(bench.session.takeCalls(), [`send 2 ${hex('ab')}`], 'what was read is passed on');
  t.strictSame(bench.takeCalls(), ['pause']);
  t.equal(bench.turns.waitingCount, 1);
  // TLS gives what it has deciphered.
  t.notOk(bench.receive('c'));
  t.strictSame(bench.session.takeCalls(), [`send 2 ${hex('c')}`]);
  t.equal(bench.turns.waitingCount, 1, 'it waits once');
  await nextTurn();
  t.strictSame(bench.takeCalls(), ['resume']);
  t.equal(bench.turns.waitingCount, 0);
  t.ok(bench.receive('d'));
});

t.test('a client that is held back, and a turn that has not come: both must be over', async (t) => {
  const clientLast = new Bench();
  clientLast.turns.isOver = true;
  clientLast.session.canSend = false;
  t.notOk(clientLast.receive('a'));
  await nextTurn();
  t.equal(clientLast.turns.waitingCount, 0);
  t.strictSame(clientLast.takeCalls(), [], 'its turn has come, but the client does not read');
  clientLast.link.resume();
  t.strictSame(clientLast.takeCalls(), ['resume']);

  const turnLast = new Bench();
  turnLast.turns.isOver = true;
  turnLast.session.canSend = false;
  t.notOk(turnLast.receive('a'));
  turnLast.link.resume();
  t.strictSame(turnLast.takeCalls(), [], 'the client reads, but its turn has not come');
  await nextTurn();
  t.strictSame(turnLast.takeCalls(), ['resume']);
});

t.test('the end, while it waits for its turn', async (t) => {
  const over = new Bench();
  over.turns.isOver = true;
  t.notOk(over.receive('a'));
  over.session.takeCalls();
  over.link.sessionOver();
  t.strictSame(over.takeCalls(), ['end', 'resume'], 'what it still sends is read at once');
  t.ok(over.receive('nobody hears it'));
  t.strictSame(over.session.takeCalls(), []);
  await nextTurn();
  t.equal(over.turns.waitingCount, 0);
  over.socket.emit('close');

  const lost = new Bench();
  lost.turns.isOver = true;
  t.notOk(lost.receive('a'));
  lost.session.takeCalls();
  lost.takeCalls();
  lost.socket.emit('close');
  t.strictSame(lost.session.takeCalls(), ['close 1011 the target reset the connection', 'resume']);
  await nextTurn();
  t.equal(lost.turns.waitingCount, 0);
  t.strictSame(lost.takeCalls(), []);
});

t.test('text is sent in whole characters', async (t) => {
  const bench = new Bench({ isText: true });
  t.ok(bench.receive(Buffer.from('61e282', 'hex')));
  t.ok(bench.receive(Buffer.from('ac', 'hex')));
  t.ok(bench.receive(Buffer.from('e2', 'hex')), 'nothing to send is no reason to wait');
  t.strictSame(bench.session.takeCalls(), ['send 1 61', 'send 1 e282ac']);
  bench.socket.emit('end');
  await nextTurn();
  const reason = 'close 1011 the target sent text that is not UTF-8';
  t.strictSame(bench.session.takeCalls(), [reason, 'resume'], 'it ends inside a character');

  const bad = new Bench({ isText: true });
  bad.receive(Buffer.from('61ff', 'hex'));
  t.strictSame(bad.session.takeCalls(), ['send 1 61', reason], 'what is text goes out before');
  t.ok(bad.socket.destroyed);

  const good = new Bench({ isText: true });
  good.socket.emit('end');
  await nextTurn();
  t.strictSame(good.session.takeCalls(), ['close 1000 the target closed the connection']);
});

t.test('a target that has ended still gets what the client sends', async (t) => {
  const bench = new Bench();
  bench.socket.emit('end');
  await nextTurn();
  t.strictSame(bench.session.takeCalls(), ['close 1000 the target closed the connection']);
  bench.send('late');
  await nextTurn();
  t.equal(bench.socket.takeWritten().toString(), 'late');
  bench.socket.emit('error', Object.assign(new Error('gone'), { code: 'EPIPE' }));
  t.strictSame(bench.session.notes, {}, 'who has ended may refuse it');
  bench.socket.destroy();
  await nextTurn();
  t.strictSame(bench.session.takeCalls(), ['resume']);
});

t.test('a reset of the target is our failure', async (t) => {
  const bench = new Bench();
  bench.socket.isTaking = false;
  bench.session.notes = { target: 'a:1' };
  bench.send('x');
  await nextTurn();
  bench.send('never sent');
  bench.socket.emit('error', Object.assign(new Error('reset'), { code: 'ECONNRESET' }));
  bench.socket.destroy();
  await nextTurn();
  t.strictSame(bench.session.takeCalls(), [
    'pause',
    'close 1011 the target reset the connection',
    'resume',
  ]);
  t.strictSame(bench.session.notes, { target: 'a:1', targetError: 'ECONNRESET' });
  t.notOk(bench.stalling.has(bench.link));
  bench.send('nobody is there');
  bench.link.resume();
  t.equal(bench.link.end(), undefined);
  bench.link.sessionOver();
  await nextTurn();
  t.strictSame(bench.takeCalls(), ['write 1', 'destroy']);

  const nameless = new Bench();
  nameless.socket.emit('error', new Error('odd'));
  t.strictSame(nameless.session.notes, { targetError: 'odd' });
});

t.test('why a target is lost', async (t) => {
  for (const [code, reason] of [
    ['ECONNRESET', 'the target reset the connection'],
    ['ETIMEDOUT', 'the target does not answer any more'],
    ['EHOSTUNREACH', 'the connection to the target was lost'],
    ['ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR', 'the connection to the target was lost'],
  ] as const) {
    const bench = new Bench();
    bench.link.start();
    bench.socket.emit('error', Object.assign(new Error('lost'), { code }));
    bench.socket.destroy();
    await nextTurn();
    t.ok(bench.session.takeCalls().includes(`close 1011 ${reason}`), code);
    t.match(bench.session.notes, { targetError: code });
  }
});

t.test('a reset after the last bytes looks like an end, and is none', async (t) => {
  const bench = new Bench();
  bench.socket.emit('end');
  t.strictSame(bench.takeCalls(), ['write 0'], 'a write of nothing tells');
  const reset = Object.assign(new Error('reset'), { code: 'ECONNRESET' });
  bench.socket.errored = reset;
  bench.socket.emit('error', reset);
  await nextTurn();
  t.strictSame(bench.session.calls, []);
  bench.socket.emit('close');
  t.match(bench.session.takeCalls(), ['close 1011 the target reset the connection', 'resume']);
  t.strictSame(bench.session.notes, { targetError: 'ECONNRESET' });

  const closed = new Bench();
  closed.socket.emit('end');
  const refused = Object.assign(new Error('both directions are closed'), { code: 'EPIPE' });
  closed.socket.errored = refused;
  closed.socket.emit('error', refused);
  await nextTurn();
  closed.socket.emit('close');
  t.strictSame(closed.session.takeCalls(), [
    'close 1000 the target closed the connection',
    'resume',
  ]);
  t.strictSame(closed.session.notes, {});

  const blocked = new Bench();
  blocked.socket.isTaking = false;
  blocked.send('a');
  await nextTurn();
  blocked.takeCalls();
  blocked.socket.emit('end');
  t.strictSame(blocked.takeCalls(), [], 'what is under way tells as well');
  blocked.socket.emit('close');
  await nextTurn();
  t.equal(blocked.session.calls.at(-2), 'close 1011 the target reset the connection');

  const ours = new Bench();
  void ours.link.end();
  ours.takeCalls();
  ours.socket.emit('end');
  t.strictSame(ours.takeCalls(), [], 'behind our own FIN there is nothing to write');
  t.strictSame(ours.session.takeCalls(), ['close 1000 the target closed the connection']);
});

t.test("the client's Close: what waits goes out, then our FIN, then the answer", async (t) => {
  const bench = new Bench();
  bench.send('last');
  t.equal(bench.link.end(), undefined, 'the kernel has it all: no need to wait');
  await nextTurn();
  t.strictSame(bench.takeCalls(), ['write 4', 'end']);
  bench.send('too late');
  await nextTurn();
  t.strictSame(bench.takeCalls(), []);

  for (const event of ['finish', 'close']) {
    const slow = new Bench();
    slow.socket.isTaking = false;
    slow.send('last');
    let isAnswered = false;
    void slow.link.end()!.then(() => {
      isAnswered = true;
    });
    await nextTurn();
    t.notOk(isAnswered);
    slow.socket.emit(event);
    await nextTurn();
    t.ok(isAnswered, event);
  }
});

t.test('a target that does not read ends the session in time', async (t) => {
  const bench = new Bench();
  bench.socket.isTaking = false;
  bench.send('abcdef');
  await nextTurn();
  bench.now += SEND_MS - 1;
  bench.link.checkStall(bench.now);
  bench.socket.progress(1);
  bench.now += SEND_MS - 1;
  bench.link.checkStall(bench.now);
  bench.now += SEND_MS - 1;
  bench.link.checkStall(bench.now);
  t.strictSame(bench.session.takeCalls(), ['pause']);
  bench.now += 1;
  bench.link.checkStall(bench.now);
  t.strictSame(bench.session.takeCalls(), ['close 1011 the target does not read']);
  t.ok(bench.socket.destroyed);
});

t.test('when the session is over the target has a little time', async (t) => {
  const bench = new Bench();
  bench.send('last');
  bench.link.sessionOver();
  t.strictSame(bench.takeCalls(), ['write 4', 'end', 'resume']);
  t.ok(bench.receive('nobody hears it'));
  t.strictSame(bench.session.takeCalls(), []);
  await nextTurn();
  t.notOk(bench.socket.destroyed);
  await new Promise((resolve) => setTimeout(resolve, CLOSE_MS + 5));
  t.ok(bench.socket.destroyed);

  const quick = new Bench();
  void quick.link.end();
  quick.takeCalls();
  quick.link.sessionOver();
  t.strictSame(quick.takeCalls(), ['resume'], 'its FIN is out already');
  quick.socket.emit('close');
  await new Promise((resolve) => setTimeout(resolve, CLOSE_MS + 5));
  t.notOk(quick.socket.destroyed, 'nothing is left to do');
});

t.test('the recorder is told what becomes of the target', async (t) => {
  const ended = new Bench();
  ended.link.receiveEof();
  await nextTurn();
  ended.socket.destroy();
  await nextTurn();
  t.strictSame(ended.session.targets, ['connected host:1', 'ended host:1']);
  const lost = new Bench();
  lost.link.socketFailed(Object.assign(new Error('reset'), { code: 'ECONNRESET' }));
  lost.socket.destroy();
  await nextTurn();
  t.strictSame(lost.session.targets, ['connected host:1', 'lost host:1 ECONNRESET']);
});

t.test('when the session is over nobody is told of the target any more', async (t) => {
  const bench = new Bench();
  bench.link.sessionOver();
  bench.socket.destroy();
  await nextTurn();
  t.strictSame(bench.session.targets, ['connected host:1']);
});

t.test('the memory that it holds is what waits for the target', async (t) => {
  const bench = new Bench();
  t.equal(new TargetLink(bench.session, 'host:1', bench).heldBytes, 0, 'not connected yet');
  t.equal(bench.link.heldBytes, 0);
  bench.socket.isTaking = false;
  bench.send('abc');
  t.ok(bench.link.heldBytes >= 3);
  await nextTurn();
  bench.socket.drain();
  t.equal(bench.link.heldBytes, 0);
});
