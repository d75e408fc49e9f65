import t from 'tap';
import { newSessionName } from '../../../src/recording/write/session-name.js';

t.test('a ULID: 26 characters, by time, and no two are equal', async (t) => {
  const names = Array.from({ length: 1000 }, () => newSessionName(1_469_918_176_385));
  t.equal(new Set(names).size, 1000);
  // The time of the example in the specification of ULID.
  for (const name of names) t.match(name, /^01ARYZ6S41[0-9A-HJKMNP-TV-Z]{16}$/);
  t.ok(newSessionName(1_469_918_176_386.7) > names.sort().at(-1)!);
});
