import t from 'tap';
import { formatHostAndPort } from '../../src/net/host-and-port.js';

t.test('host and port are written with brackets around an IPv6 address', async (t) => {
  t.equal(formatHostAndPort('localhost', 1), 'localhost:1');
  t.equal(formatHostAndPort('::1', 80), '[::1]:80');
});
