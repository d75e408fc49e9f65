import { Buffer } from 'node:buffer';
import t from 'tap';
import { parseRecordedAddress, parseRecordedHost } from '../../src/net/recorded-address.js';

const CASES: readonly (readonly [text: string, hex: string | null, port: number])[] = [
  ['127.0.0.1:9001', '7f000001', 9001],
  ['[::1]:80', '00000000000000000000000000000001', 80],
  ['[fe80::1%eth0]:80', 'fe800000000000000000000000000001', 80],
  ['[::ffff:192.0.2.7]:81', 'c0000207', 81],
  ['unix', null, 0],
  ['2001:db8::5:80', null, 0],
  ['[127.0.0.1]:80', null, 0],
  ['127.0.0.1', null, 0],
  ['', null, 0],
  ['example.com:80', null, 0],
  ['127.0.0.1:port', null, 0],
  ['127.0.0.1:65536', null, 0],
];

for (const [text, hex, port] of CASES) {
  const address = parseRecordedAddress(text);
  t.strictSame(
    address && [Buffer.from(address.bytes).toString('hex'), address.port],
    hex === null ? null : [hex, port],
    JSON.stringify(text),
  );
}

for (const [text, hex] of [
  ['127.0.0.1', '7f000001'],
  ['2001:db8::5', '20010db8000000000000000000000005'],
  ['fe80::1%eth0', 'fe800000000000000000000000000001'],
  ['unix', null],
  ['', null],
] as const) {
  const bytes = parseRecordedHost(text);
  t.equal(bytes && Buffer.from(bytes).toString('hex'), hex, JSON.stringify(text));
}
