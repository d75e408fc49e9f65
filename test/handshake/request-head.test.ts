import { Buffer } from 'node:buffer';
import t from 'tap';
import { HandshakeError, InvalidStateError, type HandshakeRule } from '../../src/errors.js';
import { RequestHeadParser, type HeadLimits } from '../../src/handshake/request-head.js';
import { DEFAULT_LIMITS, readHead, readHeadEveryWay, upgradeText } from '../fixtures/handshake.js';

const TCHAR = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]$/;

/** A head whose only header is the given line. */
const withLine = (line: string): string => `GET / HTTP/1.1\r\n${line}\r\n\r\n`;

t.test('a head is split into its parts', async (t) => {
  const text =
    'GET /chat?a=1 HTTP/1.1\r\nHost: example.com:80\r\nX-One:\t 1 2\t \r\nx-ONE:\r\nY: \xe4\r\n\r\n';
  const { rule, head, takenBytes } = readHeadEveryWay(t, text);
  t.equal(rule, null);
  t.strictSame(head, {
    method: 'GET',
    target: '/chat?a=1',
    version: '1.1',
    headers: [
      { name: 'host', value: 'example.com:80' },
      { name: 'x-one', value: '1 2' },
      { name: 'x-one', value: '' },
      { name: 'y', value: '\xe4' },
    ],
  });
  t.equal(takenBytes, text.length);
});

t.test('which method and version it is, is not judged', async (t) => {
  const { head } = readHeadEveryWay(t, 'FROB /x HTTP/7.3\r\n\r\n');
  t.strictSame(head, { method: 'FROB', target: '/x', version: '7.3', headers: [] });
});

t.test('every prefix of a good head waits for more', async (t) => {
  const text = upgradeText();
  for (let length = 0; length < text.length; length += 1) {
    const waiting = { rule: null, head: null, takenBytes: length };
    t.strictSame(readHead(text.slice(0, length), 1), waiting);
    t.strictSame(readHead(text.slice(0, length), text.length), waiting);
  }
});

t.test('every way to cut a head in two', async (t) => {
  const text = upgradeText();
  const bytes = Buffer.from(`..${text}\x81\x05frame`, 'latin1');
  const whole = readHead(text, text.length);
  for (let cut = 2; cut < 2 + text.length; cut += 1) {
    const parser = new RequestHeadParser(DEFAULT_LIMITS);
    t.equal(parser.receive(bytes, 2, cut), -1);
    t.equal(parser.head, null);
    t.equal(parser.receive(bytes, cut, bytes.length), 2 + text.length);
    t.strictSame(parser.head, whole.head);
  }
});

t.test('RFC 9112 §2.2: one empty line before the request line is skipped', async (t) => {
  const good = upgradeText();
  t.strictSame(readHeadEveryWay(t, `\r\n${good}`).head, readHead(good, good.length).head);
});

