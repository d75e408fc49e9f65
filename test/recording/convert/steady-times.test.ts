import t from 'tap';
import { steadyTimes } from '../../../src/recording/convert/steady-times.js';
import type { AnyRecord } from '../../../src/recording/format/record.js';
import type { Converter } from '../../../src/recording/convert/converter.js';
import { FILE, RecordedLines } from '../../fixtures/recorded-lines.js';

const a = new RecordedLines('A');
const b = new RecordedLines('B');
const GAP = { ev: 'gap', t: 3, since: 2, records: 1, error: 'ENOSPC' } as const;

/** The records that come out. */
async function steadied(records: readonly AnyRecord[]): Promise<AnyRecord[]> {
  const out: AnyRecord[] = [];
  let isFinished = false;
  const converter = steadyTimes({
    convert: (record) => void out.push(record),
    finish: () => Promise.resolve(void (isFinished = true)),
  });
  for (const record of records) await converter.convert(record, new Uint8Array(0));
  await converter.finish();
  t.ok(isFinished);
  return out;
}

t.test('times that go on are not touched', async (t) => {
  const records = [
    FILE,
    a.open({ t: 10 }),
    a.in('1', { t: 10 }),
    GAP,
    a.close('client', { t: 11 }),
  ];
  const out = await steadied(records);
  t.equal(out.length, records.length);
  for (const [index, record] of records.entries()) t.equal(out[index], record);
});

t.test('a clock that was set back moves what comes after, and nothing else', async (t) => {
  const out = await steadied([
    a.open({ t: 5000 }),
    a.in('1', { t: 5001 }),
    a.out('2', { t: 1401.25 }),
    b.open({ t: 1402 }),
    a.in('3', { t: 1403.25 }),
    a.in('4', { t: 1000 }),
    b.in('5', { t: 1404 }),
    a.close('client', { t: 1000.5 }),
  ]);
  t.strictSame(
    out.map(({ t }) => t),
    [5000, 5001, 5001, 1402, 5003, 5003, 1404, 5003.5],
  );
});

t.test('a session that is over, or begins again, is another one', async (t) => {
  const out = await steadied([
    a.in('stray', { t: 9 }),
    a.open({ t: 8 }),
    a.close('client', { t: 8 }),
    a.in('behind its end', { t: 7 }),
  ]);
  t.strictSame(
    out.map(({ t }) => t),
    [9, 8, 8, 7],
  );
});

t.test('what waits is written when it is asked for', async (t) => {
  const converter: Converter = { convert: () => undefined, finish: () => Promise.resolve() };
  await steadyTimes(converter).flush?.();
  let flushes = 0;
  const flush = (): Promise<void> => {
    flushes++;
    return Promise.resolve();
  };
  await steadyTimes({ ...converter, flush }).flush?.();
  t.equal(flushes, 1);
});

t.test('what the next converter has given up is told', (t) => {
  const next: Converter = { convert: () => undefined, finish: () => Promise.resolve() };
  t.equal(steadyTimes({ ...next, givenUp: 3 }).givenUp, 3);
  t.equal(steadyTimes(next).givenUp, undefined);
  t.end();
});
