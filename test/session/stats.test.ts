import t from 'tap';
import { NO_NOTES, SessionStats } from '../../src/session/stats.js';
import type { Session, SessionSummary } from '../../src/session/session.js';
import { InvalidPayloadError, PolicyError, ProtocolError } from '../../src/errors.js';
import type { Endpoint } from '../../src/protocol/endpoint.js';
import { makeSide } from '../fixtures/endpoint-pair.js';
import { closeFrame, encodeFrames } from '../fixtures/frames.js';

const NOW_MS = 5000;

const SESSION = {
  id: 7,
  remoteAddress: '203.0.113.7',
  remotePort: 51_234,
  clientCertificate: { subject: 'CN=alice', fingerprint: 'AB:CD' },
  user: 'ann',
  path: '/room',
  subprotocol: 'chat',
  extensions: 'x-a, x-b; c=1',
  notes: { target: 'localhost:5900' },
} as unknown as Session;

/** The summary at {@link NOW_MS}, of an endpoint that was told nothing unless one is given. */
function summaryOf(
  account: SessionStats,
  endpoint: Endpoint = makeSide().endpoint,
): SessionSummary {
  return account.summarize(SESSION, 'test', endpoint, {}, NOW_MS);
}

/** An endpoint that has sent and received these Closes, in this order. */
function closedEndpoint(...closes: readonly ['sent' | 'received', code: number, reason: string][]) {
  const { endpoint } = makeSide();
  for (const [direction, code, reason] of closes) {
    const bytes = encodeFrames([closeFrame(code, reason)], true);
    if (direction === 'sent') endpoint.sendClose(code, reason);
    else endpoint.receive(bytes, 0, bytes.length);
  }
  return endpoint;
}

t.test('a summary has all that was counted, and whose it is', async (t) => {
  const account = new SessionStats(1000);
  account.opened(1500);
  account.messagesIn = 1;
  account.bytesIn = 2;
  account.messagesOut = 3;
  account.bytesOut = 4;
  account.closedBy('client');
  const stats = { 'x-a': { ratio: 2 } };
  const endpoint = closedEndpoint(['received', 1000, 'bye'], ['sent', 1000, 'bye']);
  t.strictSame(account.summarize(SESSION, 'test', endpoint, stats, NOW_MS), {
    ...SESSION,
    mode: 'test',
    extensionStats: stats,
    messagesIn: 1,
    bytesIn: 2,
    messagesOut: 3,
    bytesOut: 4,
    durationMs: 3500,
    closeCode: 1000,
    closeReason: 'bye',
    closedBy: 'client',
    rule: null,
    error: null,
  });
});

t.test('a session that never opened lasts from its request on', async (t) => {
  t.match(summaryOf(new SessionStats(1000)), {
    durationMs: 4000,
    closeCode: 1006,
    closeReason: '',
    closedBy: 'lost',
    rule: null,
    error: null,
  });
});

t.test('§7.1.5: the code is that of whoever closed first', async (t) => {
  const cases = [
    [
      'client',
      closedEndpoint(['received', 4001, 'theirs'], ['sent', 1011, 'ours']),
      4001,
      'theirs',
    ],
    ['server', closedEndpoint(['sent', 1001, 'ours'], ['received', 4001, 'theirs']), 1001, 'ours'],
    ['server', closedEndpoint(['received', 4001, 'theirs']), 1006, ''],
    ['client', closedEndpoint(), 1006, ''],
  ] as const;
  for (const [side, endpoint, closeCode, closeReason] of cases) {
    const account = new SessionStats(0);
    account.closedBy(side);
    t.match(summaryOf(account, endpoint), { closedBy: side, closeCode, closeReason });
  }
  t.match(summaryOf(new SessionStats(0), closedEndpoint()), {
    closedBy: 'lost',
    closeCode: 1006,
  });
});

t.test('only the first who closes counts', async (t) => {
  const client = new SessionStats(0);
  client.closedBy('client');
  client.closedBy('server');
  t.equal(summaryOf(client).closedBy, 'client');
  client.failed(new ProtocolError('reserved-bit'));
  t.equal(summaryOf(client).closedBy, 'server', 'but a failure before our answer is what goes out');
  const server = new SessionStats(0);
  server.failed(new ProtocolError('reserved-bit'));
  server.closedBy('client');
  t.equal(summaryOf(server).closedBy, 'server');
});

