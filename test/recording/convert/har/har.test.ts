import { Buffer } from 'node:buffer';
import { readdirSync } from 'node:fs';
import t, { type Test } from 'tap';
import { harConverter } from '../../../../src/recording/convert/har/har.js';
import type { AnyRecord } from '../../../../src/recording/format/record.js';
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
