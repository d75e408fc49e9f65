/** The opening handshake, and what stands before it. */
import { Buffer } from 'node:buffer';
import { decideUpgrade, readPlain } from '../../../src/connection/head-phase.js';
import { parseExtensionHeader, splitList } from '../../../src/extensions/header.js';
import { negotiate } from '../../../src/extensions/negotiation.js';
import { parseBasicCredentials } from '../../../src/handshake/basic-credentials.js';
import { findForwardedClient } from '../../../src/handshake/forwarded.js';
import { checkHost, hostFault, parseHost } from '../../../src/handshake/host.js';
import { ProxyHeaderParser } from '../../../src/handshake/proxy-protocol.js';
import { loggable } from '../../../src/handshake/redaction/loggable.js';
import { fullyDecoded } from '../../../src/handshake/redaction/percent.js';
import { Redaction } from '../../../src/handshake/redaction/redaction.js';
import { looksSecret } from '../../../src/handshake/redaction/secret-look.js';
import { textWithoutSecrets } from '../../../src/handshake/redaction/secrets-in-text.js';
import { favouriteOf } from '../../../src/handshake/redaction/subprotocols.js';
import { type HeadLimits, RequestHeadParser } from '../../../src/handshake/request-head.js';
import {
  hasStrayPercent,
  normalPath,
  routePath,
  splitRequestTarget,
} from '../../../src/handshake/request-target.js';
import { checkOrigin, selectSubprotocol } from '../../../src/handshake/upgrade.js';
import { parseIp } from '../../../src/net/ip-address.js';
import { AddressList } from '../../../src/net/address-range.js';
import { echoMode } from '../../../src/modes/echo.js';
import { permessageDeflate } from '../../../src/extensions/permessage-deflate/permessage-deflate.js';
import { parsedHead, upgradeText } from '../../fixtures/handshake.js';
import { TestHost } from '../../fixtures/test-host.js';
import type { CostCase, CostTable } from '../case.js';
import { flat } from '../material.js';

/** Of any size. */
const BOUNDLESS: HeadLimits = {
  maxRequestLine: 2 ** 30,
  maxHeaderLine: 2 ** 30,
  maxHead: 2 ** 30,
  maxHeaders: 2 ** 30,
};

/** Reads a head, whole or in pieces. */
const parsing =
  (text: string, pieceBytes = Infinity, limits = BOUNDLESS) =>
  (): RequestHeadParser => {
    const bytes = Buffer.from(text, 'latin1');
    const parser = new RequestHeadParser(limits);
    try {
      for (let at = 0; at < bytes.length; at += pieceBytes)
        parser.receive(bytes, at, Math.min(bytes.length, at + pieceBytes));
    } catch {
      // What is too much is refused.
    }
    return parser;
  };

/** What is repeated, and what of. */
type Shape = readonly [what: string, text: string, before?: string, after?: string];

/** A case for each shape. */
function shapes(
  of: string,
  count: number,
  all: readonly Shape[],
  read: (text: string) => unknown,
): CostCase[] {
  return all.map(([what, text, before = '', after = '']) => ({
    name: `${of}: ${what}`,
    count,
    prepare: (count) => {
      const whole = flat(before + text.repeat(count) + after);
      return () => read(whole);
    },
  }));
}

/** A refusal is an answer, too. */
function tried(read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    return error;
  }
}

const HEADS: readonly Shape[] = [
  ['lines of one name', 'X: a\r\n'],
  ['empty values', 'X:\r\n'],
  ['folded lines', 'X: a\r\n b\r\n'],
  ['obs-text', 'X: \xe4\xff\r\n'],
  ['one long value', 'a', 'X: ', '\r\n'],
  ['a value of white space', ' ', 'X: ', '\r\n'],
  ['one long name', 'a', '', ': x\r\n'],
  ['cookies', 'Cookie: a=b; c="d"\r\n'],
  ['a line without its end', 'a', 'X: '],
];

