import { Buffer } from 'node:buffer';
import t from 'tap';
import { ChunkedOutput } from '../../../../src/recording/convert/chunked-output.js';
import { FrameRoom } from '../../../../src/recording/convert/pcapng/frame-trail.js';
import { PcapngSession } from '../../../../src/recording/convert/pcapng/pcapng-session.js';
import { TcpConversation } from '../../../../src/recording/convert/pcapng/tcp-conversation.js';
import type { OpenRecord } from '../../../../src/recording/format/record.js';
import { type CapturedSegment, readSegments } from '../../../fixtures/pcapng.js';
import { KeptOutput, type RecordedTestSession, Recording } from '../../../fixtures/recordings.js';

const CLIENT = { bytes: Uint8Array.of(192, 0, 2, 7), port: 50_000 };
const SERVER = { bytes: Uint8Array.of(192, 0, 2, 1), port: 9001 };
const KEY = '00000000';

async function capture(
  make: (session: RecordedTestSession) => void,
  open: Partial<OpenRecord> | null = null,
): Promise<CapturedSegment[]> {
  const output = new KeptOutput();
  const chunked = new ChunkedOutput(output);
  const recording = new Recording();
  make(recording.session(open ?? {}));
  const conversation = new TcpConversation(chunked, { client: CLIENT, server: SERVER }, 0);
  const session = new PcapngSession(conversation, new FrameRoom());
  for (const record of recording.records) {
    if (record.ev === 'open') session.open(open === null ? null : record, record.t, 'note');
    if (record.ev === 'frame') session.frame(record);
    if (record.ev === 'msg') session.message(record, '');
    if (record.ev === 'ctl') session.control(record, '');
    if (record.ev === 'close') session.close(record, '');
  }
  await chunked.flush();
  return readSegments(output.bytes);
}

/** Frames in hex after their direction, with comments. */
function frames(segments: readonly CapturedSegment[]): string[] {
  return segments.slice(5).map(({ from, payload, comment, flags }) => {
    const direction = from.startsWith('c0000207') ? '>' : '<';
    const content = payload.length > 0 ? payload.toString('hex') : flags;
    return `${direction} ${content}${comment === '' ? '' : ` (${comment})`}`;
  });
}

t.test('the opening handshake', async (t) => {
  const segments = await capture(() => undefined, {
    url: '/chat?a=b',
    headers: {
      host: 'example.com',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
      'x-other': ['one', 'two'],
    },
    subprotocol: 'chat',
    extensions: 'permessage-deflate',
    tls: 'TLSv1.3',
  });
  t.equal(segments.length, 5);
  t.equal(segments[0]?.comment, 'note; recorded from a TLS connection (TLSv1.3)');
  t.equal(
    segments[3]?.payload.toString(),
    'GET /chat?a=b HTTP/1.1\r\nhost: example.com\r\n' +
      'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nx-other: one\r\nx-other: two\r\n\r\n',
  );
  t.equal(
    segments[4]?.payload.toString(),
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
      'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\n\r\n',
    'payloads are recorded with extensions undone, so none is named',
  );
  const plain = await capture(() => undefined, {});
  t.equal(plain[0]?.comment, 'note');
});

t.test('an opening handshake that the recording does not have', async (t) => {
  const segments = await capture(() => undefined);
  t.equal(
    segments[0]?.comment,
    'note; made up: the recording does not have the beginning of this session',
  );
  t.match(segments[3]?.payload.toString(), /^GET \/ HTTP\/1\.1\r\nhost: unknown\r\n/);
  t.match(segments[4]?.payload.toString(), /^HTTP\/1\.1 101 .*\r\nSec-WebSocket-Accept: \S+/s);
});

t.test('messages and control frames', async (t) => {
  const segments = await capture((session) => {
    session
      .text('in', 'hi')
      .text('out', 'hi')
      .binary('out', Buffer.alloc(0))
      .control('in', 9, Buffer.from('p'))
      .control('out', 10, Buffer.from('p'))
      .closeFrame('out', 1000, 'x');
  });
  t.strictSame(frames(segments), [
    `> 8182${KEY}6869`,
    '< 81026869',
    '< 8200',
    `> 8981${KEY}70`,
    '< 8a0170',
    '< 880303e878',
  ]);
});

