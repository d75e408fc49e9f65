import t from 'tap';
import type { PageNews, Row } from '../../../../src/inspect/page-protocol.js';
import {
  directionName,
  factsOf,
  kindName,
  lossText,
  memoryText,
  opcodeText,
  timeText,
} from '../../../../web/inspect/model/wording.js';

const ROW: Row = { n: 1, s: 's', t: 1790000000.25, kind: 'text', preview: '' };
const STATE: Extract<PageNews, { news: 'state' }> = {
  news: 'state',
  records: 10,
  forgotten: 0,
  lost: 0,
  damaged: 0,
  usedBytes: 0,
};

t.test('times', async (t) => {
  t.match(timeText(ROW, 'clock', 0), /^\d\d:\d\d:\d\d\.250$/);
  t.equal(timeText(ROW, 'relative', 1789999990), '10.250');
  t.equal(timeText(ROW, 'gap', 0), '');
  t.equal(timeText({ ...ROW, gap: 0.0032 }, 'gap', 0), '+3.2\u00a0ms');
});

t.test('kinds and directions', async (t) => {
  t.equal(kindName({ kind: 'pong' }), 'Pong');
  t.equal(kindName({ kind: 'binary', part: 'first' }), 'Binary, first piece');
  t.equal(opcodeText(10), 'opcode 0xa');
  t.equal(directionName('in'), 'from the client');
  t.equal(directionName('out'), 'to the client');
});

t.test('what is known of a record', async (t) => {
  t.strictSame(factsOf(ROW), []);
  t.strictSame(
    factsOf({ ...ROW, len: 2048, wire: 1000, op: 1, ordinal: 1234, dir: 'out', gap: 0.5 }).map(
      (fact) => fact.replaceAll('\u00a0', ' '),
    ),
    [
      '2 KiB (2,048 bytes)',
      '1000 B on the wire',
      'opcode 0x1',
      'number 1,234 out',
      '500 ms after the one before',
    ],
  );
  t.strictSame(factsOf({ ...ROW, len: 5 }), ['5\u00a0B']);
});

t.test('what is not there', async (t) => {
  t.equal(lossText(STATE), null);
  t.equal(lossText({ ...STATE, forgotten: 1234 }), '1,234 older records had to make room.');
  t.equal(
    lossText({ ...STATE, forgotten: 1, lost: 2, damaged: 1 }),
    '1 older record had to make room; 2 records came faster than the inspector could take; 1 line could not be read.',
  );
  const long = { tooLong: 1, maxLineBytes: 128 * 1024 ** 2 };
  t.equal(lossText({ ...STATE, ...long }), '1 line of more than 128\u00a0MiB is left out.');
  t.equal(
    lossText({ ...STATE, ...long, tooLong: 2, damaged: 1 }),
    '1 line could not be read; 2 lines of more than 128\u00a0MiB are left out.',
  );
  t.equal(memoryText(1024, 2048), '1\u00a0KiB of 2\u00a0KiB');
});
