import t from 'tap';
import { ndjsonConverter } from '../../../src/recording/convert/ndjson.js';

const RECORD = { ev: 'gap', t: 2, since: 1, records: 1, error: 'ENOSPC' } as const;

t.test('lines pass as they are', async (t) => {
  let written = '';
  const converter = ndjsonConverter({
    write: (piece) => {
      written += Buffer.from(piece).toString();
      return undefined;
    },
  });
  t.equal(converter.convert(RECORD, Buffer.from('{ "ev":"gap" }')), undefined);
  t.equal(converter.convert(RECORD, Buffer.from('x')), undefined);
  await converter.finish();
  t.equal(written, '{ "ev":"gap" }\nx\n');
});

t.test('what a terminal obeys is escaped, in a recording from elsewhere', async (t) => {
  const linesOf = (text: string): string => {
    let written = '';
    const converter = ndjsonConverter({
      write: (piece) => {
        written += Buffer.from(piece).toString();
        return undefined;
      },
    });
    void converter.convert(RECORD, Buffer.from(text));
    return written;
  };
  t.equal(linesOf('{"a":"\u009b31m\u007f"}'), '{"a":"\\u009b31m\\u007f"}\n');
  t.equal(linesOf('{"a":"«é\u0085»"}'), '{"a":"«é\\u0085»"}\n');
  const plain = '{"a":"«é» 日本 \u{1f600}"}';
  t.equal(linesOf(plain), `${plain}\n`);
});

t.test('waits for an output that is full, whichever piece has filled it', async (t) => {
  for (const slow of [0, 1]) {
    const ready = Promise.resolve();
    let pieces = 0;
    const converter = ndjsonConverter({ write: () => (pieces++ === slow ? ready : undefined) });
    t.equal(converter.convert(RECORD, Buffer.from('x')), ready);
    t.equal(pieces, 2);
  }
});
