import t from 'tap';
import { HandshakeError } from '../../../src/errors.js';
import {
  ConnectTimeoutError,
  connectFailure,
  notAllowed,
} from '../../../src/modes/tcp/connect-failure.js';
import { NameError } from '../../../src/modes/tcp/names/name-resolver.js';
import { LookupOverloadError } from '../../../src/modes/tcp/names/system-names.js';

const target = { kind: 'tcp', host: 'vnc.test', port: 5900, text: 'vnc.test:5900' } as const;

const failed = (details: object, message = 'it failed'): Error =>
  Object.assign(new Error(message), details);

const at = (code: string, address = '127.0.0.1'): Error => failed({ code, address, port: 5900 });

const refused = at('ECONNREFUSED');
const late = at('ETIMEDOUT', '::1');

t.test('errors, and what the log says of them', async (t) => {
  for (const [error, rule, reason] of [
    [refused, 'target-refused', 'ECONNREFUSED 127.0.0.1:5900'],
    [at('EHOSTUNREACH', '::1'), 'target-unreachable', 'EHOSTUNREACH [::1]:5900'],
    [failed({ code: 'ENOENT', address: '/run/x' }), 'target-unreachable', 'ENOENT /run/x'],
    [failed({ code: 'EACCES', address: '/run/x' }), 'target-not-allowed', 'EACCES /run/x'],
    [failed({ code: 'EAGAIN', address: '/run/x' }), 'target-refused', 'EAGAIN /run/x'],
    [
      failed({ code: 'ERR_STREAM_DESTROYED' }, 'Cannot call write; try this'),
      'target-refused',
      'ERR_STREAM_DESTROYED: Cannot call write',
    ],
    [new Error('the target hung up'), 'target-refused', 'the target hung up'],
    [late, 'target-timeout', 'ETIMEDOUT [::1]:5900'],
    [
      new ConnectTimeoutError('no connection within 5 ms'),
      'target-timeout',
      'ETIMEDOUT: no connection within 5 ms',
    ],
    [
      new NameError('vnc.test', 'ENOTFOUND'),
      'target-unknown',
      'ENOTFOUND: no address is known for vnc.test',
    ],
    [
      new NameError('vnc.test', 'ESERVFAIL'),
      'target-unknown',
      'ESERVFAIL: the name server failed for vnc.test',
    ],
    [
      new NameError('vnc.test', 'ETIMEOUT'),
      'target-timeout',
      'ETIMEOUT: no name server answered for vnc.test',
    ],
    [new LookupOverloadError(), 'exhausted', 'EBUSY: too many names are being looked up'],
    [
      failed({ code: 'EMFILE' }, "EMFILE: too many open files, open '/etc/hosts'"),
      'exhausted',
      "EMFILE: too many open files, open '/etc/hosts'",
    ],
  ] as const) {
    const failure = connectFailure(target, error, false);
    t.type(failure, HandshakeError);
    t.equal(failure.rule, rule, reason);
    t.same(failure.notes, { target: 'vnc.test:5900', reason });
    t.equal(failure.cause, error, 'the cause is kept');
    t.same(failure.headers, {});
  }
});

t.test('whose fault an error of the system is', async (t) => {
  const rules: Readonly<Record<string, readonly string[]>> = {
    exhausted: ['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EADDRNOTAVAIL'],
    'target-not-allowed': ['EACCES', 'EPERM'],
    'target-refused': ['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'EINVAL', 'EPROTO'],
    'target-timeout': ['ETIMEDOUT'],
    'target-unreachable': ['ENETUNREACH', 'ENETDOWN', 'EHOSTUNREACH', 'EHOSTDOWN', 'EAFNOSUPPORT'],
  };
  const statuses = new Map([
    ['exhausted', 503],
    ['target-timeout', 504],
  ]);
  for (const [rule, codes] of Object.entries(rules)) {
    for (const code of codes) {
      const failure = connectFailure(target, at(code), false);
      t.equal(failure.rule, rule, code);
      t.equal(failure.status, statuses.get(rule) ?? 502);
    }
  }
  t.equal(
    connectFailure(target, at('EADDRNOTAVAIL', '::1'), false).rule,
    'target-unreachable',
    'a machine without IPv6',
  );
});

t.test('of several addresses the most telling error', async (t) => {
  const own = at('EMFILE');
  const far = at('ENETUNREACH', '::1');
  const deadline = new ConnectTimeoutError('no connection within 5 ms');
  for (const [errors, rule] of [
    [[late, refused], 'target-refused'],
    [[late, late], 'target-timeout'],
    [[far, late], 'target-timeout'],
    [[far, refused], 'target-refused'],
    [[far, far], 'target-unreachable'],
    [[refused, own], 'exhausted'],
    [[refused, at('EPERM')], 'target-not-allowed'],
    // Of which one might have answered later.
    [[refused, deadline], 'target-timeout'],
  ] as const) {
    t.equal(connectFailure(target, new AggregateError(errors), false).rule, rule);
  }
  t.same(connectFailure(target, new AggregateError([far, refused]), false).notes, {
    target: 'vnc.test:5900',
    reason: 'ENETUNREACH [::1]:5900, ECONNREFUSED 127.0.0.1:5900',
  });
});

t.test('what fails in the TLS handshake', async (t) => {
  for (const [error, rule, reason] of [
    [
      failed({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }, 'self-signed certificate; try this'),
      'target-tls',
      'DEPTH_ZERO_SELF_SIGNED_CERT: self-signed certificate',
    ],
    [
      failed(
        { code: 'ERR_SSL_WRONG_VERSION_NUMBER', reason: 'wrong version number' },
        'C0:error:0A',
      ),
      'target-tls',
      'ERR_SSL_WRONG_VERSION_NUMBER: wrong version number',
    ],
    [failed({ code: 'ECONNRESET' }), 'target-tls', 'ECONNRESET: it failed'],
    [
      new ConnectTimeoutError('no TLS handshake within 5 ms'),
      'target-timeout',
      'ETIMEDOUT: no TLS handshake within 5 ms',
    ],
  ] as const) {
    const failure = connectFailure(target, error, true);
    t.equal(failure.rule, rule);
    t.equal(failure.notes['reason'], reason);
  }
});

t.test('a refusal stays what it is', async (t) => {
  const refusal = notAllowed(target, ['10.0.0.1', '::1']);
  t.equal(connectFailure(target, refusal, false), refusal);
  t.equal(refusal.rule, 'target-not-allowed');
  t.same(refusal.notes, {
    target: 'vnc.test:5900',
    reason: 'not among the allowed addresses: 10.0.0.1, ::1',
  });
});