t.test('malformed heads are refused at the byte that makes them so', async (t) => {
  // The last byte of each text is the one that decides.
  const table: readonly (readonly [text: string, rule: HandshakeRule])[] = [
    // RFC 9112 §2.2, §3
    ['\r\n\r', 'request-line'],
    ['\r\r', 'line-ending'],
    ['\rG', 'line-ending'],
    ['\n', 'request-line'],
    ['\r\n\n', 'request-line'],
    [' ', 'request-line'],
    // RFC 8446 §5.1
    ['\x16', 'tls'],
    ['\x17', 'request-line'],
    ['GET\r', 'request-line'],
    ['GET\n', 'request-line'],
    ['GET /\r', 'request-line'],
    ['GET /\n', 'request-line'],
    ['GET / \r', 'request-line'],
    ['GET / HTTP/1.\r', 'request-line'],
    ['GET / HTTP/1.1 ', 'request-line'],
    ['GET *', 'request-target'],
    ['PRI *', 'request-target'],
    ['PROXY T', 'request-target'],
    ['GET / HTTP/1.1\n', 'line-ending'],
    ['GET / HTTP/1.1\r\r', 'line-ending'],
    ['GET / HTTP/1.1\rH', 'line-ending'],
    // RFC 9112 §5
    ['GET / HTTP/1.1\r\n ', 'header-line'],
    ['GET / HTTP/1.1\r\n\t', 'header-line'],
    ['GET / HTTP/1.1\r\n:', 'header-line'],
    ['GET / HTTP/1.1\r\n\0', 'header-line'],
    ['GET / HTTP/1.1\r\n\n', 'line-ending'],
    ['GET / HTTP/1.1\r\n\rH', 'line-ending'],
    ['GET / HTTP/1.1\r\n\r\r', 'line-ending'],
    ['GET / HTTP/1.1\r\nHost\r', 'header-line'],
    ['GET / HTTP/1.1\r\nHost\n', 'header-line'],
    ['GET / HTTP/1.1\r\nHost ', 'header-line'],
    ['GET / HTTP/1.1\r\nHost\t', 'header-line'],
    ['GET / HTTP/1.1\r\nHo ', 'header-line'],
    ['GET / HTTP/1.1\r\nH\xf6', 'header-line'],
    ['GET / HTTP/1.1\r\nHost: a\n', 'line-ending'],
    ['GET / HTTP/1.1\r\nHost: a\r\r', 'line-ending'],
    ['GET / HTTP/1.1\r\nHost: a\rb', 'line-ending'],
    ['GET / HTTP/1.1\r\nHost:\n', 'line-ending'],
    ['GET / HTTP/1.1\r\nHost: a\0', 'header-line'],
    ['GET / HTTP/1.1\r\nHost: a\x0b', 'header-line'],
    ['GET / HTTP/1.1\r\nHost: a\x7f', 'header-line'],
    ['GET / HTTP/1.1\r\nHost: a\r\n ', 'header-line'],
    ['GET / HTTP/1.1\r\nHost: a\r\n\t', 'header-line'],
    ['GET / HTTP/1.1\r\nHost: a\r\n\n', 'line-ending'],
    ['GET / HTTP/1.1\r\nHost: a\r\n\r ', 'line-ending'],
  ];
  for (const [text, rule] of table) {
    const verdict = readHeadEveryWay(t, text);
    t.strictSame(verdict, { rule, head: null, takenBytes: text.length }, JSON.stringify(text));
  }
});

t.test('every byte in a header name (RFC 9110 §5.1)', async (t) => {
  for (let code = 0; code < 256; code += 1) {
    const byte = String.fromCharCode(code);
    const { rule, head, takenBytes } = readHeadEveryWay(t, withLine(`X${byte}Y: v`));
    if (byte === ':') {
      t.strictSame(head?.headers, [{ name: 'x', value: 'Y: v' }]);
    } else if (TCHAR.test(byte)) {
      t.strictSame(head?.headers, [{ name: `x${byte}y`.toLowerCase(), value: 'v' }]);
    } else {
      t.equal(rule, 'header-line', `byte ${code}`);
      t.equal(takenBytes, 'GET / HTTP/1.1\r\nX.'.length, `byte ${code}`);
    }
  }
});

t.test('every byte in a header value (RFC 9110 §5.5)', async (t) => {
  for (let code = 0; code < 256; code += 1) {
    const byte = String.fromCharCode(code);
    const { rule, head, takenBytes } = readHeadEveryWay(t, withLine(`X: a${byte}b`));
    if (byte === '\t' || (code >= 0x20 && code !== 0x7f)) {
      t.strictSame(head?.headers, [{ name: 'x', value: `a${byte}b` }], `byte ${code}`);
    } else {
      const isLineEnd = byte === '\r' || byte === '\n';
      t.equal(rule, isLineEnd ? 'line-ending' : 'header-line', `byte ${code}`);
      // A CR is only found to be alone by the byte behind it.
      const decidingBytes = 'GET / HTTP/1.1\r\nX: a.'.length + (byte === '\r' ? 1 : 0);
      t.equal(takenBytes, decidingBytes, `byte ${code}`);
    }
  }
});

