import { Buffer } from 'node:buffer';
import t from 'tap';
import {
  type BasicCredentials,
  parseBasicCredentials,
  splitCredentials,
} from '../../src/handshake/basic-credentials.js';

const parse = (...values: string[]): BasicCredentials | null =>
  parseBasicCredentials([
    { name: 'host', value: 'example.com' },
    ...values.map((value) => ({ name: 'authorization', value })),
  ]);

const base64 = (bytes: string | Uint8Array): string => Buffer.from(bytes).toString('base64');

t.test('RFC 7617 §2: user and password', async (t) => {
  t.strictSame(parse('Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=='), {
    user: 'Aladdin',
    password: 'open sesame',
  });
  t.strictSame(parse(`Basic ${base64('a:b:c')}`), { user: 'a', password: 'b:c' });
  t.strictSame(parse(`Basic ${base64('a:')}`), { user: 'a', password: '' });
});

t.test('RFC 7617 §2.1: they are UTF-8', async (t) => {
  t.strictSame(parse('Basic dGVzdDoxMjPCow=='), { user: 'test', password: '123£' });
  t.strictSame(parse(`Basic ${base64('\uFEFFä:ß')}`), { user: '\uFEFFä', password: 'ß' });
  t.equal(parse(`Basic ${base64(Buffer.from('ä:b', 'latin1'))}`), null);
});

t.test('RFC 9110 §11.4: the scheme in any case, and any number of spaces', async (t) => {
  for (const value of [`basic ${base64('a:b')}`, `BASIC   ${base64('a:b')}`])
    t.strictSame(parse(value), { user: 'a', password: 'b' });
});

t.test('anything else is none', async (t) => {
  t.equal(parse(), null);
  const good = base64('a:b');
  for (const value of [
    '',
    'Basic',
    'Basic ',
    'Basics',
    'Basic=',
    `Basic${good}`,
    `Basic\t${good}`,
    `Bearer ${good}`,
    `Digest ${good}`,
    ` ${good}`,
    good,
    `Basic ${good},`,
    `Basic ${good} x`,
    `Basic ${good.slice(0, -1)}!`,
    `Basic ${base64('a:bc').replace(/=+$/, '')}`,
    'Basic YTpi====',
    'Basic YTq=',
    `Basic ${base64('a:?>?>').replaceAll('/', '_').replaceAll('+', '-')}`,
    `Basic ${base64('no colon')}`,
    `Basic ${base64(':password')}`,
    `Basic ${base64('a\0:b')}`,
    `Basic ${base64('a:b\n')}`,
    `Basic ${base64('a:b\x7f')}`,
  ]) {
    t.equal(parse(value), null, JSON.stringify(value));
  }
  t.equal(parse(`Basic ${good}`, `Basic ${good}`), null, 'two headers');
});

t.test('a text of user and password', async (t) => {
  t.strictSame(splitCredentials('user:pass word'), { user: 'user', password: 'pass word' });
  t.equal(splitCredentials('user'), null);
  t.equal(splitCredentials(':password'), null);
  t.equal(splitCredentials('user:\t'), null);
});
