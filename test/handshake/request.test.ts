import t from 'tap';
import { HandshakeError, type HandshakeRule } from '../../src/errors.js';
import type { RequestHead } from '../../src/handshake/request-head.js';
import {
  assertRule,
  includes,
  isHealthRequest,
  isOpeningHandshake,
  isPlainRequest,
  parseHttpRequest,
  isOptionsRequest,
  parsePlainRequest,
  type PlainRequest,
  valuesOf,
} from '../../src/handshake/request.js';
import { refusalResponse, upgradeResponse } from '../../src/handshake/response.js';
import {
  ACCEPT,
  answerTo,
  countLooks,
  DEFAULT_LIMITS,
  judge,
  KEY,
  readHead,
  upgradeText,
  upgradeTextWithRaw,
} from '../fixtures/handshake.js';
import { nodeUpgrade } from '../fixtures/node-upgrade.js';
import { ODD_UPGRADE_REQUESTS } from '../fixtures/odd-upgrade-requests.js';

/** Requests that must be accepted. */
const GOOD_REQUESTS: readonly string[] = [
  upgradeText(),
  `\r\n${upgradeText()}`,
  upgradeText({}, 'GET / HTTP/1.1'),
  upgradeText({}, 'GET //a/../%2e?b=c&d=100%?e HTTP/1.1'),
  upgradeText({}, 'GET /100% HTTP/1.1'),
  upgradeText({}, 'GET /%2x%?% HTTP/1.1'),
  upgradeText({}, 'GET /?{"a":["b|c"]} HTTP/1.1'),
  // H10
  upgradeText({}, 'GET http://server.example.com/chat HTTP/1.1'),
  upgradeText({}, 'GET ws://SERVER.example.com?x HTTP/1.1'),
  upgradeText({ Host: 'example.org:80' }, 'GET http://server.example.com:8080/chat HTTP/1.1'),
  upgradeText({ Host: '[::1]:9001' }, 'GET wss://[::1]:9001/chat HTTP/1.1'),
  upgradeText({ Host: 'localhost:9001' }),
  upgradeText({ Host: 'SERVER.example.com.' }),
  upgradeText({ 'Content-Length': '0' }),
  // H13
  upgradeText({ Upgrade: 'WebSocket' }),
  upgradeText({ Upgrade: 'WEBSOCKET' }),
  upgradeText({ Upgrade: 'websocket, h2c' }),
  upgradeText({ Upgrade: 'h2c, websocket' }),
  upgradeText({ Upgrade: ['TLS/1.0', 'websocket'] }),
  upgradeText({ Upgrade: 'websocket/13, websocket' }),
  upgradeText({ Upgrade: ' , websocket,' }),
  upgradeText({ Connection: 'upgrade' }),
  upgradeText({ Connection: 'UPGRADE' }),
  upgradeText({ Connection: 'keep-alive, Upgrade' }),
  upgradeText({ Connection: 'Upgrade,keep-alive' }),
  upgradeText({ Connection: ['keep-alive', 'Upgrade'] }),
  upgradeText({ Connection: ['close', 'Upgrade'] }),
  upgradeText({ Connection: ',,Upgrade , ,' }),
  upgradeText({ Connection: 'Upgrade\t' }),
  upgradeText({ Connection: '\tkeep-alive\t,\tUpgrade' }),
  // H15
  upgradeText({ 'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAA==' }),
  upgradeText({ 'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAZR==' }),
  upgradeText({ 'Sec-WebSocket-Key': '////////////////++++//==' }),
  upgradeText({ 'sec-websocket-key': KEY, 'Sec-WebSocket-Key': null }),
  upgradeText({ Origin: 'null' }),
  upgradeText({ Origin: '' }),
  upgradeText({ 'Sec-WebSocket-Protocol': 'a, A,b' }),
  upgradeText({ 'Sec-WebSocket-Extensions': 'a; b="c", permessage-deflate' }),
  upgradeTextWithRaw('X:\r\nY: \xe4\t\x80\xff \r\n!#$%&\'*+-.^_`|~9: "\r\n'),
  upgradeTextWithRaw('Expect: 100-continue\r\nTrailer: x\r\nTE: trailers\r\n'),
];