t.test('pieces are fragments', async (t) => {
  const [a, b, c] = [Buffer.from('a'), Buffer.from('b'), Buffer.from('c')];
  const segments = await capture((session) => {
    session
      .piece('in', 1, 'first', a)
      .piece('in', 1, 'middle', b)
      .control('in', 9)
      .text('out', 'x')
      .piece('in', 1, 'last', c);
  });
  t.strictSame(frames(segments), [
    `> 0181${KEY}61`,
    `> 0081${KEY}62`,
    `> 8980${KEY}`,
    '< 810178',
    `> 8081${KEY}63`,
  ]);
});

t.test('messages that lack pieces', async (t) => {
  const a = Buffer.from('a');
  const segments = await capture((session) => {
    session
      .piece('out', 1, 'middle', a)
      .piece('out', 1, 'last', a)
      .piece('out', 2, 'first', a)
      .text('out', 'x');
  });
  t.strictSame(frames(segments), [
    '< 010161',
    '< 800161',
    '< 020161',
    '< 8000 (made up: the end of this message is missing)',
    '< 810178',
  ]);
});

t.test('payloads that were cut', async (t) => {
  const segments = await capture((session) => {
    session.text('out', 'x', { cut: true, len: 99 });
  });
  t.strictSame(frames(segments), ['< 810178 (cut: the recording has 1 of 99 bytes)']);
});

t.test('large messages', async (t) => {
  const limit = 256 * 1024;
  const payload = Buffer.alloc(2 * limit + 1, 'x');
  const segments = await capture((session) => {
    session
      .binary('in', payload, { cut: true, len: 1e6 })
      .binary('out', payload)
      .piece('in', 1, 'first', payload.subarray(0, limit));
  });
  const stream = (from: string): Buffer =>
    Buffer.concat(
      segments
        .slice(5)
        .filter((segment) => segment.from.startsWith(from))
        .map((segment) => segment.payload),
    );
  const full = payload.subarray(0, limit).toString('hex');
  t.ok(
    stream('c0000207').toString('hex') ===
      `02ff0000000000040000${KEY}${full}` +
        `00ff0000000000040000${KEY}${full}` +
        `8081${KEY}78` +
        `01ff0000000000040000${KEY}${full}`,
    'from the client: several frames',
  );
  t.ok(
    stream('c0000201').toString('hex') === `827f0000000000080001${payload.toString('hex')}`,
    'from the server: one',
  );
  t.equal(segments.filter(({ comment }) => comment.startsWith('cut')).length, 1);
});

t.test('the end', async (t) => {
  t.strictSame(frames(await capture((session) => session.close())), [
    '> AF (closed by the client, 1000)',
    '< AF',
    '> A',
  ]);
  t.strictSame(
    frames(await capture((session) => session.close({ by: 'server', code: 1001, reason: 'bye' }))),
    ['< AF (closed by the server, 1001 bye)', '> AF', '< A'],
  );
  t.strictSame(frames(await capture((session) => session.close({ by: 'lost', code: 1006 }))), [
    '> AR (connection lost, 1006)',
  ]);
});

t.test('frames as they were, where the recording has them', async (t) => {
  const segments = await capture((session) => {
    session
      .frame('in', { op: 1, len: 2, fin: false })
      .frame('in', { op: 9, len: 1 })
      .control('in', 9, Buffer.from('!'))
      .frame('in', { op: 0, len: 1 })
      .text('in', 'abc')
      .frame('in', { op: 2, len: 1, masked: false })
      .binary('in', Buffer.from('x'))
      .frame('out', { op: 2, len: 4 })
      .piece('out', 2, 'first', Buffer.from('12'))
      .piece('out', 2, 'last', Buffer.from('34'))
      .frame('out', { op: 1, len: 3, rsv: 4 })
      .text('out', 'compressed')
      .frame('in', { op: 10, len: 5 })
      .control('in', 10, Buffer.from('?'))
      .frame('in', { op: 8, len: 1, masked: false, rsv: 1 })
      .control('in', 8, Buffer.from('c'))
      .frame('in', { op: 3, len: 2, rsv: 2 })
      .frame('in', { op: 1, len: 70_000 })
      .close({ by: 'server', code: 1002 });
  });
  t.strictSame(frames(segments).slice(0, -3), [
    `> 8981${KEY}21`,
    `> 0182${KEY}6162`,
    `> 8081${KEY}63`,
    '> 820178',
    '< 82043132',
    '< 3334',
    '< 810a636f6d70726573736564',
    `> 8a81${KEY}3f`,
    '> 980163',
    `> a382${KEY}0000 (made up: the 2 bytes in this frame were not recorded)`,
  ]);
});
