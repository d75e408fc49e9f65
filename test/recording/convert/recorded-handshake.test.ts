import t from 'tap';
import {
  requestHeaders,
  requestUrl,
  responseHeaders,
} from '../../../src/recording/convert/recorded-handshake.js';
import type { OpenRecord } from '../../../src/recording/format/record.js';
import { Recording } from '../../fixtures/recordings.js';

function open(fields: Partial<OpenRecord>): OpenRecord {
  const recording = new Recording();
  recording.session(fields);
  return recording.records[1] as OpenRecord;
}

t.test('the headers of the request', async (t) => {
  const headers = { host: 'a', 'sec-websocket-extensions': ['x', 'y'], 'x-empty': '' };
  t.strictSame(
    requestHeaders(open({ headers })),
    [
      ['host', 'a'],
      ['sec-websocket-extensions', 'x'],
      ['sec-websocket-extensions', 'y'],
      ['x-empty', ''],
    ],
    'a line for each value',
  );
});

t.test('the headers of the answer', async (t) => {
  const start = [
    ['Upgrade', 'websocket'],
    ['Connection', 'Upgrade'],
  ];
  t.strictSame(
    responseHeaders(open({ subprotocol: 'chat' }), 'permessage-deflate'),
    [
      ...start,
      // The example of RFC 6455 §1.3.
      ['Sec-WebSocket-Accept', 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='],
      ['Sec-WebSocket-Protocol', 'chat'],
      ['Sec-WebSocket-Extensions', 'permessage-deflate'],
    ],
    'with everything',
  );
  t.strictSame(responseHeaders(open({ headers: {} }), null), start, 'with nothing');
});

t.test('the URL', async (t) => {
  const headers = { host: 'example.com:8080' };
  const cases: readonly (readonly [fields: Partial<OpenRecord>, url: string])[] = [
    [{ headers, url: '/a/b?c=d&e' }, 'ws://example.com:8080/a/b?c=d&e'],
    [{ headers, url: '/', tls: 'TLSv1.3' }, 'wss://example.com:8080/'],
    [{ headers, url: 'http://other.example?x' }, 'ws://other.example/?x'],
    [{ headers, url: 'wss://desk.example.com/x?y' }, 'wss://desk.example.com/x?y'],
    [{ headers, url: 'HTTPS://desk.example.com/x' }, 'wss://desk.example.com/x'],
    [{ headers: {}, url: '/x' }, 'ws://127.0.0.1:9001/x'],
    [{ headers: { host: ['a', 'b'] }, url: '/x' }, 'ws://127.0.0.1:9001/x'],
  ];
  for (const [fields, url] of cases) t.equal(requestUrl(open(fields)), url, url);
});