t.test('a request is split into its parts', async (t) => {
  const text = upgradeText(
    {
      Host: 'Example.com:80',
      Origin: 'https://Example.com',
      'Sec-WebSocket-Protocol': ['chat, superchat', 'mqtt'],
      'Sec-WebSocket-Extensions': ['a; b=1; b="2"', 'c'],
      Cookie: 'x=y',
    },
    'GET http://other.COM:8080//a%20b?c=d HTTP/1.1',
  );
  const { request } = answerTo(t, text);
  t.strictSame(request, {
    target: 'http://other.COM:8080//a%20b?c=d',
    path: '/a%20b',
    query: 'c=d',
    host: 'other.COM:8080',
    scheme: 'ws',
    origin: 'https://Example.com',
    key: KEY,
    subprotocols: ['chat', 'superchat', 'mqtt'],
    extensionOffers: [
      {
        name: 'a',
        params: [
          { name: 'b', value: '1' },
          { name: 'b', value: '2' },
        ],
      },
      { name: 'c', params: [] },
    ],
    headers: [
      { name: 'host', value: 'Example.com:80' },
      { name: 'upgrade', value: 'websocket' },
      { name: 'connection', value: 'Upgrade' },
      { name: 'sec-websocket-key', value: KEY },
      { name: 'sec-websocket-version', value: '13' },
      { name: 'origin', value: 'https://Example.com' },
      { name: 'sec-websocket-protocol', value: 'chat, superchat' },
      { name: 'sec-websocket-protocol', value: 'mqtt' },
      { name: 'sec-websocket-extensions', value: 'a; b=1; b="2"' },
      { name: 'sec-websocket-extensions', value: 'c' },
      { name: 'cookie', value: 'x=y' },
    ],
  });
  const plain = answerTo(t, upgradeText()).request;
  t.match(plain, { origin: null, query: '', subprotocols: [], extensionOffers: [] });
});

t.test('what a mode adds to the lists of one request is in no other', async (t) => {
  const [one, other] = [answerTo(t, upgradeText()).request, answerTo(t, upgradeText()).request];
  (one!.subprotocols as string[]).push('chat');
  t.strictSame(other!.subprotocols, []);
  t.strictSame(answerTo(t, upgradeText()).request!.subprotocols, []);
  t.throws(() => {
    (valuesOf([], 'host') as string[]).push('chat');
  }, TypeError);
});

t.test('good requests are accepted', async (t) => {
  for (const text of GOOD_REQUESTS) t.equal(answerTo(t, text).rule, null, JSON.stringify(text));
});

t.test('odd requests are refused', async (t) => {
  t.ok(ODD_UPGRADE_REQUESTS.length >= 120);
  t.equal(new Set(ODD_UPGRADE_REQUESTS.map(([text]) => text)).size, ODD_UPGRADE_REQUESTS.length);
  for (const [text, rule] of ODD_UPGRADE_REQUESTS) {
    t.equal(answerTo(t, text).rule, rule, JSON.stringify(text));
  }
});

