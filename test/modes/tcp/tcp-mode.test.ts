import { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';
import t from 'tap';
import { HandshakeError } from '../../../src/errors.js';
import type { UpgradeRequest } from '../../../src/handshake/request.js';
import {
  type TargetConnector,
  type TargetReceiver,
  TcpMode,
  type TcpModeOptions,
} from '../../../src/modes/tcp/tcp-mode.js';
import type { Target } from '../../../src/net/socket-address.js';
import { Deferred, nextTurn } from '../../fixtures/extensions.js';
import { FakeSession } from '../../fixtures/fake-session.js';
import { FakeSocket } from '../../fixtures/fake-socket.js';

const TARGET: Target = { kind: 'tcp', host: 'a', port: 1, text: 'a:1' };
const REQUEST = { path: '/' } as UpgradeRequest;

/** A connector that answers when the test says so. */
class FakeConnector implements TargetConnector {
  readonly socket = new FakeSocket();
  readonly answer = new Deferred<Socket>();
  readonly asked: Target[] = [];
  receiver: TargetReceiver | null = null;
  signal: AbortSignal | null = null;

  async connect(
    target: Target,
    _session: unknown,
    receiver: TargetReceiver,
    signal: AbortSignal,
  ): Promise<Socket> {
    this.asked.push(target);
    this.receiver = receiver;
    this.signal = signal;
    return this.answer.promise;
  }

  accept(): void {
    this.answer.resolve(this.socket.asSocket);
  }
}

function make(changes: Partial<TcpModeOptions> = {}): {
  readonly mode: TcpMode;
  readonly connector: FakeConnector;
  readonly session: FakeSession;
} {
  const connector = new FakeConnector();
  const mode = new TcpMode({
    name: 'tcp:a:1',
    findTarget: () => TARGET,
    connector,
    isText: false,
    sendTimeout: 50,
    closeTimeout: 1000,
    ...changes,
  });
  return { mode, connector, session: new FakeSession() };
}

t.test('what holds for it', async (t) => {
  t.match(make().mode, {
    name: 'tcp:a:1',
    delivery: 'chunks',
    receiveAfterClose: true,
    defaults: { origin: 'same', deflate: false },
    unsupportedSubprotocols: ['base64'],
  });
});

t.test('it is open when its target is, and pumps', async (t) => {
  const { mode, connector, session } = make();
  let isOpen = false;
  const opened = mode.upgrade(session, REQUEST).then(() => {
    isOpen = true;
  });
  await nextTurn();
  t.notOk(isOpen);
  t.strictSame(connector.asked, [TARGET]);
  t.strictSame(session.notes, { target: 'a:1' });
  connector.accept();
  await opened;
  t.strictSame(connector.socket.calls, [], 'nothing is read yet');
  mode.open(session);
  t.strictSame(connector.socket.calls.splice(0), ['resume']);

  mode.chunk(session, 2, Buffer.from('abc'), 1, 3);
  await nextTurn();
  t.equal(connector.socket.takeWritten().toString(), 'bc');
  session.canSend = false;
  t.notOk(connector.receiver!.receive(Buffer.from('xyz'), 2));
  t.strictSame(session.takeCalls(), ['send 2 7879']);
  connector.socket.calls.length = 0;
  mode.drain(session);
  t.strictSame(connector.socket.calls.splice(0), ['resume']);
  t.equal(mode.closing(session), undefined);
  t.strictSame(connector.socket.calls.splice(0), ['end']);
  mode.close(session);
  t.strictSame(connector.socket.calls.splice(0), ['resume']);
  connector.socket.destroy();
});

t.test('a target that cannot be had, or found, refuses', async (t) => {
  const { mode, connector, session } = make();
  const refusal = new HandshakeError('target-refused');
  connector.answer.reject(refusal);
  await t.rejects(mode.upgrade(session, REQUEST), refusal);
  t.equal(session.data, null);

  const unknown = new HandshakeError('route');
  const other = make({
    findTarget: () => {
      throw unknown;
    },
  });
  await t.rejects(other.mode.upgrade(session, REQUEST), unknown);
  t.strictSame(other.connector.asked, []);
});

t.test('a client that goes while its target is being connected stops that', async (t) => {
  const { mode, connector, session } = make();
  const opened = mode.upgrade(session, REQUEST);
  await nextTurn();
  t.notOk(connector.signal!.aborted);
  mode.abandoned(session);
  t.ok(connector.signal!.aborted);
  connector.answer.reject(new Error('stopped'));
  await t.rejects(opened);
  mode.abandoned(session);
});

t.test('a client that goes while its target is looked up connects to none', async (t) => {
  const found = new Deferred<Target>();
  const { mode, connector, session } = make({ findTarget: async () => found.promise });
  const opened = mode.upgrade(session, REQUEST);
  mode.abandoned(session);
  found.resolve(TARGET);
  await nextTurn();
  t.ok(connector.signal?.aborted);
  connector.answer.reject(new Error('stopped'));
  await t.rejects(opened);
});

t.test('a target that does not read is noticed', async (t) => {
  const { mode, connector, session } = make();
  connector.accept();
  await mode.upgrade(session, REQUEST);
  connector.socket.isTaking = false;
  mode.chunk(session, 2, Buffer.from('abc'), 0, 3);
  await nextTurn();
  while (!connector.socket.destroyed) await new Promise((resolve) => setTimeout(resolve, 10));
  t.strictSame(session.takeCalls().slice(0, 2), ['pause', 'close 1011 the target does not read']);
});

t.test('two that do not read, and one that does again', async (t) => {
  const first = make();
  first.connector.accept();
  await first.mode.upgrade(first.session, REQUEST);
  const link = first.session.data as Parameters<TcpMode['blocked']>[0];
  const other = make();
  other.connector.accept();
  await other.mode.upgrade(other.session, REQUEST);
  const otherLink = other.session.data as typeof link;
  first.mode.blocked(link);
  first.mode.blocked(otherLink);
  first.mode.unblocked(otherLink);
  first.mode.unblocked(link);
  t.ok(first.mode.nowMs() > 0);
});

t.test('after a reload: is a session still led where it was?', async (t) => {
  const request = { path: '/a', query: 'token=x', host: 'h', target: '/a?token=x' };
  let answer: Target | null | undefined = TARGET;
  const asked: unknown[] = [];
  const lookUp: TcpModeOptions['lookUp'] = (bearer) => {
    asked.push(bearer);
    return answer;
  };
  const { mode, connector, session } = make({ lookUp });
  connector.accept();
  await mode.upgrade(session, request as UpgradeRequest);
  t.ok(mode.stillServes(session));
  t.strictSame(asked, [{ path: '/a', query: 'token=x', host: 'h' }], 'what is kept of the request');
  answer = { ...TARGET, text: 'b:1' };
  t.notOk(mode.stillServes(session), 'to another one');
  answer = null;
  t.notOk(mode.stillServes(session));
  answer = undefined;
  t.ok(mode.stillServes(session), 'nobody can tell');
  t.ok(make().mode.stillServes(session), 'no token leads anywhere');

  const other = make();
  other.connector.accept();
  await other.mode.upgrade(other.session, request as UpgradeRequest);
  t.ok(mode.stillServes(other.session), 'it had none');
});

t.test('the memory that a session holds is that of its link', async (t) => {
  const { mode, connector, session } = make();
  connector.accept();
  await mode.upgrade(session, REQUEST);
  t.equal(mode.heldBytes(session), 0);
  mode.chunk(session, 2, Buffer.from('abc'), 0, 3);
  t.ok(mode.heldBytes(session) >= 3);
  await nextTurn();
});
