import t from 'tap';
import { didYouMean, nearestName } from '../../src/config/nearest-name.js';

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