t.test('every byte as the first one, and as the first of a line', async (t) => {
  for (let code = 0; code < 256; code += 1) {
    const byte = String.fromCharCode(code);
    const isToken = TCHAR.test(byte);
    const first = readHeadEveryWay(t, byte);
    const firstRule = byte === '\x16' ? 'tls' : 'request-line';
    t.equal(first.rule, isToken || byte === '\r' ? null : firstRule, `byte ${code}`);
    const line = readHeadEveryWay(t, `GET / HTTP/1.1\r\n${byte}`);
    const lineRule = byte === '\n' ? 'line-ending' : 'header-line';
    t.equal(line.rule, isToken || byte === '\r' ? null : lineRule, `byte ${code}`);
  }
});

t.test('limits, each at the limit and one past it', async (t) => {
  const limits: HeadLimits = {
    maxRequestLine: 40,
    maxHeaderLine: 30,
    maxHead: 200,
    maxHeaders: 4,
  };
  const START = 'GET / HTTP/1.1\r\n';

  t.test('request line', async (t) => {
    const line = (bytes: number): string => `GET /${'a'.repeat(bytes - 14)} HTTP/1.1`;
    const head = readHeadEveryWay(t, `${line(40)}\r\n\r\n`, limits).head;
    t.equal(head?.target.length, 27);
    // An empty line before it does not count.
    t.not(readHeadEveryWay(t, `\r\n${line(40)}\r\n\r\n`, limits).head, null);

    const refused = { rule: 'request-line-too-long', head: null, takenBytes: 41 };
    t.strictSame(readHeadEveryWay(t, `${line(41)}\r\n\r\n`, limits), refused);
    t.strictSame(readHeadEveryWay(t, `GET /${'a'.repeat(100)}`, limits), refused);
    t.strictSame(readHeadEveryWay(t, 'G'.repeat(100), limits), refused);
    t.strictSame(readHeadEveryWay(t, `${line(40)}\0`, limits), refused, 'before the grammar');
    t.equal(readHeadEveryWay(t, `${'G'.repeat(40)}\r\n`, limits).rule, 'request-line');
    t.equal(readHeadEveryWay(t, `${line(40)}\n`, limits).rule, 'line-ending');
  });

  t.test('header line', async (t) => {
    const good = `${START}X: ${'a'.repeat(27)}\r\n\r\n`;
    t.equal(readHeadEveryWay(t, good, limits).head?.headers[0]?.value.length, 27);
    t.not(readHeadEveryWay(t, `${START}${'X'.repeat(29)}:\r\n\r\n`, limits).head, null);

    const refused = {
      rule: 'header-line-too-long',
      head: null,
      takenBytes: START.length + 31,
    };
    t.strictSame(readHeadEveryWay(t, `${START}X: ${'a'.repeat(28)}\r\n\r\n`, limits), refused);
    t.strictSame(readHeadEveryWay(t, `${START}X: ${' '.repeat(28)}\r\n\r\n`, limits), refused);
    t.strictSame(readHeadEveryWay(t, `${START}${'X'.repeat(30)}:\r\n\r\n`, limits), refused);
    t.strictSame(readHeadEveryWay(t, `${START}${'X'.repeat(100)}`, limits), refused);
    t.strictSame(readHeadEveryWay(t, `${START}X: ${'a'.repeat(27)}\0`, limits), refused);
    t.equal(readHeadEveryWay(t, `${START}${'X'.repeat(30)}\r\n`, limits).rule, 'header-line');
    // The second line has its own 30 bytes.
    const second = `${good.slice(0, -2)}Y: ${'a'.repeat(27)}\r\n\r\n`;
    t.not(readHeadEveryWay(t, second, limits).head, null);
  });

  t.test('whole head', async (t) => {
    const line = (name: string, bytes: number): string => `${name}:${'a'.repeat(bytes - 4)}\r\n`;
    const head = (bytes: number): string =>
      `GET /${'a'.repeat(26)} HTTP/1.1\r\n${line('A', 32)}${line('B', 32)}${line('C', 32)}${line('D', bytes - 140)}\r\n`;
    const wide = { ...limits, maxHeaderLine: 60 };
    t.equal(head(200).length, 200);
    t.equal(readHeadEveryWay(t, head(200), wide).head?.headers.length, 4);
    const refused = { rule: 'head-too-long', head: null, takenBytes: 201 };
    t.strictSame(readHeadEveryWay(t, head(201), wide), refused);
    t.strictSame(readHeadEveryWay(t, `\r\n${head(199)}`, wide), refused, 'the empty line counts');
    t.not(readHeadEveryWay(t, `\r\n${head(198)}`, wide).head, null);
    // With other limits out of the way it is this one that ends an endless head.
    const only = {
      ...limits,
      maxRequestLine: 1e6,
      maxHeaderLine: 1e6,
      maxHeaders: 1e6,
    };
    t.strictSame(readHeadEveryWay(t, 'G'.repeat(500), only), refused);
    t.strictSame(readHeadEveryWay(t, START + 'X:\r\n'.repeat(100), only), refused);
    t.strictSame(readHeadEveryWay(t, `${START}X: ${' '.repeat(500)}`, only), refused);
    t.equal(readHead('GET / HTTP/1.1\r\n\r\n', 1, { ...only, maxHead: 18 }).rule, null);
    t.equal(readHead('GET / HTTP/1.1\r\n\r\n', 1, { ...only, maxHead: 17 }).rule, 'head-too-long');
  });

  t.test('header count', async (t) => {
    t.equal(
      readHeadEveryWay(t, `${START}${'A:\r\n'.repeat(4)}\r\n`, limits).head?.headers.length,
      4,
    );
    t.strictSame(readHeadEveryWay(t, `${START}${'A:\r\n'.repeat(5)}\r\n`, limits), {
      rule: 'too-many-headers',
      head: null,
      takenBytes: START.length + 4 * 4 + 1,
    });
    const none = { ...limits, maxHeaders: 0 };
    t.strictSame(readHeadEveryWay(t, `${START}\r\n`, none).head?.headers, []);
    t.equal(readHeadEveryWay(t, `${START}A`, none).rule, 'too-many-headers');
  });

  t.test('the defaults (H17)', async (t) => {
    const pad = (bytes: number): string => 'a'.repeat(bytes);
    const table: readonly (readonly [text: string, rule: HandshakeRule | null])[] = [
      [`GET /${pad(8192 - 14)} HTTP/1.1\r\n\r\n`, null],
      [`GET /${pad(8193 - 14)} HTTP/1.1\r\n\r\n`, 'request-line-too-long'],
      [withLine(`A:${pad(8190)}`), null],
      [withLine(`A:${pad(8191)}`), 'header-line-too-long'],
      [withLine(`A:${pad(8190)}\r\nB:${pad(8192 - 24)}`), null],
      [withLine(`A:${pad(8190)}\r\nB:${pad(8192 - 23)}`), 'head-too-long'],
      [withLine('A:\r\n'.repeat(99) + 'A:'), null],
      [withLine('A:\r\n'.repeat(100) + 'A:'), 'too-many-headers'],
    ];
    for (const [text, rule] of table) {
      const verdict = readHeadEveryWay(t, text);
      t.equal(verdict.rule, rule);
      t.equal(verdict.head === null, rule !== null);
    }
  });
});