t.test('the 24 handshake rows of the table of bad inputs', async (t) => {
  type Row = readonly [id: string, texts: readonly string[], status: number, headers?: string];
  const line = (requestLine: string): string => upgradeText({}, requestLine);
  const extensions = (value: string): string => upgradeText({ 'Sec-WebSocket-Extensions': value });
  const keyed = (key: string | string[] | null): string =>
    upgradeText({ 'Sec-WebSocket-Key': key });
  const versioned = (version: string | string[]): string =>
    upgradeText({ 'Sec-WebSocket-Version': version });
  const UPGRADE_REQUIRED = 'Upgrade: websocket\r\n';
  const rows: readonly Row[] = [
    ['H1', [line('POST /chat HTTP/1.1')], 405, 'Allow: GET\r\n'],
    ['H2', [line('GET /chat HTTP/1.0')], 505],
    ['H3', [line('GET /chat HTTP/2.0'), line('GET /chat HTTP/1.2')], 505],
    // RFC 6455 §4.2.1(1) is about handshakes: who asks for none is told that he should.
    ['H2', ['GET / HTTP/1.0\r\n\r\n', 'GET / HTTP/1.0\r\nHost: a\r\n\r\n'], 426, UPGRADE_REQUIRED],
    ['H4', [upgradeText({ Host: null })], 400],
    ['H5', [upgradeText({ Host: ['a', 'a'] }), upgradeText({ Host: ['a', 'b'] })], 400],
    ['H6', [upgradeTextWithRaw('Name : v\r\n')], 400],
    ['H7', [upgradeTextWithRaw('Name: v\r\n w\r\n')], 400],
    [
      'H8',
      [
        upgradeText().replaceAll('\r\n', '\n'),
        upgradeTextWithRaw('Name: v\rw\r\n'),
        upgradeTextWithRaw('Name: v\0w\r\n'),
      ],
      400,
    ],
    [
      'H9',
      [
        line('GET  /chat HTTP/1.1'),
        line('GET\t/chat HTTP/1.1'),
        line('GET * HTTP/1.1'),
        line('GET /a#b HTTP/1.1'),
        line('GET /\x80 HTTP/1.1'),
      ],
      400,
    ],
    ['H10', [line('GET http://server.example.com/chat HTTP/1.1')], 101],
    // RFC 9112 §3.2.2: the target's host counts, and Host is ignored.
    ['H10', [line('GET http://other.example.com/chat HTTP/1.1')], 101],
    ['H10', [upgradeText({ Host: null }, 'GET http://localhost/chat HTTP/1.1')], 400],
    [
      'H11',
      [
        `${upgradeTextWithRaw('Content-Length: 5\r\n')}hello`,
        `${upgradeTextWithRaw('Transfer-Encoding: chunked\r\n')}0\r\n\r\n`,
      ],
      400,
    ],
    [
      'H12',
      [
        upgradeText({ Upgrade: null }),
        upgradeText({ Upgrade: 'h2c' }),
        upgradeText({ Connection: null }),
        upgradeText({ Connection: 'keep-alive' }),
      ],
      426,
      `${UPGRADE_REQUIRED}Sec-WebSocket-Version: 13\r\nConnection: Upgrade, close\r\n`,
    ],
    [
      'H13',
      [
        upgradeText({ Upgrade: 'websocket, h2c' }),
        upgradeText({ Upgrade: 'WebSocket' }),
        upgradeText({ Connection: 'keep-alive, Upgrade' }),
      ],
      101,
    ],
    [
      'H14',
      [
        keyed(null),
        keyed([KEY, KEY]),
        keyed(Buffer.alloc(15).toString('base64')),
        keyed(Buffer.alloc(17).toString('base64')),
        keyed('!!!!!!!!!!!!!!!!!!!!!!=='),
      ],
      400,
    ],
    ['H15', [keyed('AAAAAAAAAAAAAAAAAAAAZR==')], 101],
    [
      'H16',
      ['12', '8', '0x0d', '13.0', '1.3e1', '13, 8'].map(versioned),
      426,
      `${UPGRADE_REQUIRED}Sec-WebSocket-Version: 13\r\n`,
    ],
    ['H16', [versioned(['13', '13']), versioned(['13', '8'])], 400],
    [
      'H17',
      [
        upgradeTextWithRaw(`A: ${'a'.repeat(8000)}\r\nB: ${'b'.repeat(8190)}\r\n`),
        upgradeTextWithRaw(`A: ${'a'.repeat(8190)}\r\n`),
        upgradeTextWithRaw('A:\r\n'.repeat(96)),
      ],
      431,
    ],
    ['H17', [line(`GET /${'a'.repeat(8192)} HTTP/1.1`)], 414],
    ['H19', [extensions(';;')], 400],
    [
      'H20',
      [
        extensions('permessage-deflate; server_max_window_bits=16'),
        extensions('permessage-deflate; unknown'),
        extensions('permessage-deflate; server_max_window_bits=9; server_max_window_bits=9'),
        extensions('permessage-deflate; unknown, permessage-deflate'),
      ],
      101,
    ],
    [
      'H21',
      ['a b', 'a, a', ''].map((value) => upgradeText({ 'Sec-WebSocket-Protocol': value })),
      400,
    ],
    [
      'H23',
      [
        '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
        'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
        `PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n${upgradeText()}`,
      ],
      400,
    ],
    ['H24', [`${upgradeText()}\x81\x80\0\0\0\0\x89\x80\0\0\0\0\x88\x80\0\0\0\0`], 101],
  ];
  const respond = (rule: HandshakeRule | null, key = ''): string =>
    rule === null
      ? upgradeResponse(key, null, null)
      : refusalResponse(new HandshakeError(rule), new Date(0));
  for (const [id, texts, status, headers = ''] of rows) {
    for (const text of texts) {
      const { rule, request } = answerTo(t, text);
      const response = respond(rule, request?.key);
      const what = `${id}: ${JSON.stringify(text.slice(0, 60))}`;
      t.ok(response.startsWith(`HTTP/1.1 ${status} `), what);
      t.ok(response.includes(headers), what);
      if (status !== 101) t.match(response, /\r\nConnection: (?:Upgrade, )?close\r\n/, what);
    }
  }

  // The rows that are decided elsewhere have at least their answer here.
  const answers: readonly (readonly [id: string, rule: HandshakeRule, start: string])[] = [
    ['H18', 'handshake-timeout', 'HTTP/1.1 408 Request Timeout\r\n'],
    ['H22', 'origin', 'HTTP/1.1 403 Forbidden\r\n'],
    ['H22', 'route', 'HTTP/1.1 404 Not Found\r\n'],
    ['H22', 'unauthorized', 'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic'],
    ['H22', 'full', 'HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\n'],
  ];
  for (const [id, rule, start] of answers) t.ok(respond(rule).startsWith(start), id);

  // H24: the three frames stay where they are.
  const text = upgradeText();
  t.equal(readHead(`${text}\x81\x80\0\0\0\0`, 10_000).takenBytes, text.length);
  t.ok(respond(null, KEY).includes(ACCEPT));
});

