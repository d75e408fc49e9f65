import t from 'tap';
import { habitOf } from '../../src/config/habits.js';
import { flagOf, type Option } from '../../src/config/options/option.js';
import { OPTIONS } from '../../src/config/options/options.js';

t.test('what others call it', async (t) => {
  for (const [name, key] of [
    ['port', 'listen'],
    ['p', 'listen'],
    ['listenPort', 'listen'],
    ['MAX_PAYLOAD', 'maxMessage'],
    ['ws-max-size', 'maxMessage'],
    ['web', 'static'],
    ['verbose', 'logLevel'],
  ] as const)
    t.match(habitOf(name), { key }, name);
  t.match(habitOf('cert'), { clause: /TLS/ });
  t.match(habitOf('D'), { clause: /foreground/ }, 'a letter, by its case');
  t.match(habitOf('d'), { key: 'logLevel' });
  for (const name of ['', 'echo', 'P', 'constructor', 'xyz']) t.equal(habitOf(name), null, name);
});

t.test('habits lead to options that there are, and no option is taken for a habit', async (t) => {
  const rows: Readonly<Record<string, Option>> = OPTIONS;
  for (const name of [
    'port',
    'host',
    'target',
    'token',
    'verbose',
    'web',
    'f',
    'path',
    'timeout',
  ]) {
    const habit = habitOf(name);
    t.ok(habit !== null && 'key' in habit && habit.key in rows, name);
  }
  for (const key of Object.keys(OPTIONS)) {
    t.equal(habitOf(key), null, key);
    t.equal(habitOf(flagOf(key).slice(2)), null, key);
  }
});
