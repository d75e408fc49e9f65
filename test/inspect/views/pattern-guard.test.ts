import t from 'tap';
import { patternOf, testGuarded } from '../../../src/inspect/views/pattern-guard.js';

const matches = (pattern: RegExp, texts: readonly string[]): readonly boolean[] =>
  testGuarded(pattern, texts) ?? [];

const EVIL = 'a'.repeat(40) + '!';

t.test('which texts match', async (t) => {
  const texts = ['one', 'two', 'three', ''];
  t.strictSame([...matches(/e$/, texts)], [true, false, true, false]);
  t.strictSame([...matches(/h/g, ['he', 'he'])], [true, true], 'each from its beginning');
  t.strictSame([...matches(/x/, [])], []);
});

t.test('an expression that takes for ever is stopped', async (t) => {
  const evil = [/(a+)+$/, /(a|a)*b/, /^(?=(a+)+$)/, /(a*)*\1b/i, /([a-z]+)*\d/i];
  for (const pattern of evil)
    t.equal(testGuarded(pattern, ['b', EVIL, 'c']), null, String(pattern));
  t.strictSame([...matches(/(a+)+$/, ['b', 'aaa'])], [false, true], 'and what follows works');
});

t.test('one that takes long on several texts is stopped, too', async (t) => {
  // About a tenth of a second each, on any machine of these days.
  const slow = Array.from({ length: 200 }, () => `${'a'.repeat(25)}!`);
  const endMs = performance.now() + 20_000;
  const results = testGuarded(/(a+)+$/, slow);
  t.ok(results === null || results.length === slow.length);
  t.ok(performance.now() < endMs, 'nobody waits for long');
});

t.test('another fault is not hidden', async (t) => {
  t.throws(() => testGuarded(/a/, [undefined as never]), TypeError);
});

t.test('patterns', async (t) => {
  t.strictSame(patternOf('a', false), /a/i);
  t.strictSame(patternOf('a', true), /a/);
  t.equal(patternOf('(', true), 'unterminated group');
});
