import t from 'tap';
import {
  fileNameExpression,
  parseFileNamePattern,
  timeStamp,
} from '../../../src/recording/file/file-name-pattern.js';

const TIME_MS = Date.UTC(2026, 10, 3, 4, 5, 6, 7);

t.test('each field, in UTC', async (t) => {
  for (const [text, name] of [
    ['traffic.ndjson', 'traffic.ndjson'],
    ['%Y/%m/%d.ndjson', '2026/11/03.ndjson'],
    ['a-%H%M%S', 'a-040506'],
    ['%j', '307'],
    ['%s', String(Math.floor(TIME_MS / 1000))],
    ['a-%w%w', 'a-11'],
    ['%%w', '%w'],
    ['100%%', '100%'],
    ['%%Y', '%Y'],
    ['%%%Y', '%2026'],
    ['', ''],
  ] as const)
    t.equal(parseFileNamePattern(text)?.format(TIME_MS), name, text);
  t.equal(parseFileNamePattern('a-%w-%Y', 17)?.format(TIME_MS), 'a-17-2026', 'of a worker');
  t.equal(parseFileNamePattern('%j')?.format(Date.UTC(2028, 0, 1)), '001');
  t.equal(parseFileNamePattern('%j')?.format(Date.UTC(2028, 11, 31, 23, 59, 59)), '366');
});

t.test('whether it is the same at all times', async (t) => {
  t.equal(parseFileNamePattern('a')?.isFixed, true);
  t.equal(parseFileNamePattern('a%%')?.isFixed, true);
  t.equal(parseFileNamePattern('a%w')?.isFixed, true);
  t.equal(parseFileNamePattern('a%S')?.isFixed, false);
  t.equal(parseFileNamePattern('a%w%S')?.isFixed, false);
});

t.test('any other letter is refused', async (t) => {
  for (const text of ['%', 'a%', '%y', '%-d', '% Y', '%%%', '%é', '%F', 'a\0'])
    t.equal(parseFileNamePattern(text), null, JSON.stringify(text));
});

t.test('a time in a name', async (t) => {
  t.equal(timeStamp(TIME_MS), '20261103T040506.007Z');
});

t.test('an expression for the names that a pattern makes', async (t) => {
  for (const [text, right, wrong] of [
    ['a.b', 'a.b', 'axb'],
    ['a+(%Y-%m-%d)', 'a+(2026-11-03)', 'a+(26-11-03)'],
    ['%H%M%S.%j', '040506.307', '040506x307'],
    ['%s', '1790000000', ''],
    ['a-%w', 'a-1', 'a-x'],
    ['100%%', '100%', '100'],
    ['%%Y', '%Y', '2026'],
  ] as const) {
    const expression = new RegExp(`^${fileNameExpression(text)}$`);
    t.match(right, expression);
    t.notMatch(wrong, expression);
    t.match(parseFileNamePattern(text)!.format(TIME_MS), expression);
  }
});
