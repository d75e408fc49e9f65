import { Buffer } from 'node:buffer';
import t from 'tap';
import { OpenRedaction } from '../../../src/recording/format/open-redaction.js';
import { parseRecord } from '../../../src/recording/format/parse-record.js';
import type { AnyRecord } from '../../../src/recording/format/record.js';
import { FILE, RecordedLines } from '../../fixtures/recorded-lines.js';

const OPEN = new RecordedLines().open({
  url: '/ws?token=abc',
  headers: { Host: 'h', Authorization: 'Basic abc', 'x-forwarded-for': ['192.0.2.1', '192.0.2.2'] },
  subprotocol: 'bearer.abc',
  extensions: 'x; key=abc',
});

function read(record: object): { record: AnyRecord; bytes: Uint8Array; line: number } {
  const bytes = Buffer.from(JSON.stringify(record));
  return { record: parseRecord(bytes.toString()) as AnyRecord, bytes, line: 7 };
}

t.test('a recording of somebody else is shown as ours would be, its line too', async (t) => {
  for (const before of [[], [FILE]]) {
    const redaction = new OpenRedaction();
    for (const record of before) redaction.apply(read(record));
    const shown = redaction.apply(read({ ...OPEN, cookies: { session: 'abc' } }));
    t.strictSame(shown.record, {
      ...OPEN,
      url: '/ws?token=[hidden:3]',
      headers: {
        host: 'h',
        authorization: '[hidden:9]',
        'x-forwarded-for': '192.0.2.1, 192.0.2.2',
      },
      subprotocol: '[hidden:10]',
      extensions: 'x; key=[hidden:3]',
    });
    const line = Buffer.from(shown.bytes).toString();
    t.strictSame(JSON.parse(line), shown.record);
    t.notMatch(line, /abc|cookies|\n/);
    t.equal(shown.line, 7);
  }
});

t.test('what has nothing to hide passes to the byte', async (t) => {
  const given = read({
    ...OPEN,
    url: '/ws',
    headers: { host: 'h' },
    subprotocol: 'mqtt',
    extensions: null,
  });
  t.equal(new OpenRedaction().apply(given), given);
});

t.test('what has none stays without', async (t) => {
  const open = { ...OPEN, subprotocol: null, extensions: null };
  t.match(new OpenRedaction().apply(read(open)).record, { subprotocol: null, extensions: null });
});

t.test('one that says it is redacted is believed, until the next header', async (t) => {
  const redaction = new OpenRedaction();
  const open = read(OPEN);
  redaction.apply(read({ ...FILE, redacted: true }));
  t.equal(redaction.apply(open), open);
  redaction.apply(read(FILE));
  t.match(redaction.apply(open).record, { url: '/ws?token=[hidden:3]' });
});

t.test('other records are what they were', async (t) => {
  const lines = new RecordedLines();
  for (const record of [lines.in('token=abc'), lines.close(), FILE]) {
    const given = read(record);
    t.equal(new OpenRedaction().apply(given), given);
  }
});
