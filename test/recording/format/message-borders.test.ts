import t from 'tap';
import { type Borders, MessageBorders } from '../../../src/recording/format/message-borders.js';
import type { Direction, MessageRecord } from '../../../src/recording/format/record.js';

type Part = MessageRecord['part'] | 'whole';

function take(borders: MessageBorders, dir: Direction, part: Part): string {
  const record = part === 'whole' ? { dir } : { dir, part };
  const { isFirst, isLast, isPreviousOpen }: Borders = borders.take(record as MessageRecord);
  return `${isFirst ? 'F' : '-'}${isLast ? 'L' : '-'}${isPreviousOpen ? ' open' : ''}`;
}

t.test('whole messages and pieces, each direction by itself', async (t) => {
  const borders = new MessageBorders();
  for (const [dir, part, expected] of [
    ['in', 'whole', 'FL'],
    ['in', 'first', 'F-'],
    ['out', 'whole', 'FL'],
    ['out', 'first', 'F-'],
    ['in', 'middle', '--'],
    ['out', 'last', '-L'],
    ['in', 'last', '-L'],
    ['in', 'whole', 'FL'],
  ] as const) {
    t.equal(take(borders, dir, part), expected, `${dir} ${part}`);
  }
});

t.test('pieces that are missing', async (t) => {
  for (const [parts, expected] of [
    [
      ['middle', 'last'],
      ['F-', '-L'],
    ],
    [
      ['last', 'whole'],
      ['FL', 'FL'],
    ],
    [
      ['first', 'first', 'last'],
      ['F-', 'F- open', '-L'],
    ],
    [
      ['first', 'middle', 'whole', 'whole'],
      ['F-', '--', 'FL open', 'FL'],
    ],
  ] as const) {
    const borders = new MessageBorders();
    t.strictSame(
      parts.map((part) => take(borders, 'out', part)),
      expected,
    );
  }
});
