import t from 'tap';
import { ConvertReport } from '../../../src/cli/convert/report.js';

class Screen {
  text = '';
  nowMs = 5000;
  readonly report = new ConvertReport(
    { write: (text: string) => (this.text += text) },
    () => this.nowMs,
  );

  take(): string {
    const { text } = this;
    this.text = '';
    return text;
  }
}

t.test('notes and damage', async (t) => {
  const screen = new Screen();
  screen.report.note('a\u001b is there');
  screen.report.damaged('a.ndjson', 12, 'it is not JSON');
  screen.report.end();
  t.equal(
    screen.take(),
    'twist: a\\u001b is there\ntwist: a.ndjson line 12: it is not JSON; skipped\n',
  );
  t.equal(screen.report.damagedLines, 1);
});

t.test('after twenty damaged lines they are counted', async (t) => {
  for (const [lines, end] of [
    [20, ''],
    [21, 'twist: 1 more damaged line skipped\n'],
    [1000, 'twist: 980 more damaged lines skipped\n'],
  ] as const) {
    const screen = new Screen();
    for (let line = 1; line <= lines; line++) screen.report.damaged('a', line, 'bad');
    t.equal(screen.take().split('\n').length, 21);
    screen.report.end();
    t.equal(screen.take(), end);
    t.equal(screen.report.damagedLines, lines);
  }
});

t.test('progress for who has to wait, now and then, and nothing stays of it', async (t) => {
  const screen = new Screen();
  const at = (nowMs: number, bytes: number): void => {
    screen.nowMs = 5000 + nowMs;
    screen.report.progress({ bytes, totalBytes: 300e6, records: 12_345 });
  };
  at(500, 50e6);
  at(999, 99e6);
  t.equal(screen.take(), '');
  at(1000, 126e6);
  const line = '42 %  126 of 300 MB  126 MB/s  12,345 records';
  t.equal(screen.take(), `\r${line}`);
  at(1100, 150e6);
  t.equal(screen.take(), '');
  at(1200, 9e6);
  t.equal(screen.take(), `\r3 %  9 of 300 MB  8 MB/s  12,345 records${' '.repeat(5)}`);
  at(2000, 400e6);
  t.match(screen.take(), /^\r100 %/);
  screen.report.damaged('a', 1, 'bad');
  t.match(screen.take(), /^\r +\rtwist: a line 1: bad; skipped\n$/);
  at(3000, 300e6);
  const { length } = screen.take();
  screen.report.end();
  t.equal(screen.take(), `\r${' '.repeat(length - 1)}\r`);
  screen.report.end();
  t.equal(screen.take(), '');
});
