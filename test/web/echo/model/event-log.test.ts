import t from 'tap';
import { EventLog } from '../../../../web/echo/model/event-log.js';

t.test('lines in order, with what is to be known of them', async (t) => {
  const log = new EventLog();
  log.add({ kind: 'opened', text: 'ws://a/' }, 1);
  log.add({ kind: 'sent', payload: 'ä' }, 2);
  log.add({ kind: 'received', payload: Uint8Array.of(1), verdict: { kind: 'different' } }, 3);
  t.strictSame(log.entries, [
    { kind: 'opened', text: 'ws://a/', id: 1, time: 1, size: 0, isCut: false },
    { kind: 'sent', payload: 'ä', id: 2, time: 2, size: 2, isCut: false },
    {
      kind: 'received',
      payload: Uint8Array.of(1),
      verdict: { kind: 'different' },
      id: 3,
      time: 3,
      size: 1,
      isCut: false,
    },
  ]);
  log.clear();
  t.match(log, { entries: [], left: 3 });
  log.add({ kind: 'note', text: 'a' }, 4);
  t.equal(log.entries[0]?.id, 4, 'no two have the same id');
});

t.test('the oldest leave', async (t) => {
  const log = new EventLog({ lines: 3, each: 4, all: 10 });
  for (const text of ['a', 'b', 'c', 'd']) log.add({ kind: 'note', text }, 0);
  t.strictSame(
    log.entries.map(({ id }) => id),
    [2, 3, 4],
  );
  t.equal(log.left, 1);
  log.add({ kind: 'sent', payload: 'abcdef' }, 0);
  t.match(log.entries.at(-1), { payload: 'abcd', size: 6, isCut: true });
  log.add({ kind: 'sent', payload: Uint8Array.of(1, 2, 3, 4, 5) }, 0);
  t.equal(log.entries.length, 3);
  log.add({ kind: 'sent', payload: 'ghij' }, 0);
  t.strictSame(
    log.entries.map(({ id }) => id),
    [6, 7],
    'all of them together were too much',
  );
  t.equal(log.left, 5);
  const tiny = new EventLog({ lines: 3, each: 4, all: 2 });
  tiny.add({ kind: 'sent', payload: 'abc' }, 0);
  t.equal(tiny.entries.length, 1, 'one stays');
});