t.test('the first broken rule is named, in the order of the sections', async (t) => {
  const everythingWrong = {
    Host: null,
    'Content-Length': '5',
    Upgrade: 'h2c',
    'Sec-WebSocket-Version': '8',
    'Sec-WebSocket-Key': 'x',
    Origin: ['a', 'b'],
    'Sec-WebSocket-Protocol': '',
    'Sec-WebSocket-Extensions': ';;',
  };
  const steps: readonly (readonly [rule: HandshakeRule | null, repair: object])[] = [
    ['host', {}],
    ['body', { Host: 'a' }],
    ['not-an-upgrade', { 'Content-Length': '0' }],
    ['websocket-version', { Upgrade: 'websocket' }],
    ['websocket-key', { 'Sec-WebSocket-Version': '13' }],
    ['origin-repeated', { 'Sec-WebSocket-Key': KEY }],
    ['subprotocol', { Origin: 'a' }],
    ['extensions', { 'Sec-WebSocket-Protocol': 'a' }],
    [null, { 'Sec-WebSocket-Extensions': 'a' }],
  ];
  let changes = everythingWrong;
  t.equal(answerTo(t, upgradeText(changes, 'POST / HTTP/1.0')).rule, 'http-version');
  t.equal(answerTo(t, upgradeText(changes, 'POST / HTTP/1.1')).rule, 'method');
  for (const [rule, repair] of steps) {
    changes = { ...changes, ...repair };
    t.equal(answerTo(t, upgradeText(changes)).rule, rule);
  }
});

t.test('as many subprotocols and extension offers as a head has room for', async (t) => {
  const names = (count: number): string =>
    Array.from({ length: count }, (_, index) => `p${index}`).join(',');
  for (const count of [16, 17, 1000]) {
    const protocols = upgradeText({ 'Sec-WebSocket-Protocol': names(count) });
    t.equal(answerTo(t, protocols).request?.subprotocols.length, count);
    const extensions = upgradeText({ 'Sec-WebSocket-Extensions': names(count) });
    t.equal(answerTo(t, extensions).request?.extensionOffers.length, count);
  }
});

t.test('many offers cost what their bytes cost', async (t) => {
  const limits = { ...DEFAULT_LIMITS, maxHeaderLine: 1_048_576, maxHead: 1_048_576 };
  for (const header of ['Sec-WebSocket-Protocol', 'Sec-WebSocket-Extensions']) {
    for (const count of [10_000, 20_000, 40_000]) {
      const names = Array.from({ length: count }, (_, index) => `p${index}`).join(',');
      const text = upgradeText({ [header]: names });
      const { head } = readHead(text, text.length, limits);
      const looks = countLooks(() => t.equal(judge(head!).rule, null));
      t.ok(looks <= 8 * text.length, `${header}: ${count}: ${looks} looks`);
    }
  }
});

