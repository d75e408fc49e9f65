/**
 * x-snappy: Snappy instead of deflate, as a per-message extension.
 *
 * On the wire: RSV2 on the first frame says that the payload of the message is one raw Snappy block,
 * which begins with the length of what comes out of it. The one parameter, `min_bytes`, is a client's
 * wish: the server sends smaller messages as they are. The answer always says which value is in use.
 *
 *     Sec-WebSocket-Extensions: x-snappy; min_bytes=256
 */

// Why `snappy`: one format in every language, prebuilt, and its work is done in the thread pool.
import { compress, uncompress } from 'snappy';

const NAME = 'x-snappy';

/** RSV1 is permessage-deflate's (RFC 7692 §6); with another bit both can be used at once. */
const RSV2 = 2;

const DEFAULT_MIN_BYTES = 64;

/** The best that Snappy can do is a copy: 64 bytes out of 3. */
const MAX_EXPANSION = 64 / 3;

/** @type {import('twist-server').Extension} */
export default {
  name: NAME,

  // One call, and so one set of these variables, for each connection that offers the extension. The
  // session says nothing of `keepsPayload`: so payloads stay as they are after the call that brought
  // them, and the thread pool may read them.
  create() {
    let minBytes = /** @type {number | null} */ (null);
    const received = { plain: 0, wire: 0 };
    const sent = { plain: 0, wire: 0 };

    return {
      get enabled() {
        return minBytes !== null;
      },

      init(offers) {
        // The client has put first what it likes best.
        minBytes = offers.map(minBytesOf).find((value) => value !== null) ?? null;
        if (minBytes === null) throw declined('the only parameter is min_bytes, a whole number');
      },

      response: () => (minBytes === null ? null : `${NAME}; min_bytes=${minBytes}`),

      reserveRsv(reserved) {
        if ((reserved & RSV2) !== 0) throw new Error('RSV2 is taken');
        return RSV2;
      },

      decode(message, maxBytes) {
        const { opcode, rsv, payload } = message;
        if ((rsv & RSV2) === 0) return message;
        // The block says how long its content is, so nothing is decoded that would be too long...
        const length = declaredLength(payload);
        if (length > maxBytes) throw peerFault(1009, 'too big behind x-snappy');
        // ...and no memory is taken for a length that such a block cannot have.
        if (length > payload.length * MAX_EXPANSION) throw badData();
        return uncompress(payload).then(
          (plain) => {
            received.plain += plain.length;
            received.wire += payload.length;
            return { opcode, rsv: rsv & ~RSV2, payload: /** @type {Buffer} */ (plain) };
          },
          () => {
            throw badData();
          },
        );
      },

      encode(message) {
        const { opcode, rsv, payload } = message;
        if (minBytes === null || payload.length < minBytes) return message;
        return compress(payload).then((block) => {
          // What does not shrink goes as it is: the bit is set for each message, or not.
          if (block.length >= payload.length) return message;
          sent.plain += payload.length;
          sent.wire += block.length;
          return { opcode, rsv: rsv | RSV2, payload: block };
        });
      },

      get stats() {
        return { ratioIn: ratio(received), ratioOut: ratio(sent) };
      },

      close() {
        // Nothing is held: what the thread pool still works on is dropped when it comes back.
      },
    };
  },
};

/**
 * An offer that cannot be honoured, which twist knows by the error's name: the handshake goes on.
 *
 * @param {string} reason for the log
 */
function declined(reason) {
  return Object.assign(new Error(reason), { name: 'NegotiationError' });
}

/**
 * What the peer did wrong: twist closes with this code.
 *
 * @param {1007 | 1009} closeCode
 * @param {string} reason
 */
function peerFault(closeCode, reason) {
  return Object.assign(new Error(reason), { closeCode });
}

function badData() {
  return peerFault(1007, 'not a Snappy block');
}

/**
 * @param {import('twist-server').ExtensionOffer} offer
 * @returns {number | null} null for an offer with anything in it that is not understood
 */
function minBytesOf({ params }) {
  const [param, ...others] = params;
  if (param === undefined) return DEFAULT_MIN_BYTES;
  const value = Number(param.value);
  const isPlainNumber = Number.isSafeInteger(value) && value >= 0 && String(value) === param.value;
  return others.length === 0 && param.name === 'min_bytes' && isPlainNumber ? value : null;
}

/**
 * The length at the start of a block: seven bits in each byte, the lowest first; the last byte is the
 * one below 128.
 *
 * @param {Uint8Array} block
 */
function declaredLength(block) {
  let length = 0;
  for (let index = 0; index < 5; index++) {
    const byte = block[index];
    if (byte === undefined) break;
    length += (byte & 127) * 2 ** (7 * index);
    if (byte < 128) return length;
  }
  throw badData();
}

/** @param {{ plain: number, wire: number }} bytes */
function ratio({ plain, wire }) {
  return wire === 0 ? null : Math.round((plain / wire) * 100) / 100;
}