t.test('a rule that the peer broke is named, a defect of ours is kept', async (t) => {
  const peer = new SessionStats(0);
  peer.failed(new ProtocolError('reserved-bit'));
  t.match(summaryOf(peer), { closedBy: 'server', rule: 'reserved-bit', error: null });
  const ours = new SessionStats(0);
  const defect = new TypeError('boom');
  ours.failed(defect);
  t.match(summaryOf(ours), { closedBy: 'server', rule: null });
  t.equal(summaryOf(ours).error, defect);
});

t.test('what is thrown need not be an error, nor have a text', async (t) => {
  const cases: readonly [unknown, string][] = [
    ['a text', 'thrown: a text'],
    [undefined, 'thrown: undefined'],
    [Symbol('sign'), 'thrown: Symbol(sign)'],
    [Object.create(null), 'thrown: something without a text'],
  ];
  for (const [thrown, message] of cases) {
    const account = new SessionStats(0);
    account.failed(thrown);
    const { error } = summaryOf(account);
    t.type(error, Error);
    t.equal((error as Error).message, message);
  }
});

t.test('blame names a failure that is not said yet; nobody has closed by that', async (t) => {
  const account = new SessionStats(0);
  account.blame(new ProtocolError('reserved-bit'));
  t.match(summaryOf(account), { closedBy: 'lost', closeCode: 1006, rule: 'reserved-bit' });
  account.blame(new InvalidPayloadError('deflate-data'));
  t.equal(summaryOf(account).rule, 'deflate-data', 'what was wrong in an earlier message counts');
  account.failed(new InvalidPayloadError('deflate-data'));
  t.match(summaryOf(account), { closedBy: 'server', rule: 'deflate-data' });
});

t.test('a drop has its own rule, unless one was broken before', async (t) => {
  const dropped = new SessionStats(0);
  dropped.dropped('close-timeout');
  dropped.dropped('shutdown');
  t.match(summaryOf(dropped), { closedBy: 'lost', rule: 'close-timeout' });
  const failed = new SessionStats(0);
  failed.failed(new PolicyError('output-limit'));
  failed.dropped('send-timeout');
  t.equal(summaryOf(failed).rule, 'output-limit');
});

t.test('of all that goes wrong, the first defect of ours is worth most', async (t) => {
  const first = new Error('first');
  const late = new Error('late');
  const lost = new SessionStats(0);
  lost.lost('ECONNRESET');
  lost.lost('EPIPE');
  t.equal(summaryOf(lost).error, 'ECONNRESET');
  lost.failedLate(late);
  t.equal(summaryOf(lost).error, late, 'a defect, more than what the system says');
  lost.lost('EPIPE');
  t.equal(summaryOf(lost).error, late);

  const failed = new SessionStats(0);
  failed.failed(first);
  failed.failedLate(late);
  failed.lost('EPIPE');
  t.equal(summaryOf(failed).error, first);

  const quiet = new SessionStats(0);
  quiet.failedLate(late);
  t.equal(summaryOf(quiet).error, late);
});

t.test('a duration has microseconds, and nothing behind them', async (t) => {
  const account = new SessionStats(0);
  account.opened(4999.1);
  t.equal(summaryOf(account).durationMs, 0.9);
});

t.test('what is not known of a client is left out', async (t) => {
  const summarize = (known: object): SessionSummary =>
    new SessionStats(0).summarize(
      { ...SESSION, clientCertificate: null, user: null, ...known },
      'test',
      makeSide().endpoint,
      {},
      NOW_MS,
    );
  const { clientCertificate } = SESSION;
  const namesOf = (known: object): string[] =>
    Object.keys(summarize(known)).filter((name) => name === 'clientCertificate' || name === 'user');
  t.strictSame(namesOf({}), []);
  t.strictSame(namesOf({ user: 'ann' }), ['user']);
  t.strictSame(namesOf({ clientCertificate }), ['clientCertificate']);
  t.strictSame(summarize({ notes: NO_NOTES }).notes, {});
});
