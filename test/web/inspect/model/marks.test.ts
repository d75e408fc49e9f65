import t from 'tap';
import { type Sought, marksIn } from '../../../../web/inspect/model/marks.js';

const drawn = (text: string, sought: Partial<Sought>): string =>
  marksIn(text, { text: '', isPattern: false, isCaseSensitive: false, ...sought })
    .map(({ text, isMatch }) => (isMatch ? `[${text}]` : text))
    .join('');

t.test('matches are marked', async (t) => {
  const cases: readonly [string, Partial<Sought>, string][] = [
    ['hello', {}, 'hello'],
    ['Hello hello', { text: 'hello' }, '[Hello] [hello]'],
    ['Hello hello', { text: 'hello', isCaseSensitive: true }, 'Hello [hello]'],
    ['a.b axb', { text: 'a.b' }, '[a.b] axb'],
    ['a.b axb', { text: 'a.b', isPattern: true }, '[a.b] [axb]'],
    ['abc', { text: '(', isPattern: true }, 'abc'],
    ['abc', { text: 'x*', isPattern: true }, 'abc'],
    ['', { text: 'x' }, ''],
  ];
  for (const [text, sought, result] of cases) t.equal(drawn(text, sought), result, text);
  t.ok(
    marksIn('x '.repeat(5000), { text: 'x', isPattern: false, isCaseSensitive: false }).length <
      600,
  );
});
