/** The client's half of an opening handshake (RFC 6455 §4.1), as little of it as an honest measurement needs. */
import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const ACCEPT = createHash('sha1')
  .update(`${KEY}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
  .digest('base64');

/** What a browser offers. */
const DEFLATE_OFFER = 'permessage-deflate; client_max_window_bits';

/**
 * The request. Without `offersDeflate` it offers no extension, so that no peer compresses.
 * @param {number} port
 * @param {{ offersDeflate?: boolean }} [options]
 */
export function openingRequest(port, { offersDeflate = false } = {}) {
  return Buffer.from(
    [
      'GET / HTTP/1.1',
      `Host: 127.0.0.1:${port}`,
      'Upgrade: websocket',
      'Connection: Upgrade',
      `Sec-WebSocket-Key: ${KEY}`,
      'Sec-WebSocket-Version: 13',
      ...(offersDeflate ? [`Sec-WebSocket-Extensions: ${DEFLATE_OFFER}`] : []),
      '\r\n',
    ].join('\r\n'),
  );
}

/**
 * Looks at what has come of the response.
 * @param {string} received so far, as latin1
 * @returns {boolean} whether the response is complete
 * @throws {Error} when the peer does not accept, or sends bytes that nobody asked for
 */
export function isOpeningAccepted(received) {
  const end = received.indexOf('\r\n\r\n');
  if (end === -1) return false;
  if (!received.startsWith('HTTP/1.1 101 ') || !received.includes(`: ${ACCEPT}\r\n`)) {
    throw new Error(`the peer did not accept the handshake: ${JSON.stringify(received)}`);
  }
  if (end + 4 !== received.length) throw new Error('the peer sent bytes after its handshake');
  return true;
}

/**
 * Looks at the answer to the offer. The generators send and inflate with a full window and remember everything, which
 * holds for every parameter but a smaller window of theirs.
 * @param {string} response complete
 * @throws {Error} when the peer does not compress, or not as it was offered
 */
export function checkDeflateAccepted(response) {
  const extensions = /^sec-websocket-extensions: *(.*?) *$/im.exec(response)?.[1] ?? '';
  if (extensions !== 'permessage-deflate')
    throw new Error(`the peer answered the offer of compression with "${extensions}"`);
}
