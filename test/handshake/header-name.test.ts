import t from 'tap';
import { readHeaderName } from '../../src/handshake/header-name.js';
import { TOKEN_BYTES } from '../../src/net/byte-table.js';

const read = (text: string): string => {
  const bytes = Buffer.from(`>${text}:`, 'latin1');
  return readHeaderName(bytes, 1, 1 + text.length);
};

t.test('a name in lowercase, whether it is one of the usual ones or not', async (t) => {
  for (const name of ['Host', 'HOST', 'host', 'Sec-WebSocket-Extensions', 'X-Forwarded-For'])
    t.equal(read(name), name.toLowerCase());
  for (const name of ['Hoss', 'X', 'Accept-Encodinh', 'X-Nobody-Knows-This', 'x_forwarded_for'])
    t.equal(read(name), name.toLowerCase());
});

t.test('no other token is taken for a usual name', async (t) => {
  for (const usual of ['host', 'user-agent', 'sec-websocket-key']) {
    for (let at = 0; at < usual.length; at++) {
      for (let byte = 0; byte < 256; byte++) {
        if (TOKEN_BYTES[byte] !== 1) continue;
        const other = usual.slice(0, at) + String.fromCharCode(byte) + usual.slice(at + 1);
        if (read(other) !== other.toLowerCase()) t.fail(other);
      }
    }
  }
});
