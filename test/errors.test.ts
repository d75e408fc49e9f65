import { readFileSync } from 'node:fs';
import t from 'tap';
import {
  AbsenceError,
  ConfigError,
  ExtensionError,
  HANDSHAKE_RULES,
  HandshakeError,
  InvalidArgumentError,
  InvalidPayloadError,
  InvalidStateError,
  MessageTooBigError,
  NegotiationError,
  PAYLOAD_RULES,
  PEER_RULES,
  POLICY_RULES,
  OVERLOAD_RULES,
  OverloadError,
  PRESENCE_RULES,
  PROTOCOL_RULES,
  PeerError,
  PolicyError,
  ProtocolError,
  SIZE_RULES,
  TwistError,
  type HandshakeRule,
  type PayloadRule,
  type PolicyRule,
  type PresenceRule,
  type ProtocolRule,
} from '../src/errors.js';

/** What a Close frame has room for (RFC 6455 §5.5, §5.5.1). */
const MAX_REASON_BYTES = 123;

function keysOf<T extends object>(table: T): (keyof T)[] {
  return Object.keys(table) as (keyof T)[];
}

/** One error for each rule that a peer can break. */
const PEER_ERRORS: readonly PeerError[] = [
  ...keysOf(PROTOCOL_RULES).map((rule: ProtocolRule) => new ProtocolError(rule)),
  ...keysOf(PAYLOAD_RULES).map((rule: PayloadRule) => new InvalidPayloadError(rule)),
  ...keysOf(POLICY_RULES).map((rule: PolicyRule) => new PolicyError(rule)),
  new MessageTooBigError(16_777_216),
  ...keysOf(PRESENCE_RULES).map((rule: PresenceRule) => new AbsenceError(rule)),
  new OverloadError('memory'),
];

const HANDSHAKE_ERRORS = keysOf(HANDSHAKE_RULES).map(
  (rule: HandshakeRule) => new HandshakeError(rule),
);

t.test('each class has its place in the tree and its own name', async (t) => {
  for (const [error, name, isPeerError] of [
    [new ProtocolError('reserved-bit'), 'ProtocolError', true],
    [new InvalidPayloadError('text-not-utf8'), 'InvalidPayloadError', true],
    [new PolicyError('output-limit'), 'PolicyError', true],
    [new MessageTooBigError(1), 'MessageTooBigError', true],
    [new AbsenceError('pong-timeout'), 'AbsenceError', true],
    [new OverloadError('memory'), 'OverloadError', true],
    [new InvalidArgumentError('wrong'), 'InvalidArgumentError', false],
    [new HandshakeError('host'), 'HandshakeError', false],
    [new NegotiationError('declined'), 'NegotiationError', false],
    [new ExtensionError('broken'), 'ExtensionError', false],
    [new ConfigError('wrong'), 'ConfigError', false],
    [new InvalidStateError('misuse'), 'InvalidStateError', false],
  ] as const) {
    t.ok(error instanceof Error, name);
    t.ok(error instanceof TwistError, name);
    t.equal(error.name, name);
    const words = name.replace(/Error$/, '').split(/(?=[A-Z])/);
    t.equal(error.code, `TWIST_${words.join('_').toUpperCase()}`);
    t.equal(error instanceof PeerError, isPeerError, `${name}: the fault of the peer or not`);
    t.equal(String(error), `${name}: ${error.message}`);
    t.ok(error.stack?.startsWith(`${name}: ${error.message}\n`), 'the stack begins with the name');
  }
});

t.test('no class is a kind of another one beside it in the tree', async (t) => {
  const errors = [
    new ProtocolError('reserved-bit'),
    new InvalidPayloadError('text-not-utf8'),
    new PolicyError('output-limit'),
    new MessageTooBigError(1),
    new HandshakeError('host'),
    new NegotiationError('declined'),
    new ExtensionError('broken'),
    new ConfigError('wrong'),
    new InvalidStateError('misuse'),
  ];
  for (const one of errors) {
    t.equal(errors.filter((other) => other instanceof one.constructor).length, 1, one.name);
  }
});