t.test('each header in turn, missing and repeated', async (t) => {
  const names = ['Host', 'Upgrade', 'Connection', 'Sec-WebSocket-Key', 'Sec-WebSocket-Version'];
  for (const name of names) {
    t.not(answerTo(t, upgradeText({ [name]: null })).rule, null, `no ${name}`);
    const text = upgradeText();
    const line = text.split('\r\n').find((candidate) => candidate.startsWith(`${name}:`))!;
    const isList = name === 'Upgrade' || name === 'Connection';
    const { rule } = answerTo(t, upgradeTextWithRaw(`${line}\r\n`));
    t.equal(rule === null, isList, `${name} twice`);
  }
});

t.test('the work grows with the length and not faster', async (t) => {
  const names = [
    'Host',
    'Upgrade',
    'Connection',
    'Content-Length',
    'Sec-WebSocket-Key',
    'Sec-WebSocket-Version',
    'Sec-WebSocket-Protocol',
    'Sec-WebSocket-Extensions',
  ];
  for (const name of names) {
    for (const unit of [',', 'a', 'a,', 'a ,', '"', 'a;', '\\', '=', '%', ':', '[', '1.', '/']) {
      const text = upgradeText({ [name]: unit.repeat(8000 / unit.length) });
      const { head } = readHead(text, text.length);
      const looks = countLooks(() => judge(head!));
      t.ok(looks <= 8 * text.length, `${name} ${unit}: ${looks} looks`);
    }
  }
});

t.test(
  'what is accepted here is accepted by the HTTP parser of Node, and reads the same',
  async (t) => {
    /** Null when twist refuses; otherwise the problem, or an empty string. */
    const compare = async (text: string): Promise<string | null> => {
      const { head } = readHead(text, text.length);
      if (head === null || judge(head).rule !== null) return null;
      // The one difference: behind a value of Connection and Content-Length that parser takes spaces
      // but no tab, which is optional white space like they are (RFC 9110 §5.6.3).
      const other = (await nodeUpgrade(text)) ?? (await nodeUpgrade(text.replaceAll('\t', ' ')));
      const plain = (value: unknown): string => JSON.stringify(value).replaceAll('\\t', ' ');
      const { method, target, version, headers } = head;
      const own = plain({ method, target, version, headers });
      return plain(other) === own ? '' : `${JSON.stringify(text)} read as ${JSON.stringify(other)}`;
    };

    for (const text of GOOD_REQUESTS) t.equal(await compare(text), '', JSON.stringify(text));
    for (const [text] of ODD_UPGRADE_REQUESTS) t.equal(await compare(text), null);

    // Changes at random, from a fixed seed, to a good request.
    let state = 0x2545f491;
    const random = (below: number): number => {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return (state >>> 0) % below;
    };
    const words = [
      ...[
        ' ',
        '\t',
        ',',
        ':',
        ';',
        '/',
        '?',
        '#',
        '%',
        '%41',
        '=',
        '"',
        '0',
        '13',
        'x',
        '\0',
        '\xff',
      ],
      ...['\r', '\n', '\r\n', 'upgrade', 'Upgrade', 'websocket', 'close', 'keep-alive', 'HTTP/1.1'],
      ...['Connection: ', 'Upgrade: ', 'Host: ', 'Content-Length: 0\r\n', 'Connection: close\r\n'],
      ...[
        'http://server.example.com',
        'Expect: 100-continue\r\n',
        'Transfer-Encoding: chunked\r\n',
      ],
    ];
    const base = upgradeText({
      Connection: 'keep-alive, Upgrade',
      Origin: 'http://a',
      'Content-Length': '0',
    });
    let acceptedCount = 0;
    const problems: string[] = [];
    for (let round = 0; round < 6000; round += 1) {
      let text = base;
      for (let changes = 1 + random(3); changes > 0; changes -= 1) {
        const at = random(text.length);
        const removed = random(3) === 0 ? random(4) : 0;
        const word =
          random(5) > 0 ? words[random(words.length)]! : String.fromCharCode(random(256));
        text = text.slice(0, at) + word + text.slice(at + removed);
      }
      const problem = await compare(text);
      if (problem !== null) acceptedCount += 1;
      if (problem !== null && problem !== '') problems.push(problem);
    }
    t.strictSame(problems, []);
    t.ok(acceptedCount > 200, `${acceptedCount} of the changed requests were accepted`);
  },
);

