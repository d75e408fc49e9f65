import { Buffer } from 'node:buffer';
import t from 'tap';
import { Redaction } from '../../src/handshake/redaction/redaction.js';
import { type PageAnswer, type PageSource, textAnswer } from '../../src/http/page-source.js';
import { HttpCounters } from '../../src/http/http-counters.js';
import { PageService } from '../../src/http/page-service.js';
import { HttpTunnel, type TunnelTransport } from '../../src/http/tunnel.js';
import { KeptLog } from '../fixtures/kept-log.js';
import { requestOf } from '../fixtures/service-request.js';
import { eventually } from '../fixtures/within.js';

/** A connection that keeps what it is sent. */
class Transport implements TunnelTransport {
  readonly remoteAddress = '192.0.2.1';
  readonly remotePort = 1234;
  isTaking = true;
  readonly writes: string[] = [];
  end: 'responded' | 'last' | 'broken' | null = null;

  sendPieces(pieces: readonly Uint8Array[]): boolean {
    this.writes.push(Buffer.concat(pieces).toString('latin1'));
    return this.isTaking;
  }

  responded(isLast: boolean): void {
    this.end = isLast ? 'last' : 'responded';
  }

  responseBroken(): void {
    this.end = 'broken';
  }
}

interface Asked {
  readonly transport: Transport;
  readonly tunnel: HttpTunnel;
  readonly log: KeptLog;
}

const TEXT = textAnswer(200, 'a page');

/** Asks a service whose pages are these. */
function ask(
  answer: PageSource['answer'],
  line = 'GET /a',
  headers: readonly string[] = [],
  isTaking = true,
): Asked {
  const log = new KeptLog();
  const transport = new Transport();
  transport.isTaking = isTaking;
  const pages = { takes: () => true, answer };
  const service = new PageService({ pages, keepAliveMs: 10_500, log });
  const tunnel = new HttpTunnel(transport, transport, requestOf(`${line} HTTP/1.1`, ...headers));
  service.serve(tunnel);
  return { transport, tunnel, log };
}

async function ended({ transport }: Asked): Promise<void> {
  await eventually(() => transport.end !== null, 'the end of the answer');
}

/** Head lines without the date, and the body. */
function partsOf({ transport }: Asked): { lines: string[]; body: string } {
  const [head = '', body = ''] = transport.writes.join('').split('\r\n\r\n');
  const lines = head.split('\r\n');
  const isDate = (line: string): boolean =>
    line.startsWith('Date: ') && new Date(line.slice(6)).toUTCString() === line.slice(6);
  t.equal(lines.filter(isDate).length, 1, 'one date');
  return { lines: lines.filter((line) => !isDate(line)), body };
}

const lineOf = ([name, value]: [string, string]): string => `${name}: ${value}`;

t.test('head and body leave in one write, and the connection stays', async (t) => {
  const asked = ask(() => TEXT);
  await ended(asked);
  t.equal(asked.transport.writes.length, 1);
  t.equal(asked.transport.end, 'responded');
  t.strictSame(partsOf(asked), {
    lines: [
      'HTTP/1.1 200 OK',
      ...Object.entries(TEXT.headers).map(lineOf),
      'Content-Length: 7',
      'Connection: keep-alive',
      'Keep-Alive: timeout=10',
    ],
    body: 'a page\n',
  });
  await eventually(() => asked.log.lines.length > 0, 'the line');
  t.strictSame(asked.log.lines, [
    {
      level: 'debug',
      message: 'page request',
      fields: { peer: '192.0.2.1:1234', method: 'GET', path: '/a', status: 200 },
    },
  ]);
});

t.test('answers are counted, and those that were cut short', async (t) => {
  const counters = new HttpCounters();
  const pages = { takes: () => true, answer: () => TEXT };
  const service = new PageService({ pages, keepAliveMs: 1000, log: new KeptLog(), counters });
  for (const isTaking of [true, false]) {
    const transport = new Transport();
    transport.isTaking = isTaking;
    const tunnel = new HttpTunnel(transport, transport, requestOf('GET /a HTTP/1.1'));
    service.serve(tunnel);
    await eventually(() => transport.writes.length > 0, 'the answer');
    if (!isTaking) tunnel.destroy();
  }
  const counted = (): string[] =>
    [...counters.counts]
      .filter(({ count }) => count > 0)
      .map(({ by, status, count }) => `${by} ${status} ${count}`);
  await eventually(() => counted().length === 2, 'both');
  t.strictSame(counted(), ['page 200 1', 'page cut 1']);
});