t.test('a sentence of our own is the message', async (t) => {
  t.equal(new NegotiationError('no such parameter').message, 'no such parameter');
  t.equal(new ConfigError('--listen: "x" is no port').message, '--listen: "x" is no port');
  t.equal(new InvalidStateError('sent twice').message, 'sent twice');
  const cause = new Error('below');
  t.equal(new ConfigError('above', { cause }).cause, cause);
  const failure = new ExtensionError('extension x failed', { cause });
  t.strictSame([failure.message, failure.cause], ['extension x failed', cause]);
});

t.test('§7.4.1: each error of a peer has the close code that answers it', async (t) => {
  const codes = [
    [1002, keysOf(PROTOCOL_RULES)],
    [1007, keysOf(PAYLOAD_RULES)],
    [1008, keysOf(POLICY_RULES)],
    [1009, keysOf(SIZE_RULES)],
    [1001, keysOf(PRESENCE_RULES)],
    [1013, keysOf(OVERLOAD_RULES)],
  ] as const;
  const codeOf = new Map(codes.flatMap(([code, rules]) => rules.map((rule) => [rule, code])));
  for (const error of PEER_ERRORS) t.equal(error.closeCode, codeOf.get(error.rule), error.rule);
});

t.test('an invalid payload may have a reason of its own', async (t) => {
  const error = new InvalidPayloadError('extension-data', 'checksum does not fit');
  t.strictSame(
    [error.rule, error.closeCode, error.message],
    ['extension-data', 1007, 'checksum does not fit'],
  );
  for (const rule of keysOf(PAYLOAD_RULES)) {
    t.equal(new InvalidPayloadError(rule).message, PAYLOAD_RULES[rule], 'else that of its rule');
    t.equal(new InvalidPayloadError(rule, undefined).message, PAYLOAD_RULES[rule]);
  }
  t.equal(new InvalidPayloadError('deflate-data', '').message, '', 'which may be empty');
});

t.test('a message that is too big says of which size it is too big', async (t) => {
  const { rule, limitBytes, message } = new MessageTooBigError(20, true);
  t.strictSame([rule, limitBytes], ['message-too-big', 20]);
  t.equal(message, 'message is over the limit of 20 bytes on the wire');
  t.equal(new MessageTooBigError(20).message, 'message is over the limit of 20 bytes');
});

t.test('each rule of a peer has one name, and its sentence is the message', async (t) => {
  for (const [rule, sentence] of Object.entries({ ...PROTOCOL_RULES })) {
    const error = new ProtocolError(rule as ProtocolRule);
    t.strictSame([error.rule, error.message], [rule, sentence]);
  }
  for (const [rule, sentence] of Object.entries(PAYLOAD_RULES)) {
    const error = new InvalidPayloadError(rule as PayloadRule);
    t.strictSame([error.rule, error.message], [rule, sentence]);
  }
  for (const [rule, sentence] of Object.entries(POLICY_RULES)) {
    const error = new PolicyError(rule as PolicyRule);
    t.strictSame([error.rule, error.message], [rule, sentence]);
  }
  const names = [
    PROTOCOL_RULES,
    PAYLOAD_RULES,
    POLICY_RULES,
    SIZE_RULES,
    PRESENCE_RULES,
    OVERLOAD_RULES,
  ].flatMap(Object.keys);
  t.equal(new Set(names).size, names.length, 'no name stands in two tables');
  t.equal(PEER_ERRORS.length, names.length);
});

t.test('§5 to §9: the rules of the RFC that a peer can break', async (t) => {
  t.strictSame(
    new Set(Object.keys({ ...PROTOCOL_RULES, ...PAYLOAD_RULES })),
    new Set([
      'frame-unmasked',
      'frame-masked',
      'reserved-bit',
      'reserved-bit-misplaced',
      'reserved-opcode',
      'length-not-minimal',
      'length-top-bit',
      'control-fragmented',
      'control-too-long',
      'continuation-unexpected',
      'message-interleaved',
      'close-payload-length',
      'close-code',
      'text-not-utf8',
      'close-reason-not-utf8',
      'deflate-data',
      'extension-data',
    ]),
  );
});

