import t from 'tap';
import { loggable } from '../../../src/handshake/redaction/loggable.js';

t.test('a header for the log', async (t) => {
  t.equal(loggable(''), '');
  t.equal(loggable('https://example.com:8443'), 'https://example.com:8443');
  t.equal(loggable('a\tb\x1b[2J\x7f\x9b\xe4~'), 'a\\x09b\\x1b[2J\\x7f\\x9b\\xe4~');
  t.equal(loggable('a'.repeat(200)), 'a'.repeat(200));
  t.equal(loggable('\xff'.repeat(8000)), `${'\\xff'.repeat(200)}...`);
});
