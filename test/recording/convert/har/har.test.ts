import { Buffer } from 'node:buffer';
import { readdirSync } from 'node:fs';
import t, { type Test } from 'tap';
import { harConverter } from '../../../../src/recording/convert/har/har.js';
import type { AnyRecord } from '../../../../src/recording/format/record.js';
import { RecordedLines } from '../../../fixtures/recorded-lines.js';
import { convertRecords, KeptOutput, Recording } from '../../../fixtures/recordings.js';
import { makeTempDir } from '../../../fixtures/temp-dir.js';

interface Har {
  readonly log: {
    readonly version: string;
    readonly creator: object;
    readonly pages: readonly unknown[];
    readonly entries: readonly {
      readonly comment?: string;
      readonly request: { readonly url: string };
      readonly _webSocketMessages: readonly { readonly data: string }[];
    }[];
    readonly _twist?: object;
  };
}

async function convert(t: Test, records: Iterable<AnyRecord>): Promise<Har> {
  const spoolDir = makeTempDir(t);
  const bytes = await convertRecords(
    (output) => harConverter(output, { tool: 'twist/1.2.3', spoolDir }),
    records,
  );
  t.strictSame(readdirSync(spoolDir), [], 'nothing is left behind');
  return JSON.parse(bytes.toString()) as Har;
}

/** What is in it: for each entry its URL and what its messages say. */
function contentOf({ log }: Har): unknown[] {
  return log.entries.map(({ request, _webSocketMessages }) => [
    new URL(request.url).pathname,
    ..._webSocketMessages.map(({ data }) => data),
  ]);
}

t.test('overlapping sessions become entries one after the other', async (t) => {
  const recording = new Recording();
  const a = recording.session({ url: '/a' });
  const b = recording.session({ url: '/b' });
  const c = recording.session({ url: '/c' });
  a.text('in', 'a1');
  b.text('in', 'b1').control('in', 9).target('connected', 'x');
  recording.records.push({
    ...{ ev: 'frame', s: a.s, t: recording.tick(), dir: 'in', fin: true, rsv: 0, op: 1 },
    ...{ masked: true, len: 2, wire: 8 },
  });
  a.text('out', 'a2');
  c.text('in', 'c1');
  b.text('out', 'b2').close();
  c.text('out', 'c2');
  const har = await convert(t, recording.records);
  t.match(har.log, {
    version: '1.2',
    creator: { name: 'twist', version: '1.2.3' },
    pages: [],
    _twist: undefined,
  });
  t.strictSame(
    contentOf(har),
    [
      ['/b', 'b1', 'b2'],
      ['/a', 'a1', 'a2'],
      ['/c', 'c1', 'c2'],
    ],
    'in the order of their ends, then of their beginnings',
  );
});

t.test('control frames that were only counted count', async (t) => {
  const recording = new Recording();
  const session = recording.session().control('in', 9);
  const at = recording.tick();
  for (const of of ['ping', 'pong', 'frame'] as const)
    recording.records.push({
      ...{ ev: 'count', s: session.s, t: at, since: at, dir: 'in', of, n: 7, len: 0 },
    });
  session.close();
  const { log } = await convert(t, recording.records);
  t.match(log.entries, [{ _twist: { pings: { in: 8, out: 0 }, pongs: { in: 7, out: 0 } } }]);
});

t.test('no sessions', async (t) => {
  const har = await convert(t, []);
  t.strictSame(har.log.entries, []);
  const spoolDir = makeTempDir(t);
  const bytes = await convertRecords(
    (output) => harConverter(output, { tool: 'other', spoolDir }),
    [],
  );
  t.match(JSON.parse(bytes.toString()), { log: { creator: { name: 'other', version: '' } } });
});

