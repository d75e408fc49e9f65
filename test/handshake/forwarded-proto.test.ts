import t from 'tap';
import { forwardedScheme } from '../../src/handshake/forwarded-proto.js';

t.test('how the client has come to the proxies in front', async (t) => {
  const table: readonly (readonly [scheme: string | null, ...values: string[]])[] = [
    ['http', 'http'],
    ['http', 'WS'],
    ['https', 'https'],
    ['https', 'Https'],
    ['https', 'wss'],
    ['https', 'https, wss'],
    ['https', 'https', ' https '],
    [null],
    [null, ''],
    [null, ','],
    [null, 'ftp'],
    [null, 'toString'],
    // They do not agree: TLS may have ended at either.
    [null, 'https, http'],
    [null, 'http', 'https'],
    [null, 'https, spdy'],
  ];
  for (const [scheme, ...values] of table) {
    const headers = values.map((value) => ({ name: 'x-forwarded-proto', value }));
    t.equal(
      forwardedScheme([{ name: 'forwarded', value: 'proto=http' }, ...headers]),
      scheme,
      JSON.stringify(values),
    );
  }
});
