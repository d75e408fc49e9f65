import { Buffer } from 'node:buffer';
import t from 'tap';
import { ChunkedOutput } from '../../../../src/recording/convert/chunked-output.js';
import { TcpConversation } from '../../../../src/recording/convert/pcapng/tcp-conversation.js';
import { type CapturedSegment, readSegments } from '../../../fixtures/pcapng.js';
import { KeptOutput } from '../../../fixtures/recordings.js';

const FIRST = 0xffff_fff0;
const CLIENT = { bytes: Uint8Array.of(192, 0, 2, 7), port: 50_000 };
const SERVER = { bytes: Uint8Array.of(192, 0, 2, 1), port: 9001 };

async function capture(
  make: (conversation: TcpConversation) => void,
  addresses = { client: CLIENT, server: SERVER },
): Promise<CapturedSegment[]> {
  const output = new KeptOutput();
  const chunked = new ChunkedOutput(output);
  make(new TcpConversation(chunked, addresses, FIRST));
  await chunked.flush();
  return readSegments(output.bytes);
}

/** Direction, flags, sequence number, acknowledgement and bytes, with numbers from where both began. */
function lines(segments: readonly CapturedSegment[]): string[] {
  const relative = (number: number): number => (number - FIRST) >>> 0;
  return segments.map(({ from, flags, sequence, acknowledged, payload }) => {
    const isIn = from === segments[0]?.from;
    const ack = flags.includes('A') ? relative(acknowledged) : acknowledged;
    return `${isIn ? '>' : '<'} ${flags} ${relative(sequence)} ${ack} ${payload.length}`;
  });
}

t.test('a connection from its beginning to its end', async (t) => {
  const segments = await capture((conversation) => {
    conversation.establish(1, 'begins');
    conversation.send('in', Buffer.from('hello'), 2, 'says');
    conversation.send('out', Buffer.from('there!'), 3.5, '');
    conversation.close('out', 4, 'ends');
  });
  t.strictSame(lines(segments), [
    '> S 0 0 0',
    '< SA 0 1 0',
    '> A 1 1 0',
    '> AP 1 1 5',
    // The numbers go beyond 2^32.
    '< AP 1 6 6',
    '< AF 7 6 0',
    '> AF 6 8 0',
    '< A 8 7 0',
  ]);
  t.strictSame(
    segments.map(({ comment }) => comment),
    ['begins', '', '', 'says', '', 'ends', '', ''],
  );
  t.strictSame(
    segments.map(({ micros }) => micros / 1e6),
    [1, 1, 1, 2, 3.5, 4, 4, 4],
  );
  t.match(segments[0], {
    from: 'c0000207:50000',
    to: 'c0000201:9001',
    options: '0204ea600103030e',
  });
  t.match(segments[1], {
    from: 'c0000201:9001',
    to: 'c0000207:50000',
    options: '0204ea600103030e',
  });
  t.match(segments[3], { options: '', payload: Buffer.from('hello') });
});

t.test('the client closes, or is lost', async (t) => {
  const closed = await capture((conversation) => {
    conversation.close('in', 1, '');
  });
  t.strictSame(lines(closed), ['> AF 0 0 0', '< AF 0 1 0', '> A 1 1 0']);
  const lost = await capture((conversation) => {
    conversation.reset('in', 1, 'lost');
  });
  t.strictSame(lines(lost), ['> AR 0 0 0']);
  t.equal(lost[0]?.comment, 'lost');
});

t.test('many bytes', async (t) => {
  const bytes = Buffer.from(Uint8Array.from({ length: 1_200_001 }, (_, index) => index % 251));
  const segments = await capture((conversation) => {
    conversation.send('in', bytes, 1, 'once');
    conversation.send('out', bytes.subarray(0, 60_000), 1, '');
    conversation.send('out', Buffer.alloc(0), 1, '');
  });
  const sent = segments.filter(
    ({ from, payload }) => from.startsWith('c0000207') && payload.length,
  );
  t.ok(Buffer.concat(sent.map(({ payload }) => payload)).equals(bytes));
  t.ok(
    sent.every(({ payload }) => payload.length <= 60_000),
    'in segments',
  );
  t.equal(segments.filter(({ comment }) => comment === 'once').length, 1);
  t.equal(segments.length, 21 + 1 + 1, 'and one acknowledgement on the way');
  t.match(lines(segments)[18], '< A 0 1080000 0');
});

t.test('IPv6', async (t) => {
  const client = { bytes: new Uint8Array(16).fill(0x20), port: 1 };
  const server = { bytes: new Uint8Array(16).fill(0xfe), port: 65_535 };
  const segments = await capture(
    (conversation) => {
      conversation.establish(1, '');
      conversation.send('out', Buffer.from('odd'), 1, '');
    },
    { client, server },
  );
  t.strictSame(lines(segments), ['> S 0 0 0', '< SA 0 1 0', '> A 1 1 0', '< AP 1 1 3']);
  t.match(segments[0], { from: `${'20'.repeat(16)}:1`, to: `${'fe'.repeat(16)}:65535` });
});
