import t from 'tap';
import { LineScan } from '../../../src/inspect/store/line-scan.js';
import { SessionTable, type TableLimits } from '../../../src/inspect/store/session-table.js';
import { RecordedLines } from '../../fixtures/recorded-lines.js';

const LIMITS: TableLimits = { maxEnded: 2, maxSessions: 5, areRecordsLeaving: true };

const opened = (table: SessionTable, name: string, fields = {}) =>
  table.opened(new RecordedLines(name).open(fields));

const namesOf = (table: SessionTable): string =>
  [...table.values()].map(({ name }) => name).join('');

t.test('a row', async (t) => {
  const table = new SessionTable(LIMITS);
  const entry = opened(table, 'A', {
    id: 7,
    url: `/\u202e${'x'.repeat(3000)}`,
    subprotocol: 'chat',
    extensions: 'permessage-deflate',
    tls: 'TLSv1.3',
    worker: 3,
  });
  const row = entry.row();
  t.match(row, {
    s: 'A',
    id: 7,
    subprotocol: 'chat',
    extensions: 'permessage-deflate',
    tls: 'TLSv1.3',
    worker: 3,
  });
  t.match(row.url, /^\/\\u202ex+…$/);
  t.equal(row.url.length < 2100, true);
  t.notOk('isPartial' in row || 'close' in row || 'openRecord' in row);
  const scan = new LineScan();
  scan.take(new RecordedLines('A').in('abc', { t: 1005 }));
  table.counted(entry, scan, true, true);
  scan.take(new RecordedLines('A').control('out', 9, Buffer.alloc(3), 1006));
  table.counted(entry, scan, false, false);
  t.match(entry.row(), {
    in: { msgs: 1, bytes: 3 },
    out: { msgs: 0, bytes: 0 },
    opened: 1000,
    last: 1006,
  });
  table.closed(
    entry,
    new RecordedLines('A').close('server', {
      in: { msgs: 9, bytes: 90 },
      rule: 'frame-unmasked',
      code: 1002,
    }),
  );
  table.closed(entry, new RecordedLines('A').close('server', { in: { msgs: 9, bytes: 90 } }));
  t.match(entry.row(), { in: { msgs: 9, bytes: 90 }, close: { by: 'server', code: 1000 } });
  t.equal(table.openCount, 0, 'counted once');
  const stray = table.of('B', 5).row();
  t.match(stray, { s: 'B', id: 0, remote: '', tls: null, isPartial: true });
  t.equal(table.of('B', 6), table.find('B'));
});

t.test('those that are over and have no records are bounded, and so are all', async (t) => {
  const table = new SessionTable(LIMITS);
  const gone: string[] = [];
  table.onGone.add((name) => gone.push(name));
  const end = (name: string): void => {
    const entry = table.find(name)!;
    entry.records = 1;
    table.closed(entry, new RecordedLines(name).close());
    table.forgotRecord(entry.slot);
  };
  for (const name of 'ABCD') opened(table, name);
  for (const name of 'ABC') end(name);
  t.strictSame(gone, ['A']);
  t.equal(namesOf(table), 'BCD');
  for (const name of 'EFGH') opened(table, name);
  t.strictSame(gone, ['A', 'B', 'C'], 'those that are over go first');
  t.equal(namesOf(table), 'DEFGH');
  opened(table, 'I');
  t.equal(namesOf(table), 'EFGHI', 'then the first of those that are open');
  table.find('F')!.records = 1;
  table.closed(table.find('F')!, new RecordedLines('F').close());
  opened(table, 'J');
  t.equal(namesOf(table), 'EGHIJ', 'one with records goes before one that is open');
  opened(table, 'J', { id: 2 });
  t.equal(table.find('J')!.row().id, 2, 'the same name again is another session');
  t.equal(gone.at(-1), 'J');
  const before = table.bytes;
  opened(table, 'K');
  t.ok(table.bytes <= before, 'what they take does not grow');
});

t.test('many open ones: not all are looked at', async (t) => {
  const table = new SessionTable({ ...LIMITS, maxSessions: 100 });
  for (let one = 0; one < 101; one++) opened(table, `S${one}`);
  t.equal(table.size, 100);
  t.equal(table.find('S0'), undefined);
  const none = new SessionTable({ ...LIMITS, maxSessions: 0 });
  opened(none, 'A');
  t.equal(none.size, 1, 'the newest stays');
});

t.test('slots are used again once nothing needs them', async (t) => {
  const table = new SessionTable({ ...LIMITS, maxSessions: 1 });
  const a = opened(table, 'A');
  a.records = 1;
  const b = opened(table, 'B');
  t.ok(a.isRemoved);
  t.equal(table.at(a.slot), a, 'its record is there');
  const held = table.bytes;
  table.forgotRecord(a.slot);
  t.ok(table.bytes < held);
  t.equal(table.at(a.slot), undefined);
  table.changed(a);
  t.equal(opened(table, 'C').slot, a.slot);
  t.ok(b.isRemoved);
  const file = new SessionTable({ ...LIMITS, maxSessions: 1, areRecordsLeaving: false });
  const first = opened(file, 'A');
  first.records = 1;
  opened(file, 'B');
  t.equal(file.at(first.slot), undefined, 'where no record leaves, the session goes all the same');
  t.not(opened(file, 'C').slot, first.slot, 'but not its number');
});

t.test('what has changed since', async (t) => {
  const table = new SessionTable({ ...LIMITS, maxSessions: 10 });
  const asked = (since: number, max = 10): [string, number] => {
    const { entries, stamp } = table.changedSince(since, max);
    return [entries.map(({ name }) => name).join(''), stamp];
  };
  t.strictSame(asked(0), ['', 0]);
  for (const name of 'ABC') opened(table, name);
  const [two, at] = asked(0, 2);
  t.equal(two, 'AB');
  const [rest, now] = asked(at);
  t.equal(rest, 'C');
  t.strictSame(asked(now), ['', now]);
  table.changed(table.find('A')!);
  table.changed(table.find('A')!);
  table.changed(table.find('B')!);
  t.strictSame(asked(now)[0], 'AB');
  t.strictSame(asked(0)[0], 'CAB', 'another page sees all of them');
  opened(table, 'B');
  t.strictSame(asked(0)[0], 'CAB');
  opened(table, 'C');
  t.strictSame(asked(0)[0], 'ABC');
});

t.test('the sessions of a worker that has died', async (t) => {
  const table = new SessionTable(LIMITS);
  opened(table, 'A', { worker: 1 });
  opened(table, 'B', { worker: 2 });
  opened(table, 'C', { worker: 1 });
  table.closed(table.find('C')!, new RecordedLines('C').close());
  table.workerDied(1, 2000);
  t.match(table.find('A')!.row().close, { t: 2000, by: 'lost', code: 1006 });
  t.ok(table.find('B')!.isOpen);
  t.equal(table.find('C')!.row().close!.by, 'client');
});
