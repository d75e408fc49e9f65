/** Rows of the option table: per-message extensions. */
import { count, size, toggleOrAuto } from '../values/values.js';
import { filePaths, wordList } from '../values/list-values.js';
import type { OptionTable } from './option.js';

const GIB = 1024 ** 3;

/** The windows of RFC 7692 §7.1.2. */
const WINDOW_BITS = { min: 8, max: 15 };

export const EXTENSION_OPTIONS = {
  deflate: {
    group: 'Extensions',
    type: toggleOrAuto(),
    default: 'auto',
    help: 'compress for clients that offer it; off for tcp',
    docs:
      '`permessage-deflate` (RFC 7692), which browsers and most libraries offer. A connection whose client does not ' +
      'offer it is not compressed. `auto` compresses in every mode but `tcp`: VNC, SSH and TLS traffic is compressed or encrypted already, ' +
      'and compression next to a secret can give it away (RFC 7692 section 8). With compression, a proxied message is assembled first, so `maxMessage` bounds it.',
  },
  deflateLevel: {
    group: 'Extensions',
    needs: 'deflate',
    type: count({ min: 1, max: 9 }),
    default: '3',
    help: 'compression level, 1 (fast) to 9 (small)',
    docs: 'For what twist sends. Each level costs more processor time than the one before, and saves less.',
  },
  deflateThreshold: {
    group: 'Extensions',
    needs: 'deflate',
    type: size({ min: 0 }),
    default: '32',
    help: 'smallest message that is compressed',
    docs:
      'Messages with fewer bytes of payload are sent as they are, in a deflate block that takes 6 bytes more, while there is no history ' +
      'that would make them small: that takes no processor time and no memory. After a larger message they are compressed as well, if ' +
      'history is kept. Every message is marked as compressed: the client of libwebsockets 4.1 reads an unmarked one in an endless loop.',
  },
  deflateWindowBits: {
    group: 'Extensions',
    needs: 'deflate',
    type: count(WINDOW_BITS),
    default: '15',
    help: 'largest window that twist compresses with',
    docs:
      'The window has 2 to the power of this many bytes of history. A smaller one takes less memory for each connection that sends, ' +
      'and compresses less. A client that asks for a smaller one gets it.',
  },
  deflateClientWindowBits: {
    group: 'Extensions',
    needs: 'deflate',
    type: count(WINDOW_BITS),
    default: '15',
    help: 'largest window that clients may compress with',
    docs:
      'The window of a client is memory that twist holds to decompress. Only clients that offer ' +
      '`client_max_window_bits` can be asked for less than 15.',
  },
  deflateNoContextTakeover: {
    group: 'Extensions',
    needs: 'deflate',
    type: wordList(['server', 'client']),
    default: 'none',
    help: 'disable context takeover for: server, client or none',
    docs:
      'Without context takeover each message is compressed by itself: that compresses less, above all small messages, but takes no memory between ' +
      'messages. `server` is for what twist sends, `client` tells clients to do it. A client may ask for both in any case.',
  },
  deflateMemory: {
    group: 'Extensions',
    needs: 'deflate',
    type: size({ min: 0, max: 64 * GIB }),
    default: '128m',
    help: 'memory that idle compressors may keep',
    docs:
      'Bytes that the compressors of all connections may hold between messages. Beyond it the least recently used ones are freed; one that ' +
      'was not used for 15 to 30 s is freed in any case. Clients do not notice: the next message is compressed without history.',
  },
  deflateMaxRatio: {
    group: 'Extensions',
    needs: 'deflate',
    type: count({ min: 1, max: 1032, canBeOff: true }),
    default: 'off',
    help: 'largest ratio of inflated to compressed size; beyond it close 1009',
    docs:
      'How many bytes may come out of one byte of a compressed message. Only messages over 1 MiB are checked, and `maxMessage` bounds all of them ' +
      'anyway. Innocent text that repeats itself reaches 100 and more; the format allows 1032.',
  },
  extension: {
    group: 'Extensions',
    type: filePaths(),
    default: 'none',
    help: 'an extension of your own, a JavaScript module, repeatable',
    docs:
      'An ES module or CommonJS, by its path from the working directory. Its default export is an extension: `{ name, create }`, see the type `Extension` of the package. ' +
      'The offers of a client decide the order of several extensions. A mistake is reported when the server starts, and by `twist config check`. ' +
      'The guide is `docs/extensions.md`. ' +
      'The flag is repeated for more files; the environment variable separates them by commas; the file takes one text or an array.',
  },
} as const satisfies OptionTable;