const BOTH = ['GET', 'HEAD'];

function headOf(requestLine: string, ...lines: readonly string[]): RequestHead {
  const { head } = readHead([requestLine, ...lines, '', ''].join('\r\n'), Infinity);
  if (head === null) throw new Error('not a head');
  return head;
}

/** What refuses a request. */
function refusalOf(head: RequestHead, methods: readonly string[] = BOTH): HandshakeError | null {
  try {
    parseHttpRequest(head, methods);
    return null;
  } catch (error) {
    if (error instanceof HandshakeError) return error;
    throw error;
  }
}

t.test('the parts of a good request', async (t) => {
  t.strictSame(parseHttpRequest(headOf('GET /a/b?c HTTP/1.1', 'Host: h'), BOTH), {
    authority: null,
    path: '/a/b',
    query: 'c',
    host: 'h',
  });
  t.strictSame(parseHttpRequest(headOf('HEAD http://H:1 HTTP/1.1', 'Host: other:2'), BOTH), {
    authority: 'H:1',
    path: '/',
    query: '',
    host: 'H:1',
  });

  t.equal(refusalOf(headOf('GET / HTTP/1.1', 'Host: h', 'Content-Length: 0')), null);
});

t.test('each rule, in the order in which they are looked at', async (t) => {
  const cases: readonly (readonly [rule: string, ...lines: [string, ...string[]]])[] = [
    ['http-version', 'POST / HTTP/1.2', 'Content-Length: 1'],
    ['http-version', 'POST / HTTP/1.0', 'Upgrade: WebSocket', 'Content-Length: 1'],
    ['http-version', 'GET / HTTP/1.0', 'Sec-WebSocket-Key:'],
    ['method', 'POST / HTTP/1.1', 'Content-Length: 1'],
    ['host', 'GET / HTTP/1.1', 'Content-Length: 1'],
    ['host', 'GET / HTTP/1.1', 'Host: h', 'Host: h'],
    ['host', 'GET / HTTP/1.1', 'Host: h h'],
    ['host', 'GET / HTTP/1.1', 'Host:'],
    ['host-zone', 'GET / HTTP/1.1', 'Host: [fe80::1%lo]', 'Content-Length: 1'],
    ['host-brackets', 'GET / HTTP/1.1', 'Host: ::1:9001', 'Content-Length: 1'],
    ['host', 'GET http://h/ HTTP/1.1'],
    ['host', 'GET http://h/ HTTP/1.1', 'Host: h h'],
    ['host', 'GET / HTTP/1.0', 'Host:'],
    ['host', 'GET / HTTP/1.0', 'Host: h', 'Host: h'],
    ['request-target', 'GET http://h:x/ HTTP/1.1', 'Host: h', 'Content-Length: 1'],
    ['request-target', 'GET http://::1/ HTTP/1.0', 'Content-Length: 1'],
    ['body', 'GET / HTTP/1.0', 'Content-Length: 1'],
    ['body', 'GET / HTTP/1.1', 'Host: h', 'Content-Length: 1'],
    ['body', 'GET / HTTP/1.1', 'Host: h', 'Content-Length: 0', 'Content-Length: 0'],
    ['body', 'GET / HTTP/1.1', 'Host: h', 'Transfer-Encoding: chunked'],
  ];
  for (const [rule, ...lines] of cases) t.equal(refusalOf(headOf(...lines))?.rule, rule, rule);
});

t.test('HTTP/1.0 is taken where no WebSocket connection is asked for', async (t) => {
  const host = (...lines: [string, ...string[]]): string =>
    parseHttpRequest(headOf(...lines), ['GET', 'OPTIONS']).host;
  t.equal(host('GET / HTTP/1.0', 'Host: h', 'Upgrade: h2c', 'Sec-WebSocket-Version: 13'), 'h');
  t.equal(host('OPTIONS / HTTP/1.0'), '');
  t.equal(host('GET http://h:1/ HTTP/1.0'), 'h:1');
});