/** Header lines, and the values of what is parsed in them. */
const HEADER_VALUES: readonly (readonly [header: string, ...Shape])[] = [
  ['Sec-WebSocket-Extensions', 'offers', 'permessage-deflate; client_max_window_bits, '],
  ['Sec-WebSocket-Extensions', 'offers that are declined', 'permessage-deflate; x=y, '],
  ['Sec-WebSocket-Extensions', 'parameters', '; client_max_window_bits', 'permessage-deflate'],
  ['Sec-WebSocket-Extensions', 'a quoted parameter', '\\1', 'a; b="', '"'],
  ['Sec-WebSocket-Extensions', 'a quote that does not end', '\\"', 'a; b="'],
  ['Sec-WebSocket-Protocol', 'subprotocols that are one', 'chat, '],
  ['Upgrade', 'protocols', 'h2c, ', 'websocket, '],
  ['Connection', 'options', 'keep-alive, ', 'Upgrade, '],
  ['Host', 'labels', 'a.', '', 'test'],
  ['Host', 'colons', ':', '['],
  ['Origin', 'labels', 'a.', 'http://', 'test'],
  ['Origin', 'a list', 'http://a.test '],
  ['Cookie', 'pairs', 'a=b; '],
  ['Authorization', 'base64', 'QUJD', 'Basic '],
];

const policy = new TestHost(echoMode).opening;

const deflate = permessageDeflate({
  level: 6,
  thresholdBytes: 1024,
  memoryBytes: 0,
  maxRatio: 0,
  serverMaxWindowBits: 15,
  clientMaxWindowBits: 15,
  serverNoContextTakeover: false,
  clientNoContextTakeover: false,
});

const upgradeOf = (header: string, value: string) => {
  const head = parsedHead(upgradeText({ [header]: value }), BOUNDLESS);
  return () => tried(() => decideUpgrade(policy, head, 'network'));
};

const SIGNATURE = '\r\n\r\n\0\r\nQUIT\n';

/** A PROXY header of version 2 for a client of TCP over IPv4. */
function binaryHeader(tlvs: Buffer): Buffer {
  const body = Buffer.concat([Buffer.alloc(12, 1), tlvs]);
  const length = Buffer.from([body.length >> 8, body.length & 0xff]);
  return Buffer.concat([Buffer.from(SIGNATURE, 'latin1'), Buffer.of(0x21, 0x11), length, body]);
}

const redaction = new Redaction();

/** What a client may have said, for the log and for a recording. */
const TEXTS: readonly Shape[] = [
  ['letters', 'a'],
  ['escapes', '%25'],
  ['escapes of escapes', '%2525'],
  ['slashes', '/'],
  ['segments', '/segment'],
  ['parameters', '&a=b', '/?'],
  ['signs', '=', '/?'],
  ['schemes', 'http://'],
  ['users', 'a:b@', 'http://'],
  ['words', 'bearer '],
  ['quotes', '"a'],
  ['base64', 'eyJhbGciOiJIUzI1NiJ9.'],
  ['marks', '?#;'],
  ['control characters', '\u0001'],
  ['joiners', '\u200d\ufe0f'],
  ['surrogates', '\ud800'],
];