t.test('a session without its beginning, and one that begins twice', async (t) => {
  const recording = new Recording();
  recording.sessionWithoutOpen().text('in', 'x');
  recording.session({ url: '/twice', s: 'S' }).text('in', '1');
  recording.session({ url: '/twice', s: 'S' }).text('in', '2').close();
  const har = await convert(t, recording.records);
  t.strictSame(contentOf(har), [
    ['/twice', '1'],
    ['/twice', '2'],
    ['/', 'x'],
  ]);
});

t.test('gaps', async (t) => {
  const recording = new Recording();
  recording.gap(3);
  recording.gap(4);
  t.strictSame((await convert(t, recording.records)).log._twist, { missingRecords: 7 });
});

t.test('more than fits into memory', async (t) => {
  const recording = new Recording();
  const sessions = ['/a', '/b', '/c'].map((url) => recording.session({ url }));
  const payloads = Array.from({ length: 60 }, (_, index) => Buffer.alloc(400_000, index));
  payloads.forEach((payload, index) => sessions[index % 3]!.binary('in', payload));
  const har = await convert(t, recording.records);
  har.log.entries.forEach(({ _webSocketMessages }, session) => {
    const expected = payloads.filter((_, index) => index % 3 === session);
    t.ok(
      _webSocketMessages.every(({ data }, index) => data === expected[index]!.toString('base64')),
      `the messages of session ${session}`,
    );
    t.equal(_webSocketMessages.length, expected.length);
  });
});

t.test('a spool that cannot be made', async (t) => {
  const recording = new Recording();
  recording.session().binary('in', Buffer.alloc(17_000_000));
  const converter = harConverter(new KeptOutput(), { tool: 'x', spoolDir: '/nonexistent' });
  t.throws(
    () => {
      for (const record of recording.records) void converter.convert(record, Buffer.alloc(0));
    },
    { name: 'SpoolError', cause: { code: 'ENOENT' } },
  );
});

t.test('sessions without an end are given up when there are too many', async (t) => {
  const records: AnyRecord[] = [];
  const lines = (number: number): RecordedLines => new RecordedLines(`S${number}`);
  for (let number = 0; number < 17_000; number++) {
    records.push(lines(number).open({ url: `/${number}` }));
    // A bystander goes on meanwhile.
    records.push(lines(0).in('x'));
  }
  records.push(lines(0).close(), lines(1).in('later'));
  const spoolDir = makeTempDir(t);
  let json = '';
  const output = {
    write: (piece: string | Uint8Array): undefined => {
      json += Buffer.from(piece as string).toString();
    },
  };
  const converter = harConverter(output, { tool: 'twist/1', spoolDir });
  for (const record of records) await converter.convert(record, Buffer.alloc(0));
  await converter.finish();
  const { entries } = (JSON.parse(json) as Har).log;
  const givenUp = entries.filter(({ comment }) => comment?.startsWith('Too many') === true);
  t.equal(converter.givenUp, givenUp.length);
  t.ok(givenUp.length > 500, `${givenUp.length} of them`);
  t.equal(givenUp[0]?.request.url, 'ws://localhost/1', 'the one that was silent for longest');
  const bystander = entries.find(({ request }) => request.url === 'ws://localhost/0');
  t.equal(bystander?._webSocketMessages.length, 17_000);
  t.equal(bystander?.comment, undefined);
  t.match(entries.at(-1)?.comment, 'The recording does not have the beginning and the end of it.');
});

t.test('what is kept of a session is short, whatever is in the recording', async (t) => {
  const lines = new RecordedLines('A');
  const long = 'x'.repeat(10_000);
  const { log } = await convert(t, [
    lines.open({ mode: long, remote: long, tls: long }),
    { ev: 'target', s: 'A', t: 1000, state: 'lost', target: long, error: long },
    lines.close(),
  ]);
  const short = 'x'.repeat(1000);
  const exactly = (text: string): RegExp => new RegExp(`^${text}$`);
  t.match(log.entries, [
    {
      _twist: {
        ...{ mode: exactly(short), remote: exactly(short), tls: exactly(short) },
        target: { target: exactly(short), error: exactly(short) },
      },
    },
  ]);
});
