import { Buffer } from 'node:buffer';
import t from 'tap';
import {
  HANDSHAKE_RULES,
  HandshakeError,
  InvalidStateError,
  type HandshakeRule,
} from '../../src/errors.js';
import {
  acceptKey,
  healthResponse,
  optionsResponse,
  refusalResponse,
  upgradeResponse,
} from '../../src/handshake/response.js';
import { ACCEPT, KEY } from '../fixtures/handshake.js';

const NOW = new Date(Date.UTC(1994, 10, 6, 8, 49, 37));
const DATE = 'Sun, 06 Nov 1994 08:49:37 GMT';

interface Answer {
  readonly statusLine: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Takes an answer apart; a header that comes twice is an error. */
const parse = (text: string): Answer => {
  const headEnd = text.indexOf('\r\n\r\n');
  const [statusLine = '', ...lines] = text.slice(0, headEnd).split('\r\n');
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const [name = '', value = ''] = line.split(': ');
    if (name in headers) throw new Error(`${name} comes twice`);
    headers[name] = value;
  }
  return { statusLine, headers, body: text.slice(headEnd + 4) };
};

const refuse = (rule: HandshakeRule, headers?: Record<string, string>): Answer =>
  parse(refusalResponse(new HandshakeError(rule, headers), NOW));

t.test('the answer to OPTIONS', async (t) => {
  t.strictSame(parse(optionsResponse(NOW)), {
    statusLine: 'HTTP/1.1 204 No Content',
    headers: { Allow: 'GET, HEAD, OPTIONS', Connection: 'close', Date: DATE },
    body: '',
  });
});

t.test('acceptKey', async (t) => {
  t.equal(acceptKey(KEY), ACCEPT, 'RFC 6455 §1.3');
  // H15: padding bits that are set count, since the text is hashed and not what it decodes to.
  const withPaddingBits = 'AAAAAAAAAAAAAAAAAAAAAB==';
  t.not(acceptKey(withPaddingBits), acceptKey('AAAAAAAAAAAAAAAAAAAAAA=='));
  t.equal(acceptKey(withPaddingBits).length, 28);
});

t.test('upgradeResponse (RFC 6455 §4.2.2)', async (t) => {
  const START =
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
    `Sec-WebSocket-Accept: ${ACCEPT}\r\n`;
  t.equal(upgradeResponse(KEY, null, null), `${START}\r\n`);
  t.equal(upgradeResponse(KEY, 'chat', null), `${START}Sec-WebSocket-Protocol: chat\r\n\r\n`);
  t.equal(
    upgradeResponse(KEY, null, 'permessage-deflate; server_max_window_bits=12, x'),
    `${START}Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=12, x\r\n\r\n`,
  );
  t.equal(
    upgradeResponse(KEY, 'chat', 'x'),
    `${START}Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Extensions: x\r\n\r\n`,
  );
});

t.test('a value that would break the head apart is not sent', async (t) => {
  for (const value of ['a\r\nX: y', 'a\n', '\r', 'a\0', 'a\tb', '\x7f', '\xe4', '\u0161']) {
    const what = JSON.stringify(value);
    t.throws(() => upgradeResponse(KEY, value, null), InvalidStateError, what);
    t.throws(() => upgradeResponse(KEY, null, value), InvalidStateError, what);
    t.throws(() => refuse('route', { 'X-Y': value }), InvalidStateError, what);
    t.throws(() => refuse('route', { [value]: 'y' }), InvalidStateError, what);
  }
  t.throws(() => refuse('route', { '': 'y' }), InvalidStateError);
});

