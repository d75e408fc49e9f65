import { createHash, randomBytes } from 'node:crypto';
import t from 'tap';
import { sha1 } from '../../src/handshake/sha1.js';

t.test('RFC 3174 §7.3', (t) => {
  t.equal(sha1('abc').toString('hex'), 'a9993e364706816aba3e25717850c26c9cd0d89d');
  t.equal(
    sha1('abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq').toString('hex'),
    '84983e441c3bd26ebaae4aa1f95129e5e54670f1',
  );
  t.equal(sha1('a'.repeat(1e6)).toString('hex'), '34aa973cd4c4daa4f61eeb2bdbad27316534016f');
  t.end();
});

t.test('the same as OpenSSL for every length around a block, and all bytes', (t) => {
  for (let length = 0; length <= 200; length++) {
    const text = randomBytes(length).toString('latin1');
    const expected = createHash('sha1').update(text, 'latin1').digest('hex');
    t.equal(sha1(text).toString('hex'), expected, `${length} bytes`);
  }
  t.end();
});
