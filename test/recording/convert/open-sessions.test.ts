import t from 'tap';
import { OpenSessions } from '../../../src/recording/convert/open-sessions.js';

t.test('what is kept until a session is over', async (t) => {
  const sessions = new OpenSessions<number>(100);
  t.strictSame(sessions.set('A', 1), []);
  t.strictSame(sessions.set('B', 2), []);
  t.equal(sessions.get('A'), 1);
  t.equal(sessions.get('C'), undefined);
  sessions.delete('C');
  t.strictSame(sessions.set('A', 3), [], 'it begins again, and is the newest');
  t.equal(sessions.size, 2);
  t.strictSame(sessions.takeAll(), [2, 3]);
  t.equal(sessions.size, 0);
  sessions.set('B', 2);
  sessions.delete('B');
  t.strictSame(sessions.takeAll(), []);
  t.equal(sessions.givenUp, 0);
});

t.test('at the bound the one that has said nothing for longest goes', async (t) => {
  // Three of them with names of one character.
  const sessions = new OpenSessions<string>(98, 300);
  for (const name of ['A', 'B', 'C']) t.strictSame(sessions.set(name, name), [], 'at the limit');
  sessions.get('A');
  t.strictSame(sessions.set('D', 'D'), ['B'], 'one past it');
  t.strictSame(sessions.set('E', 'E'), ['C']);
  sessions.get('A');
  for (const name of ['D', 'E']) sessions.get(name);
  t.strictSame(sessions.set('F', 'F'), ['D'], 'where all are active, the first');
  t.strictSame(sessions.takeAll(), ['A', 'E', 'F']);
  t.equal(sessions.givenUp, 3);
});

t.test('a long name counts; the newest stays whatever it takes', async (t) => {
  const sessions = new OpenSessions<string>(98, 300);
  sessions.set('A', 'A');
  t.strictSame(sessions.set('long'.repeat(100), 'long'), ['A']);
  t.strictSame(sessions.set('B', 'B'), ['long']);
  t.strictSame(sessions.takeAll(), ['B']);
});

t.test('twice and four times as many that never end', async (t) => {
  for (const count of [1000, 2000, 4000]) {
    const sessions = new OpenSessions<number>(100, 50_000);
    let gone = 0;
    for (let number = 0; number < count; number++) {
      sessions.get(String(number - 1));
      gone += sessions.set(String(number), number).length;
    }
    t.ok(sessions.size < 500);
    t.equal(gone, sessions.givenUp);
    t.equal(sessions.size + gone, count);
  }
});
