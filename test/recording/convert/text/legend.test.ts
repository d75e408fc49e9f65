import t from 'tap';
import { legendText } from '../../../../src/recording/convert/text/legend.js';
import { type TextTimes, textConverter } from '../../../../src/recording/convert/text/text.js';

/** The last line of a recording with one message. */
async function lineOf(times: TextTimes): Promise<string> {
  let written = '';
  const options = { hasColor: false, maxCharacters: 99, maxBytes: 99, times };
  const converter = textConverter({ write: (piece) => void (written += String(piece)) }, options);
  const s = '01JBAAAAAAAAAAAAAAAAAAAAAA';
  const data = 'payload';
  const record = { ev: 'msg', s, t: 1, dir: 'in', op: 1, len: 7, wire: 13, data } as const;
  await converter.convert(record, Buffer.alloc(0));
  return written.trimEnd().split('\n').at(-1)!;
}

t.test('each name stands above its column', async (t) => {
  for (const times of ['clock', 'relative', 'delta'] as const) {
    const [names = '', ...others] = legendText(false, times).trimEnd().split('\n');
    const line = await lineOf(times);
    t.equal(names.indexOf('sess'), line.indexOf('AAAA'), times);
    t.equal(names.indexOf('kind'), line.indexOf('text'), times);
    t.equal(names.indexOf('bytes') + 4, line.indexOf('7'), times);
    t.equal(names.indexOf('payload'), line.indexOf('payload'), times);
    t.ok(
      others.every((other) => other.length <= 130),
      'it fits a terminal',
    );
  }
});

t.test('colors are explained where there are some', async (t) => {
  const plain = legendText(false, 'clock');
  const colored = legendText(true, 'clock');
  t.notMatch(plain, /\u001b|red|color/); // eslint-disable-line no-control-regex
  t.match(colored, '\u001b[31mred\u001b[0m a failure');
  t.match(colored, '\u001b[32msess\u001b[0m the end of');
});
