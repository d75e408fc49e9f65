import { Buffer } from 'node:buffer';
import t, { type Test } from 'tap';
import { HarSession } from '../../../../src/recording/convert/har/har-session.js';
import { Spool } from '../../../../src/recording/convert/spool.js';
import type { CloseRecord, OpenRecord } from '../../../../src/recording/format/record.js';
import { Recording, type RecordedTestSession } from '../../../fixtures/recordings.js';
import { makeTempDir } from '../../../fixtures/temp-dir.js';

interface Options {
  readonly open?: Partial<OpenRecord> | null;
  readonly close?: Partial<CloseRecord> | null;
  readonly records?: (session: RecordedTestSession) => void;
}

function entryOf(t: Test, { open = {}, close = {}, records }: Options): Record<string, unknown> {
  const spool = new Spool(makeTempDir(t), 1_000_000);
  const recording = new Recording();
  const session = recording.session(open ?? {});
  records?.(session);
  session.close(close ?? {});
  const opened = recording.records[1] as OpenRecord;
  const har = new HarSession(spool, opened.s, open === null ? null : opened, opened.t);
  for (const record of recording.records.slice(2)) {
    if (!('s' in record)) continue;
    har.seen(record.t);
    if (record.ev === 'msg') har.messages.take(record);
    if (record.ev === 'ctl') har.control(record);
    if (record.ev === 'target') har.target(record);
  }
  const end = close === null ? null : (recording.records.at(-1) as CloseRecord);
  const json = Buffer.concat([...har.end(end)]).toString();
  return JSON.parse(json) as Record<string, unknown>;
}

t.test('a session from its beginning to its end', async (t) => {
  const entry = entryOf(t, {
    open: {
      url: '/vnc?token=***&a=b%20c&a=',
      headers: { host: 'example.com', 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==' },
      tls: 'TLSv1.3',
      subprotocol: 'binary',
      extensions: 'permessage-deflate',
      mode: 'tcp:localhost:5900',
      id: 7,
      local: '[::1]:9001',
    },
    close: { by: 'server', code: 1011, reason: 'why', rule: 'reserved-bit', dur: 0.0123456 },
    records: (session) => {
      session
        .target('connected', 'localhost:5900')
        .text('in', 'hello')
        .text('out', 'there')
        .control('in', 9)
        .control('out', 10)
        .control('in', 9)
        .control('out', 10)
        .control('out', 9)
        .target('lost', 'localhost:5900', 'ECONNRESET')
        .closeFrame('out', 1011, 'why');
    },
  });
  t.strictSame(entry, {
    _resourceType: 'websocket',
    _connectionId: '7',
    cache: {},
    connection: '9001',
    serverIPAddress: '::1',
    startedDateTime: '2026-09-21T14:13:20.002Z',
    request: {
      method: 'GET',
      url: 'wss://example.com/vnc?token=***&a=b%20c&a=',
      httpVersion: 'HTTP/1.1',
      headers: [
        { name: 'host', value: 'example.com' },
        { name: 'sec-websocket-key', value: 'dGhlIHNhbXBsZSBub25jZQ==' },
      ],
      queryString: [
        { name: 'token', value: '***' },
        { name: 'a', value: 'b c' },
        { name: 'a', value: '' },
      ],
      cookies: [],
      headersSize: -1,
      bodySize: 0,
    },
    response: {
      status: 101,
      statusText: 'Switching Protocols',
      httpVersion: 'HTTP/1.1',
      headers: [
        { name: 'Upgrade', value: 'websocket' },
        { name: 'Connection', value: 'Upgrade' },
        { name: 'Sec-WebSocket-Accept', value: 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=' },
        { name: 'Sec-WebSocket-Protocol', value: 'binary' },
        { name: 'Sec-WebSocket-Extensions', value: 'permessage-deflate' },
      ],
      cookies: [],
      content: { size: 0, mimeType: 'x-unknown' },
      redirectURL: '',
      headersSize: -1,
      bodySize: -1,
    },
    _webSocketMessages: [
      { type: 'send', time: 1_790_000_000.004, opcode: 1, data: 'hello' },
      { type: 'receive', time: 1_790_000_000.005, opcode: 1, data: 'there' },
    ],
    time: 12.346,
    timings: { blocked: -1, dns: -1, connect: -1, send: 0, wait: 0, receive: 12.346, ssl: -1 },
    _twist: {
      session: '01K5N0T1ME0000000000000001',
      remote: '127.0.0.1:50001',
      tls: 'TLSv1.3',
      mode: 'tcp:localhost:5900',
      close: { by: 'server', code: 1011, reason: 'why', rule: 'reserved-bit' },
      in: { msgs: 1, bytes: 5 },
      out: { msgs: 1, bytes: 5 },
      target: { state: 'lost', target: 'localhost:5900', error: 'ECONNRESET' },
      pings: { in: 2, out: 1 },
      pongs: { in: 0, out: 2 },
      closes: { in: 0, out: 1 },
    },
  });
});

t.test('a session without its beginning', async (t) => {
  const entry = entryOf(t, { open: null });
  t.match(entry, {
    _connectionId: undefined,
    connection: undefined,
    serverIPAddress: undefined,
    startedDateTime: '2026-09-21T14:13:20.002Z',
    request: { url: 'ws://unknown/', headers: [], queryString: [] },
    response: { status: 101, headers: [] },
    _twist: { session: '01K5N0T1ME0000000000000001', remote: undefined },
    comment: 'The recording does not have the beginning of it.',
  });
});

t.test('a session without its end', async (t) => {
  const entry = entryOf(t, {
    open: { local: 'unix', remote: 'unix' },
    close: null,
    records: (session) => {
      session.piece('in', 1, 'first', Buffer.from('begun'));
    },
  });
  t.match(entry, {
    connection: undefined,
    // The close record that is left out was seen a millisecond after the piece.
    time: 2,
    _webSocketMessages: [{ data: 'begun', _twist: { length: 5, incomplete: true } }],
    _twist: { close: undefined, in: undefined, remote: 'unix' },
    comment: 'The recording does not have the end of it.',
  });
});

t.test('a session without both', async (t) => {
  t.match(entryOf(t, { open: null, close: null }), {
    comment: 'The recording does not have the beginning and the end of it.',
  });
});