t.test('the answer to HEAD is that to GET without the body', async (t) => {
  const [get, head] = [ask(() => TEXT), ask(() => Promise.resolve(TEXT), 'HEAD /a')];
  await Promise.all([ended(get), ended(head)]);
  t.strictSame(partsOf(head), { ...partsOf(get), body: '' });
});

t.test('a client that wants it gets the connection closed', async (t) => {
  for (const line of ['GET /', 'HEAD /']) {
    const asked = ask(() => TEXT, line, ['Connection: close']);
    await ended(asked);
    t.equal(asked.transport.end, 'last');
    t.ok(partsOf(asked).lines.includes('Connection: close'));
    t.notMatch(asked.transport.writes.join(''), /Keep-Alive/);
  }
});

t.test('an answer without a body', async (t) => {
  const nothing: PageAnswer = { status: 303, headers: { Location: '/' }, body: Buffer.alloc(0) };
  const asked = ask(() => nothing);
  await ended(asked);
  t.match(partsOf(asked), {
    lines: ['HTTP/1.1 303 See Other', 'Location: /', 'Content-Length: 0'],
  });
});

t.test('whatever goes wrong is a 500 and a line, and no secret of the request', async (t) => {
  const failures: readonly PageSource['answer'][] = [
    () => {
      throw new Error('at once');
    },
    () => Promise.reject(new Error('late')),
    () => ({ ...TEXT, headers: { Location: '/\r\nSet-Cookie: a' } }),
  ];
  for (const answer of failures) {
    const asked = ask(answer, 'GET /a;token=secret');
    await ended(asked);
    const { lines, body } = partsOf(asked);
    t.equal(lines[0], 'HTTP/1.1 500 Internal Server Error');
    t.ok(lines.includes('X-Content-Type-Options: nosniff'));
    t.equal(body, 'internal error\n');
    t.match(asked.log.lines[0], {
      level: 'error',
      message: 'page request failed',
      fields: { path: '/a;token=[hidden:6]' },
    });
    t.notMatch(JSON.stringify(asked.log.lines), 'secret');
  }
});

t.test('the answer is over when the kernel has all of it', async (t) => {
  const asked = ask(() => TEXT, 'GET /', [], false);
  const { transport, tunnel } = asked;
  await eventually(() => transport.writes.length > 0, 'the answer');
  await new Promise(setImmediate);
  t.equal(transport.end, null);
  tunnel.drained();
  await ended(asked);
  t.equal(transport.end, 'responded');
});

t.test('a client that leaves', async (t) => {
  const answers: (() => void)[] = [];
  const asked = ask(
    () =>
      new Promise((resolve) => {
        answers.push(() => {
          resolve(TEXT);
        });
      }),
  );
  asked.tunnel.destroy();
  answers[0]!();
  await ended(asked);
  await eventually(() => asked.log.lines.length > 0, 'the line');
  t.strictSame(asked.transport, Object.assign(new Transport(), { end: 'broken' }));
  t.strictSame(asked.log.lines, [
    {
      level: 'debug',
      message: 'page request cut short',
      fields: { peer: '192.0.2.1:1234', method: 'GET', path: '/a' },
    },
  ]);
});

t.test(
  'what it takes is what there are pages for, and paths are hidden as it is told',
  async (t) => {
    const log = new KeptLog();
    const taken = requestOf('GET /a HTTP/1.1').head;
    const service = new PageService({
      pages: { takes: (head) => head === taken, answer: () => TEXT },
      keepAliveMs: 1000,
      redaction: () => new Redaction({ tokensIn: 'path' }),
      log,
    });
    t.equal(service.takes(taken), true);
    t.equal(service.takes({ ...taken }), false);
    const transport = new Transport();
    service.serve(new HttpTunnel(transport, transport, requestOf('GET /abc HTTP/1.1')));
    await eventually(() => log.lines.length > 0, 'the line');
    t.match(log.lines, [{ fields: { path: '/[hidden:3]' } }]);
  },
);