t.test('a message that is too big: the limit is in the error and in its sentence', async (t) => {
  for (const limitBytes of [1, 16_777_216, Number.MAX_SAFE_INTEGER]) {
    t.ok(new MessageTooBigError(limitBytes, true).message.length <= MAX_REASON_BYTES);
    const error = new MessageTooBigError(limitBytes);
    t.equal(error.rule, 'message-too-big');
    t.equal(error.limitBytes, limitBytes);
    t.equal(error.message, `message is over the limit of ${limitBytes} bytes`);
    t.ok(error.message.startsWith(SIZE_RULES['message-too-big']));
    t.ok(error.message.length <= MAX_REASON_BYTES);
  }
});

t.test('§5.5.1: each sentence fits into a Close frame, and is one line of ASCII', async (t) => {
  for (const error of PEER_ERRORS) {
    t.ok(error.message.length <= MAX_REASON_BYTES, error.rule);
    t.match(error.message, /^[\x20-\x7e]+$/, error.rule);
  }
});

t.test('§4.2.2: a refused handshake has a status and a sentence', async (t) => {
  for (const [rule, [status, text]] of Object.entries(HANDSHAKE_RULES)) {
    const error = new HandshakeError(rule as HandshakeRule);
    t.strictSame([error.rule, error.status, error.message], [rule, status, text]);
  }
  t.strictSame(new HandshakeError('full').headers, {}, 'no headers unless they are given');
  const headers = { 'Retry-After': '5' };
  t.strictSame(new HandshakeError('full', headers).headers, headers);
});

t.test('§4.2.2: the statuses, and one line of ASCII for each', async (t) => {
  for (const error of HANDSHAKE_ERRORS) t.match(error.message, /^[\x20-\x7e]+$/, error.rule);
  const statuses = new Set(HANDSHAKE_ERRORS.map(({ status }) => status));
  t.strictSame(
    [...statuses].sort((one, other) => one - other),
    [400, 401, 403, 404, 405, 408, 414, 421, 426, 429, 431, 500, 502, 503, 504, 505],
  );
});

t.test('§4.2.2: the status of each refusal', async (t) => {
  const byStatus = Object.entries(HANDSHAKE_RULES)
    .filter(([, [status]]) => status !== 400)
    .map(([rule, [status]]) => `${status} ${rule}`);
  t.strictSame(
    new Set(byStatus),
    new Set([
      '401 unauthorized',
      '403 origin',
      '403 address',
      '403 page-token',
      '404 route',
      '405 method',
      '408 handshake-timeout',
      '414 request-line-too-long',
      '421 host-not-allowed',
      '426 not-an-upgrade',
      '426 websocket-version',
      '429 connection-rate',
      '429 too-many-login-failures',
      '429 too-many-connections-from-address',
      '431 header-line-too-long',
      '431 head-too-long',
      '431 too-many-headers',
      '500 internal',
      '502 target-refused',
      '502 target-unreachable',
      '502 target-unknown',
      '502 target-tls',
      '502 target-not-allowed',
      '503 echo-reject',
      '503 recording-stopped',
      '503 exhausted',
      '503 handshake-rate',
      '503 logins-busy',
      '503 full',
      '503 memory',
      '503 draining',
      '504 target-timeout',
      '505 http-version',
    ]),
  );
});

t.test('the file imports nothing', async (t) => {
  const source = readFileSync(new URL('../src/errors.ts', import.meta.url), 'utf8');
  t.notMatch(source, /^\s*(import|export \* from|export \{.*\} from)\b/m);
  t.notMatch(source, /\brequire\(/);
});

t.test('a wrong setting tells its source; what else is in the way has none', async (t) => {
  const reason = new Error('EIO');
  const error = new ConfigError('a sentence', { source: 'flag', cause: reason });
  t.equal(error.source, 'flag');
  t.equal(error.cause, reason);
  t.equal(new ConfigError('a sentence').source, null);
});

t.test('the names of all rules that a peer can break', async (t) => {
  t.same(new Set(PEER_RULES), new Set(PEER_ERRORS.map(({ rule }) => rule)));
});

t.test('a refusal may have another status and another sentence than its rule', async (t) => {
  const error = new HandshakeError('echo-reject', {}, {}, { status: 418, text: 'no coffee' });
  t.match(error, { rule: 'echo-reject', status: 418, message: 'no coffee' });
  t.match(new HandshakeError('echo-reject', {}, {}, {}), {
    status: 503,
    message: HANDSHAKE_RULES['echo-reject'][1],
  });
});
