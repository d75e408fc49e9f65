import t from 'tap';
import { count } from '../../src/config/kinds.js';
import { capitalized, defaultValue, environmentNameOf, flagOf } from '../../src/config/option.js';

t.test('names are made from the key', async (t) => {
  for (const [key, flag, variable] of [
    ['echo', '--echo', 'TWIST_ECHO'],
    ['maxMessage', '--max-message', 'TWIST_MAX_MESSAGE'],
    [
      'maxConnectionsPerAddress',
      '--max-connections-per-address',
      'TWIST_MAX_CONNECTIONS_PER_ADDRESS',
    ],
  ] as const) {
    t.equal(flagOf(key), flag);
    t.equal(environmentNameOf(key), variable);
  }
});

t.test('the default is read from its text', async (t) => {
  const kind = count({ min: 1, max: 9 });
  t.equal(defaultValue({ group: 'Limits', kind, default: '7', help: '', docs: '' }), 7);
});

t.test('capitalized', async (t) => {
  t.equal(capitalized('give a size'), 'Give a size');
  t.equal(capitalized(''), '');
});
