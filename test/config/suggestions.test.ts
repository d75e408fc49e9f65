import t from 'tap';
import { type Option, flagOf } from '../../src/config/options/option.js';
import { OPTIONS } from '../../src/config/options/options.js';
import { didYouMean, habitOf, nearestName } from '../../src/config/suggestions.js';

t.test('what others call it', async (t) => {
  for (const [name, key] of [
    ['port', 'listen'],
    ['p', 'listen'],
    ['listenPort', 'listen'],
    ['MAX_PAYLOAD', 'maxMessage'],
    ['ws-max-size', 'maxMessage'],
    ['web', 'static'],
    ['verbose', 'logLevel'],
    ['session', 'replaySession'],
    ['connect-timeout', 'targetConnectTimeout'],
  ] as const)
    t.match(habitOf(name), { key }, name);
  t.match(habitOf('cert'), { key: 'tlsCert' });
  t.match(habitOf('ssl'), { clause: /--tls-cert/ });
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

const NAMES = ['listen', 'echo', 'maxMessage', 'maxHead', 'maxHeaders', 'logLevel'];

t.test('the nearest name', async (t) => {
  for (const [given, name] of [
    ['echo', 'echo'],
    ['ecko', 'echo'],
    ['lisen', 'listen'],
    ['max-message', 'maxMessage'],
    ['MAX_MESSAGE', 'maxMessage'],
    ['maxmesage', 'maxMessage'],
    ['maxMassages', 'maxMessage'],
    ['maxHeader', 'maxHeaders'],
    ['loglvl', 'logLevel'],
  ] as const) {
    t.equal(nearestName(given, NAMES), name, given);
  }
});

t.test('another word is no slip', async (t) => {
  for (const given of ['', 'x', 'tcp', 'port', 'maxPayload', 'verbose', 'maxMessageAndMore']) {
    t.equal(nearestName(given, NAMES), null, given);
  }
});

t.test('the question', async (t) => {
  t.equal(didYouMean('ecko', NAMES), '; did you mean echo?');
  t.equal(didYouMean('port', NAMES), '');
});
