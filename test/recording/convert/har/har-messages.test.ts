import { Buffer } from 'node:buffer';
import t, { type Test } from 'tap';
import { HarMessages } from '../../../../src/recording/convert/har/har-messages.js';
import { Spool, SpoolStream } from '../../../../src/recording/convert/spool.js';
import {
  RECORDING_START,
  type RecordedTestSession,
  Recording,
} from '../../../fixtures/recordings.js';
import { makeTempDir } from '../../../fixtures/temp-dir.js';

/** @returns the members of the array, without their times, which must go up */
function messagesOf(t: Test, make: (session: RecordedTestSession) => void, held = 0): unknown[] {
  const spool = new Spool(makeTempDir(t), held);
  t.teardown(() => {
    spool.file.close();
  });
  const stream = new SpoolStream(spool);
  const messages = new HarMessages(spool, stream);
  const recording = new Recording();
  make(recording.session());
  for (const record of recording.records) if (record.ev === 'msg') messages.take(record);
  messages.finish();
  const json = Buffer.concat([...stream.drain()]).toString();
  let before = RECORDING_START;
  return (JSON.parse(`[${json}]`) as { time: number }[]).map(({ time, ...message }) => {
    t.ok(time > before, 'in the order in which they began');
    before = time;
    return message;
  });
}

const send = (opcode: number, data: string, more: object = {}): object => ({
  type: 'send',
  opcode,
  data,
  ...more,
});
const receive = (opcode: number, data: string, more: object = {}): object => ({
  ...send(opcode, data, more),
  type: 'receive',
});

t.test('whole messages', async (t) => {
  t.strictSame(
    messagesOf(t, (session) => {
      session
        .text('in', 'a "quoted" \u2028 größer 😀 \0')
        .text('out', '')
        .binary('in', Buffer.of(0xfb, 0xff))
        .binary('out', Buffer.alloc(0));
    }),
    [send(1, 'a "quoted" \u2028 größer 😀 \0'), receive(1, ''), send(2, '+/8='), receive(2, '')],
  );
});

t.test('a text in base64 is text', async (t) => {
  t.strictSame(
    messagesOf(t, (session) => {
      // Nothing of ours takes or sends it, but other tools may have written the recording.
      session.binary('in', Buffer.from('é'), { op: 1 });
    }),
    [send(1, 'é')],
  );
});

t.test('pieces are put together', async (t) => {
  const text = Buffer.from('größer');
  t.strictSame(
    messagesOf(t, (session) => {
      session
        .pieces('in', 1, [text.subarray(0, 3), text.subarray(3, 3), text.subarray(3)])
        .pieces('out', 2, [Buffer.of(1), Buffer.of(2, 3, 4), Buffer.of(5)])
        .text('in', 'end');
    }),
    [send(1, 'größer'), receive(2, 'AQIDBAU='), send(1, 'end')],
  );
});

t.test('what comes while a message is being put together', async (t) => {
  const a = Buffer.from('a');
  for (const held of [0, 1_000_000]) {
    t.strictSame(
      messagesOf(
        t,
        (session) => {
          session
            .piece('in', 1, 'first', a)
            .text('out', '1')
            .piece('in', 1, 'middle', a)
            .piece('out', 1, 'first', a)
            .piece('out', 1, 'last', a)
            .piece('out', 2, 'first', a)
            // From here the other direction's message goes to the stream itself.
            .piece('in', 1, 'last', a)
            .piece('in', 1, 'first', a)
            .piece('out', 2, 'middle', a)
            .piece('in', 1, 'last', a)
            .piece('out', 2, 'last', a)
            .text('out', '2')
            .text('in', '3');
        },
        held,
      ),
      [
        send(1, 'aaa'),
        receive(1, '1'),
        receive(1, 'aa'),
        receive(2, 'YWFh'),
        send(1, 'aa'),
        receive(1, '2'),
        send(1, '3'),
      ],
      `${held} bytes in memory`,
    );
  }
});

t.test('a message larger than memory', async (t) => {
  const piece = Buffer.alloc(100_000, 'x');
  const messages = messagesOf(t, (session) => {
    session.pieces(
      'in',
      2,
      Array.from({ length: 20 }, () => piece),
    );
  });
  const data = Buffer.alloc(2_000_000, 'x').toString('base64');
  t.ok((messages[0] as { data: string }).data === data);
});

t.test('payloads that were cut', async (t) => {
  const cut = { cut: true } as const;
  t.strictSame(
    messagesOf(t, (session) => {
      session
        .text('in', 'abc', { ...cut, len: 10 })
        .binary('out', Buffer.of(0), { ...cut, len: 11 })
        .piece('in', 1, 'first', Buffer.from('a'))
        .piece('in', 1, 'middle', Buffer.of(0x62, 0xc3), { ...cut, len: 10 })
        .piece('in', 1, 'last', Buffer.from('c'));
    }),
    [
      send(1, 'abc', { _twist: { length: 10, cut: true } }),
      receive(2, 'AA==', { _twist: { length: 11, cut: true } }),
      send(1, 'ab', { _twist: { length: 12, cut: true } }),
    ],
    'what comes behind a hole is left out',
  );
});

t.test('messages that lack pieces', async (t) => {
  const a = Buffer.from('a');
  const incomplete = (length: number): object => ({ _twist: { length, incomplete: true } });
  t.strictSame(
    messagesOf(t, (session) => {
      session
        .piece('in', 1, 'middle', a)
        .piece('in', 1, 'last', a)
        .piece('in', 2, 'last', a)
        .piece('in', 1, 'first', Buffer.of(0x61, 0xc3))
        .text('in', 'next')
        .piece('in', 2, 'first', a)
        .piece('out', 2, 'first', a);
    }),
    [
      send(1, 'aa', incomplete(2)),
      send(2, 'YQ==', incomplete(1)),
      send(1, 'a', incomplete(2)),
      send(1, 'next'),
      send(2, 'YQ==', incomplete(1)),
      receive(2, 'YQ==', incomplete(1)),
    ],
  );
});
