import t from 'tap';
import { type ListenAddress, parseListenAddress } from '../../src/net/socket-address.js';
import { loopbackWarning } from '../../src/config/loopback-warning.js';
import type { Provided, Source } from '../../src/config/settings.js';

function listen(text: string, source: Source = 'flag'): Provided<readonly ListenAddress[]> {
  const value = text.split(',').map((one) => parseListenAddress(one)!);
  return { value, source, from: '(not looked at)' };
}

const EVERYWHERE = listen(':9001', 'preset');

t.test('an image that can be reached, told to listen where it cannot', async (t) => {
  for (const text of ['8080', '127.0.0.9:80', '[::1]:80', 'localhost:80', '81,[::1]:82'])
    t.match(loopbackWarning(listen(text), EVERYWHERE), 'can reach; :PORT is every address');
  t.equal(
    loopbackWarning(listen('8080'), EVERYWHERE),
    '--listen is 127.0.0.1:8080, which nothing outside of this machine or container can reach; :PORT is every address',
  );
});

t.test('all is well', async (t) => {
  for (const text of [':80', '0.0.0.0:80', '80,:81', 'unix:/a', 'unix:/a,80', 'example.com:80'])
    t.equal(loopbackWarning(listen(text), EVERYWHERE), null, text);
  t.equal(loopbackWarning(listen('80'), undefined), null, 'no image');
  t.equal(
    loopbackWarning(listen('80'), listen('9001', 'preset')),
    null,
    'an image that is as the default',
  );
  t.equal(loopbackWarning(listen('80', 'preset'), listen('80', 'preset')), null);
});