t.test('hasReceivedBytes', async (t) => {
  const parser = new RequestHeadParser(DEFAULT_LIMITS);
  t.equal(parser.hasReceivedBytes, false);
  t.equal(parser.receive(Buffer.from('GET'), 1, 1), -1);
  t.equal(parser.hasReceivedBytes, false);
  t.equal(parser.receive(Buffer.from('GET'), 0, 1), -1);
  t.equal(parser.hasReceivedBytes, true);
  t.throws(() => parser.receive(Buffer.from(' *'), 0, 2));
  t.equal(parser.hasReceivedBytes, true);
});

t.test('nothing is taken after the head is over', async (t) => {
  const bytes = Buffer.from('GET / HTTP/1.1\r\n\r\n');
  const complete = new RequestHeadParser(DEFAULT_LIMITS);
  t.equal(complete.receive(bytes, 0, bytes.length), bytes.length);
  t.throws(() => complete.receive(bytes, 0, bytes.length), InvalidStateError);
  const refused = new RequestHeadParser(DEFAULT_LIMITS);
  t.throws(() => refused.receive(Buffer.from('\0'), 0, 1), HandshakeError);
  t.throws(() => refused.receive(bytes, 0, bytes.length), InvalidStateError);
  t.equal(refused.head, null);
});

