import t from 'tap';
import { HandshakeError } from '../../../src/errors.js';
import {
  ConnectTimeoutError,
  connectFailure,
  notAllowed,
} from '../../../src/modes/tcp/connect-failure.js';

const target = { kind: 'tcp', host: 'vnc.test', port: 5900, text: 'vnc.test:5900' } as const;

const failed = (details: object, message = 'it failed'): Error =>
  Object.assign(new Error(message), details);

const refused = failed({ code: 'ECONNREFUSED', address: '127.0.0.1', port: 5900 });
const late = failed({ code: 'ETIMEDOUT', address: '::1', port: 5900 });

t.test('errors, and what the log says of them', async (t) => {
  for (const [error, rule, reason] of [
    [refused, 'target-refused', 'ECONNREFUSED 127.0.0.1:5900'],
    [
      failed({ code: 'EHOSTUNREACH', address: '::1', port: 1 }),
      'target-refused',
      'EHOSTUNREACH [::1]:1',
    ],
    [failed({ code: 'ENOENT', address: '/run/x.sock' }), 'target-refused', 'ENOENT /run/x.sock'],
    [
      failed({ code: 'ENOTFOUND' }, 'getaddrinfo ENOTFOUND vnc.test'),
      'target-refused',
      'getaddrinfo ENOTFOUND vnc.test',
    ],
    [
      failed({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }, 'self-signed certificate; try this'),
      'target-refused',
      'DEPTH_ZERO_SELF_SIGNED_CERT: self-signed certificate',
    ],
    [
      failed(
        { code: 'ERR_SSL_WRONG_VERSION_NUMBER', reason: 'wrong version number' },
        'C0:error:0A',
      ),
      'target-refused',
      'ERR_SSL_WRONG_VERSION_NUMBER: wrong version number',
    ],
    [new Error('the target hung up'), 'target-refused', 'the target hung up'],
    [late, 'target-timeout', 'ETIMEDOUT [::1]:5900'],
    [
      new ConnectTimeoutError('no connection within 5 ms'),
      'target-timeout',
      'ETIMEDOUT: no connection within 5 ms',
    ],
    [
      new AggregateError([late, refused]),
      'target-refused',
      'ETIMEDOUT [::1]:5900, ECONNREFUSED 127.0.0.1:5900',
    ],
    [
      new AggregateError([late, late]),
      'target-timeout',
      'ETIMEDOUT [::1]:5900, ETIMEDOUT [::1]:5900',
    ],
  ] as const) {
    const failure = connectFailure(target, error);
    t.type(failure, HandshakeError);
    t.equal(failure.rule, rule, reason);
    t.same(failure.notes, { target: 'vnc.test:5900', reason });
    t.equal(failure.cause, error, 'the cause is kept');
    t.same(failure.headers, {});
  }
});

t.test('a refusal stays what it is', async (t) => {
  const refusal = notAllowed(target, [{ address: '10.0.0.1' }, { address: '::1' }]);
  t.equal(connectFailure(target, refusal), refusal);
  t.equal(refusal.rule, 'target-not-allowed');
  t.same(refusal.notes, {
    target: 'vnc.test:5900',
    reason: 'not among the allowed addresses: 10.0.0.1, ::1',
  });
});