export const HANDSHAKE: CostTable = {
  'handshake/request-head': [
    ...shapes('a head', 20_000, HEADS, (lines) => parsing(`GET / HTTP/1.1\r\n${lines}\r\n`)()),
    ...HEADS.map(([what, text, before = '', after = '']) => ({
      name: `a head byte by byte: ${what}`,
      also: ['handshake/request-line', 'handshake/header-name'],
      count: 5000,
      maxCopied: 60,
      prepare: (count: number) =>
        parsing(`GET / HTTP/1.1\r\n${before + text.repeat(count) + after}\r\n`, 1),
    })),
    ...[-1, 0, 1].flatMap((by): CostCase[] => [
      {
        name: `a head with ${by} more lines than allowed`,
        count: 10_000,
        prepare: (count) =>
          parsing(`GET / HTTP/1.1\r\n${'X: a\r\n'.repeat(count + by)}\r\n`, Infinity, {
            ...BOUNDLESS,
            maxHeaders: count,
          }),
      },
      {
        name: `a head with ${by} more bytes than allowed, byte by byte`,
        count: 20_000,
        maxCopied: 8,
        prepare: (count) => {
          const head = `GET / HTTP/1.1\r\nX: `;
          const value = 'a'.repeat(count + by - head.length - 4);
          return parsing(`${head}${value}\r\n\r\n`, 1, { ...BOUNDLESS, maxHead: count });
        },
      },
    ]),
    {
      name: 'a TLS ClientHello where none is expected',
      count: 20_000,
      maxHeld: 1,
      prepare: (count) => parsing('\x16\x03\x01'.repeat(count), 1),
    },
    {
      name: 'half a head is held',
      count: 100_000,
      maxHeld: 3,
      prepare: (count) => {
        const run = parsing(`GET / HTTP/1.1\r\nX: ${'a'.repeat(count)}`, 7);
        return run;
      },
    },
    {
      name: 'a request head byte by byte',
      count: 50_000,
      maxCopied: 8,
      prepare: (count) => {
        const head = Buffer.from(`GET / HTTP/1.1\r\nX: ${'a'.repeat(count)}`);
        return () => {
          const parser = new RequestHeadParser({
            maxRequestLine: 100,
            maxHeaderLine: 2 * count,
            maxHead: 2 * count,
            maxHeaders: 100,
          });
          for (let at = 0; at < head.length; at++) parser.receive(head, at, at + 1);
        };
      },
    },
    {
      name: 'a request head of many lines',
      count: 10_000,
      prepare: (count) => {
        const head = Buffer.from(`GET / HTTP/1.1\r\n${'X: a\r\n'.repeat(count)}\r\n`);
        return () => {
          const parser = new RequestHeadParser({
            maxRequestLine: 100,
            maxHeaderLine: 100,
            maxHead: head.length,
            maxHeaders: count,
          });
          if (parser.receive(head, 0, head.length) !== head.length)
            throw new Error('more is needed');
        };
      },
    },
  ],
  'handshake/request-line': [
    ...shapes(
      'a request line',
      50_000,
      [
        ['a long path', 'a', 'GET /'],
        ['escapes', '%2e', 'GET /'],
        ['dots', '/..', 'GET '],
        ['a query', '&a=b', 'GET /?'],
        ['an authority', 'a.', 'GET ws://'],
        ['a method', 'A'],
        ['a version', '1', 'GET / HTTP/1.'],
        ['spaces', ' ', 'GET '],
      ],
      (line) => [parsing(`${line} HTTP/1.1\r\n\r\n`)(), parsing(`${line} HTTP/1.1\r\n`, 1)()],
    ),
  ],
  'handshake/request-target': [
    ...shapes(
      'a request target',
      50_000,
      [
        ['slashes', '/'],
        ['segments', '/a'],
        ['dots', '/..'],
        ['escapes', '%2f', '/'],
        ['stray percents', '%', '/'],
        ['question marks', '?', '/'],
        ['an authority', 'a.', 'ws://', '/'],
      ],
      (target) => [
        splitRequestTarget(target),
        normalPath(target),
        routePath(target),
        hasStrayPercent(target),
      ],
    ),
  ],
  'handshake/request': [
    ...HEADER_VALUES.map(([header, what, text, before = '', after = '']) => ({
      name: `${header} of an opening handshake: ${what}`,
      also: [
        'connection/head-phase',
        ...(header === 'Host' ? ['handshake/host'] : []),
        ...(header === 'Origin' ? ['handshake/upgrade'] : []),
      ],
      count: 10_000,
      prepare: (count: number) => upgradeOf(header, before + text.repeat(count) + after),
    })),
    {
      name: 'subprotocols that all differ',
      count: 5000,
      prepare: (count) => {
        const names = Array.from({ length: count }, (_, number) => `chat.${number}`);
        return upgradeOf('Sec-WebSocket-Protocol', names.join(', '));
      },
    },
    {
      name: 'header lines of an opening handshake, each of a name of its own',
      count: 5000,
      prepare: (count) => {
        const lines = Array.from({ length: count }, (_, number) => [`X-${number}`, 'a'] as const);
        const head = parsedHead(upgradeText(Object.fromEntries(lines)), BOUNDLESS);
        return () => decideUpgrade(policy, head, 'network');
      },
    },
    {
      name: 'conditions and ranges of a request for a file',
      count: 5000,
      prepare: (count) => {
        const lines = `Range: bytes=0-0\r\nIf-None-Match: "a"\r\n`.repeat(count);
        const head = parsedHead(`GET / HTTP/1.1\r\nHost: a\r\n${lines}\r\n`, BOUNDLESS);
        return () => readPlain(policy, head, 'network');
      },
    },
  ],
  'extensions/negotiation': [
    ...[
      ['offers of permessage-deflate', 'permessage-deflate; client_max_window_bits=99, '],
      ['offers of others', 'x-other; a=b, '],
      ['parameters', 'permessage-deflate; server_no_context_takeover; x, '],
    ].map(([what, text]) => ({
      name: `negotiation: ${what!}`,
      also: [
        'extensions/permessage-deflate/permessage-deflate',
        'extensions/permessage-deflate/parameters',
      ],
      count: 10_000,
      prepare: (count: number) => {
        const offers = parseExtensionHeader([`${text!.repeat(count)}x`])!;
        return () => negotiate([deflate], offers);
      },
    })),
  ],
  'handshake/host': [
    ...shapes(
      'a host',
      50_000,
      [
        ['labels', 'a.'],
        ['colons', ':'],
        ['an open bracket', 'a', '['],
        ['escapes', '%61'],
        ['zones', '%25', '[fe80::1'],
        ['digits of a port', '0', 'a:'],
      ],
      (host) => [
        parseHost(host),
        hostFault(host),
        tried(() => {
          checkHost('auto', host, 'loopback');
        }),
        tried(() => {
          checkHost(['*.a.test'], host, 'network');
        }),
      ],
    ),
  ],
  'handshake/upgrade': [
    {
      name: 'an origin that none of many allowed ones is',
      count: 2000,
      prepare: (count) => {
        const origins = Array.from({ length: count }, (_, number) => `https://*.${number}.test`);
        return () =>
          tried(() => {
            checkOrigin(origins, { origin: 'https://a.test', host: 'b.test' }, null);
          });
      },
    },
    {
      name: 'subprotocols none of which a mode can take',
      count: 20_000,
      prepare: (count) => {
        const offered = Array.from({ length: count }, (_, number) => `token-${number}`);
        return () => selectSubprotocol('first', offered, ['base64']);
      },
    },
  ],
  'handshake/redaction/subprotocols': [
    {
      name: 'subprotocols that all look like a secret',
      count: 20_000,
      prepare: (count) => {
        const offered = Array.from({ length: count }, (_, number) => `bearer.eyJ${number}`);
        return () => favouriteOf(offered);
      },
    },
  ],
  'handshake/basic-credentials': [
    ...shapes(
      'Basic credentials',
      50_000,
      [
        ['a long password', 'QUJD', 'Basic YTo6'],
        ['spaces', ' ', 'Basic'],
        ['padding', '=', 'Basic '],
        ['bytes that are not UTF-8', '/////', 'Basic '],
      ],
      (value) => parseBasicCredentials([{ name: 'authorization', value }]),
    ),
  ],
  'handshake/proxy-protocol': [
    {
      name: 'PROXY headers, one connection each, byte by byte',
      count: 1000,
      maxPeak: 1000,
      prepare: (count) => {
        const line = Buffer.from('PROXY TCP4 192.0.2.1 192.0.2.2 1234 443\r\n');
        return () => {
          for (let number = 0; number < count; number++) {
            const parser = new ProxyHeaderParser();
            for (let at = 0; at < line.length; at++) parser.receive(line, at, at + 1);
          }
        };
      },
    },
    ...[1, Infinity].map((pieceBytes) => ({
      name: `TLVs of a PROXY header, in reads of ${pieceBytes}`,
      count: 1000,
      maxCount: 1350,
      prepare: (count: number) => {
        const header = binaryHeader(Buffer.alloc(3 * count, Buffer.of(0x20, 0, 0)));
        return () => {
          for (let times = 0; times < 50; times++) {
            const parser = new ProxyHeaderParser();
            tried(() => {
              for (let at = 0; at < header.length; at += pieceBytes)
                parser.receive(header, at, Math.min(header.length, at + pieceBytes));
            });
          }
        };
      },
    })),
  ],
  'handshake/redaction/redaction': [
    ...shapes('for a recording', 20_000, TEXTS, (text) => [
      redaction.path(text),
      redaction.query(text),
      redaction.url(text),
      redaction.origin(text),
      redaction.extensions(text),
      redaction.header('forwarded', text),
      redaction.header('referer', text),
      redaction.subprotocol(text),
    ]),
    {
      name: 'for a recording: header lines of one name',
      count: 10_000,
      prepare: (count) => {
        const fields = Array.from({ length: count }, () => ({ name: 'x', value: 'a=b' }));
        return () => redaction.headers(fields);
      },
    },
    {
      name: 'for a recording: header lines of all names',
      count: 5000,
      prepare: (count) => {
        const fields = Array.from({ length: count }, (_, one) => ({ name: `x${one}`, value: 'a' }));
        return () => redaction.headers(fields);
      },
    },
  ],
  'handshake/redaction/secrets-in-text': [
    ...shapes('for the log', 20_000, TEXTS, (text) => [textWithoutSecrets(text), loggable(text)]),
  ],
  'handshake/redaction/secret-look': [
    ...shapes('does it look secret', 50_000, TEXTS, (text) => looksSecret(text)),
  ],
  'handshake/redaction/percent': [
    ...shapes('escapes that are decoded', 50_000, TEXTS, (text) => fullyDecoded(text)),
  ],
  'extensions/header': [
    ...shapes(
      'a comma list',
      50_000,
      [
        ['elements', 'a, '],
        ['commas', ','],
        ['white space', ' \t'],
        ['one long element', 'a'],
      ],
      (value) => splitList([value]),
    ),
  ],
  'net/ip-address': [
    ...shapes(
      'an address',
      50_000,
      [
        ['digits', '1'],
        ['dots', '1.'],
        ['colons', ':'],
        ['groups', '0:'],
        ['zone', 'a', 'fe80::1%'],
      ],
      (text) => parseIp(text),
    ),
  ],
  'net/address-range': [
    {
      name: 'ranges of addresses, and an address that is in none',
      count: 2000,
      prepare: (count) => {
        const ranges = Array.from(
          { length: count },
          (_, number) => `10.${number >> 8}.${number & 255}.0/24`,
        );
        return () => new AddressList(ranges).has('192.0.2.1');
      },
    },
  ],
  'handshake/forwarded': [
    {
      name: 'entries of X-Forwarded-For of which none is an address',
      count: 20_000,
      prepare: (count) => {
        const values = Array.from({ length: count }, () => '[::1]:1, unknown');
        return () => findForwardedClient(values, () => true);
      },
    },
    {
      name: 'addresses in X-Forwarded-For',
      count: 5000,
      prepare: (count) => {
        const values = [Array.from({ length: count }, () => '10.0.0.1').join(', ')];
        return () => findForwardedClient(values, () => true);
      },
    },
  ],
};