t.test('any Uint8Array will do', async (t) => {
  const bytes = Uint8Array.from(Buffer.from('..GET / HTTP/1.1\r\n\r\n')).subarray(1);
  const parser = new RequestHeadParser(DEFAULT_LIMITS);
  t.equal(parser.receive(bytes, 1, bytes.length), bytes.length);
  t.equal(parser.head?.target, '/');
});

t.test('memory is bounded by the limit on the head', async (t) => {
  /** The sizes of the buffers that the parser allocates. */
  const sizes = (text: string, pieceBytes: number, limits = DEFAULT_LIMITS): unknown[] => {
    const bytes = Buffer.from(text, 'latin1');
    const parser = new RequestHeadParser(limits);
    const allocated = t.capture(Buffer, 'allocUnsafeSlow', (size: number) => Buffer.alloc(size));
    try {
      for (let start = 0; parser.head === null && start < bytes.length; start += pieceBytes) {
        parser.receive(bytes, start, Math.min(start + pieceBytes, bytes.length));
      }
    } catch (error) {
      t.type(error, HandshakeError);
    }
    allocated.restore();
    return allocated().map(({ args }) => args[0]);
  };

  const text = upgradeText();
  t.strictSame(sizes(`${text}${'\0'.repeat(65_536)}`, 100_000), [], 'in one piece: no copy');
  t.strictSame(sizes(text, 1), [1024], 'a small head, byte by byte');

  const long = withLine(`A:${'a'.repeat(8190)}\r\nB:${'a'.repeat(8192 - 24)}`);
  t.equal(long.length, 16_384);
  t.strictSame(sizes(long, 1), [1024, 2048, 4096, 8192, 16_384]);
  t.strictSame(sizes(long, 5000), [5000, 10_000, 16_384]);
  t.strictSame(sizes('G'.repeat(1000), 1, { ...DEFAULT_LIMITS, maxHead: 100 }), [100]);
});

t.test('each byte is judged once', async (t) => {
  // Every step of the parser begins with a look at one of its limits.
  let looks = 0;
  const limits: HeadLimits = {
    get maxRequestLine() {
      looks += 1;
      return 1e6;
    },
    get maxHeaderLine() {
      looks += 1;
      return 1e6;
    },
    get maxHead() {
      looks += 1;
      return 1e6;
    },
    get maxHeaders() {
      looks += 1;
      return 1e6;
    },
  };
  for (const before of ['', 'GET /', 'GET / HTTP/1.1\r\n', 'GET / HTTP/1.1\r\nX:']) {
    for (const unit of ['a', ' ', '\t', ',', '"', 'a: b\r\n', '%41', ' \t', 'a,']) {
      const text = before + unit.repeat(16_384 / unit.length);
      for (const pieceBytes of [1, 16, text.length]) {
        looks = 0;
        readHead(text, pieceBytes, limits);
        t.ok(looks <= 4 * text.length, `${JSON.stringify([before, unit])}: ${looks} looks`);
      }
    }
  }
});

t.test('memory is held for a head that comes in pieces, until it is over', async (t) => {
  const bytes = Buffer.from(upgradeText(), 'latin1');
  const parser = new RequestHeadParser(DEFAULT_LIMITS);
  t.equal(parser.heldBytes, 0);
  parser.receive(bytes, 0, 10);
  t.ok(parser.heldBytes >= 10);
  parser.receive(bytes, 10, bytes.length);
  t.not(parser.head, null);
  t.equal(parser.heldBytes, 0);
});