t.test('what asks for a WebSocket connection, rightly or wrongly', async (t) => {
  for (const line of ['Upgrade: websocket', 'Upgrade: h2c, WebSocket', 'Sec-WebSocket-Key:'])
    t.equal(isOpeningHandshake(headOf('GET / HTTP/1.1', line)), true, line);
  for (const line of ['Upgrade: websockets', 'Sec-WebSocket-Version: 13', 'Connection: Upgrade'])
    t.equal(isOpeningHandshake(headOf('GET / HTTP/1.1', line)), false, line);
});

t.test('an element of a list', async (t) => {
  const { headers } = headOf('GET / HTTP/1.1', 'A: b', 'A: C , d');
  for (const element of ['b', 'c', 'd']) t.equal(includes(headers, 'a', element), true);
  for (const element of ['', 'e', 'c , d']) t.equal(includes(headers, 'a', element), false);
  t.equal(includes(headers, 'b', 'b'), false);
});

t.test('405 says which methods would do', async (t) => {
  const head = headOf('PUT / HTTP/1.1', 'Host: h');
  t.strictSame(refusalOf(head)?.headers, { Allow: 'GET, HEAD' });
  t.strictSame(refusalOf(head, ['GET'])?.headers, { Allow: 'GET' });
});

t.test('the values of a header', async (t) => {
  const { headers } = headOf('GET / HTTP/1.1', 'A: 1', 'B: 2', 'a: 3');
  t.strictSame(valuesOf(headers, 'a'), ['1', '3']);
  t.strictSame(valuesOf(headers, 'c'), []);
});

t.test('a demand', async (t) => {
  assertRule(true, 'host');
  t.throws(() => {
    assertRule(false, 'host');
  }, new HandshakeError('host'));
});

/** What a server with files makes of it. */
const parse = (head: RequestHead): PlainRequest => parsePlainRequest(head);
const textOf = (head: RequestHead): string => parse(head).text;

const requestOf = (requestLine: string, ...lines: readonly string[]): RequestHead =>
  headOf(requestLine, 'Host: h', ...lines);

t.test('a request is written anew', async (t) => {
  const cases: readonly (readonly [line: string, request: string])[] = [
    ['GET / HTTP/1.1', 'GET / HTTP/1.1'],
    ['HEAD /a%20b?c=%zz HTTP/1.1', 'HEAD /a%20b?c=%zz HTTP/1.1'],
    ['GET http://h/a?b HTTP/1.1', 'GET /a?b HTTP/1.1'],
    ['GET http://h HTTP/1.1', 'GET / HTTP/1.1'],
    ['GET /? HTTP/1.1', 'GET / HTTP/1.1'],
    ['GET //a//b/?c//d HTTP/1.1', 'GET /a/b/?c//d HTTP/1.1'],
  ];
  for (const [line, request] of cases)
    t.equal(textOf(requestOf(line)), `${request}\r\nHost: twist\r\n\r\n`, line);
});

t.test('of its headers only those that a file depends on are handed on', async (t) => {
  const head = requestOf(
    'GET / HTTP/1.1',
    'Authorization: Basic c2VjcmV0',
    'Cookie: secret',
    'Range:  bytes=0-1 ',
    'IF-NONE-MATCH: "a"',
    'If-None-Match: "\xe4"',
    'If-Match: *',
    'If-Modified-Since: x',
    'If-Unmodified-Since: y',
    'If-Range: z',
    'Cache-Control: no-cache',
    'Expect: 100-continue',
    'Upgrade: h2c',
    'Connection: Upgrade, HTTP2-Settings',
    'Content-Length: 0',
    'Trailer: x',
    'X-Forwarded-For: 192.0.2.1',
  );
  t.equal(
    textOf(head),
    'GET / HTTP/1.1\r\nHost: twist\r\nrange: bytes=0-1\r\nif-none-match: "a"\r\n' +
      'if-none-match: "\xe4"\r\nif-match: *\r\nif-modified-since: x\r\nif-unmodified-since: y\r\n' +
      'if-range: z\r\ncache-control: no-cache\r\n\r\n',
  );
});

t.test('a client may want the connection closed behind the answer', async (t) => {
  const closing = 'GET / HTTP/1.1\r\nHost: twist\r\nConnection: close\r\n\r\n';
  for (const value of ['close', 'Close', 'keep-alive, close'])
    t.equal(textOf(requestOf('GET / HTTP/1.1', `Connection: ${value}`)), closing, value);
  for (const value of ['keep-alive', '', 'closed'])
    t.not(textOf(requestOf('GET / HTTP/1.1', `Connection: ${value}`)), closing, value);
  for (const line of ['Connection: keep-alive', 'Accept: */*'])
    t.equal(textOf(requestOf('GET / HTTP/1.0', line)), closing, 'HTTP/1.0 has no other way');
});