t.test('every rule has its whole answer', async (t) => {
  const reasons: Readonly<Record<number, string>> = {
    400: 'Bad Request',
    401: 'Unauthorized',
    403: 'Forbidden',
    404: 'Not Found',
    405: 'Method Not Allowed',
    408: 'Request Timeout',
    414: 'URI Too Long',
    421: 'Misdirected Request',
    426: 'Upgrade Required',
    429: 'Too Many Requests',
    431: 'Request Header Fields Too Large',
    500: 'Internal Server Error',
    502: 'Bad Gateway',
    503: 'Service Unavailable',
    504: 'Gateway Timeout',
    505: 'HTTP Version Not Supported',
  };
  const more: Readonly<Record<number, Record<string, string>>> = {
    401: { 'WWW-Authenticate': 'Basic realm="twist", charset="UTF-8"' },
    405: { Allow: 'GET' },
    426: {
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': '13',
      Connection: 'Upgrade, close',
    },
    429: { 'Retry-After': '5' },
    503: { 'Retry-After': '5' },
  };
  for (const [rule, [status, text]] of Object.entries(HANDSHAKE_RULES)) {
    const { statusLine, headers, body } = refuse(rule as HandshakeRule);
    t.equal(statusLine, `HTTP/1.1 ${status} ${reasons[status]!}`);
    t.equal(body, `${text}\n`);
    t.strictSame(headers, {
      Connection: 'close',
      Date: DATE,
      'Content-Type': 'text/plain; charset=utf-8',
      'Content-Length': String(Buffer.byteLength(body)),
      ...more[status],
    });
    const raw = refusalResponse(new HandshakeError(rule as HandshakeRule), NOW);
    t.equal(Buffer.from(raw, 'latin1').toString('utf8'), raw, 'the same bytes in every charset');
  }
});

t.test('a status and a sentence of its own', async (t) => {
  const answer = (status: number): string =>
    refusalResponse(new HandshakeError('echo-reject', {}, {}, { status, text: 'so' }), NOW);
  t.match(answer(418), /^HTTP\/1\.1 418 \r\n/);
  t.match(answer(200), /^HTTP\/1\.1 200 OK\r\n/);
  t.match(answer(401), '\r\nWWW-Authenticate: Basic ');
  t.match(answer(418), /\r\nContent-Length: 3\r\n\r\nso\n$/);
});

t.test('headers of the error', async (t) => {
  const retry = refuse('full', { 'retry-after': '30' });
  t.equal(retry.headers['retry-after'], '30', 'override those of the status');
  t.equal(retry.headers['Retry-After'], undefined);
  t.equal(
    refuse('unauthorized', { 'WWW-Authenticate': 'Bearer' }).headers['WWW-Authenticate'],
    'Bearer',
  );
  t.equal(refuse('route', { 'X-Reason': 'none' }).headers['X-Reason'], 'none', 'or come beside');

  const kept = refuse('route', {
    connection: 'keep-alive',
    date: 'never',
    'content-type': 'text/html',
    'content-length': '0',
  });
  t.strictSame(kept.headers, refuse('route').headers, 'but not what says how to read the answer');
});

t.test('RFC 9110 §9.3.2: the answer to HEAD has the headers of the body, and no body', (t) => {
  const error = new HandshakeError('method');
  const whole = refusalResponse(error, NOW, 'GET');
  const head = refusalResponse(error, NOW, 'HEAD');
  t.equal(whole, refusalResponse(error, NOW));
  t.equal(head, whole.slice(0, whole.indexOf('\r\n\r\n') + 4));
  t.match(head, /Content-Length: [1-9]/);
  t.end();
});

t.test('the answer to a load balancer', async (t) => {
  for (const [isReady, status, body] of [
    [true, '200 OK', 'ready\n'],
    [false, '503 Service Unavailable', 'not ready\n'],
  ] as const) {
    const head =
      `HTTP/1.1 ${status}\r\nCache-Control: no-store\r\nConnection: close\r\nDate: ${DATE}\r\n` +
      `Content-Type: text/plain; charset=utf-8\r\nContent-Length: ${body.length}\r\n\r\n`;
    t.equal(healthResponse(isReady, NOW, 'GET'), head + body);
    t.equal(healthResponse(isReady, NOW, 'OPTIONS'), head + body);
    t.equal(healthResponse(isReady, NOW, 'HEAD'), head);
  }
});