t.test('what asks for a WebSocket connection is none, done rightly or wrongly', async (t) => {
  const { head } = readHead(upgradeText(), Infinity);
  t.notOk(isPlainRequest(head!));
  for (const line of ['Upgrade: websocket', 'Upgrade: h2c, WebSocket', `Sec-WebSocket-Key: ${KEY}`])
    t.notOk(isPlainRequest(requestOf('GET / HTTP/1.1', line)), line);
  t.ok(isPlainRequest(requestOf('GET / HTTP/1.1', 'Upgrade: websockets')));
  t.ok(isPlainRequest(requestOf('HEAD / HTTP/1.1', 'Upgrade: websocket')));
});

t.test('pages get it taken apart', async (t) => {
  const head = requestOf('GET http://h:1//a/b%20?c=d HTTP/1.1', 'Cookie: secret');
  t.match(parse(head), { path: '/a/b%20', query: 'c=d', host: 'h:1', isLast: false });
  t.equal(parse(head).head, head, 'with all of its headers');
  t.ok(parse(requestOf('GET / HTTP/1.0')).isLast);
});

t.test('the rules of HTTP hold', async (t) => {
  const cases: readonly (readonly [rule: HandshakeRule, line: string, ...lines: string[]])[] = [
    ['http-version', 'GET / HTTP/2.0'],
    ['request-escape', 'GET /100% HTTP/1.1'],
    ['request-escape', 'GET /a/%2x HTTP/1.1'],
    ['body', 'GET / HTTP/1.1', 'Content-Length: 5'],
    ['host', 'GET / HTTP/1.1', 'Host: again'],
  ];
  for (const [rule, line, ...lines] of cases)
    t.throws(() => parse(requestOf(line, ...lines)), new HandshakeError(rule), rule);
  t.throws(
    () => parse(requestOf('POST / HTTP/1.1')),
    new HandshakeError('method', { Allow: 'GET, HEAD' }),
  );
});

t.test('OPTIONS wants to know whether we are there', async (t) => {
  for (const line of [
    'OPTIONS / HTTP/1.1',
    'OPTIONS /100%?a HTTP/1.0',
    'OPTIONS http://other/ HTTP/1.1',
  ])
    t.ok(isOptionsRequest(requestOf(line)), line);
  t.notOk(isOptionsRequest(requestOf('GET / HTTP/1.1')));
  t.throws(
    () => isOptionsRequest(requestOf('OPTIONS / HTTP/1.1', 'Content-Length: 1')),
    new HandshakeError('body'),
  );
  const { head } = readHead(upgradeText({}, 'OPTIONS / HTTP/1.1'), Infinity);
  t.notOk(isOptionsRequest(head!), 'an opening handshake is told that it has to be GET');
  t.throws(() => parse(head!), new HandshakeError('method', { Allow: 'GET, HEAD' }));
});

t.test('whom a request is for', async (t) => {
  t.equal(parse(requestOf('GET / HTTP/1.1')).host, 'h');
  t.equal(parse(requestOf('GET http://other:1/ HTTP/1.1')).host, 'other:1');
});

t.test('who asks whether the server is well', async (t) => {
  for (const [line, isAsked] of [
    ['GET /healthz HTTP/1.1', true],
    ['HEAD //healthz/?x HTTP/1.0', true],
    ['OPTIONS http://a/healthz HTTP/1.1', true],
    ['POST /healthz HTTP/1.1', false],
    ['GET /healthz HTTP/1.2', false],
    ['GET / HTTP/1.1', false],
    ['GET /healthz/a HTTP/1.1', false],
    ['GET /%68ealthz HTTP/1.1', false],
  ] as const) {
    t.equal(isHealthRequest(requestOf(line), '/healthz'), isAsked, line);
  }
  const handshake = requestOf('GET /healthz HTTP/1.1', 'Upgrade: websocket');
  t.equal(isHealthRequest(handshake, '/healthz'), false);
});
