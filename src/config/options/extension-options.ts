/** The rows of the option table that are about per-message extensions. */
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
    help: 'compress with clients that offer it; off for tcp',
    docs:
      '`permessage-deflate` (RFC 7692), which browsers and most libraries offer. A connection whose client does not ' +
      'offer it is not compressed. `auto` compresses in every mode but `tcp`: what VNC, SSH or TLS send is compressed or encrypted already, ' +
      'and compression next to a secret can give it away (RFC 7692 section 8). With it a proxied message is taken whole, so `maxMessage` bounds it.',
  },
  deflateLevel: {
    group: 'Extensions',
    needs: 'deflate',
    type: count({ min: 1, max: 9 }),
    default: '3',
    help: 'effort of compression, 1 (fast) to 9 (small)',
    docs: 'For what is sent. Each level costs more processor time than the one before it, and makes less difference.',
  },
  deflateThreshold: {
    group: 'Extensions',
    needs: 'deflate',
    type: size({ min: 0 }),
    default: '32',
    help: 'smallest message for which compression begins',
    docs:
      'Messages with fewer bytes of payload are sent as they are, in a deflate block that takes 6 bytes more, while there is no history ' +
      'that would make them small: that takes no processor time and no memory. Behind a larger message they are compressed as well, if ' +
      'history is kept. None is sent without the mark of compression: the client of libwebsockets 4.1 reads such a message again and again, without end.',
  },
  deflateWindowBits: {
    group: 'Extensions',
    needs: 'deflate',
    type: count(WINDOW_BITS),
    default: '15',
    help: 'largest window that we compress with',
    docs:
      'The window has 2 to the power of this many bytes of history. A smaller one takes less memory for each connection that sends, ' +
      'and compresses less. A client may ask for a smaller one, and gets it.',
  },
  deflateClientWindowBits: {
    group: 'Extensions',
    needs: 'deflate',
    type: count(WINDOW_BITS),
    default: '15',
    help: 'largest window that clients are asked to use',
    docs:
      'The window that a client compresses with is memory that we hold to decompress. Only clients that offer ' +
      '`client_max_window_bits` can be asked for less than 15.',
  },
  deflateNoContextTakeover: {
    group: 'Extensions',
    needs: 'deflate',
    type: wordList(['server', 'client']),
    default: 'none',
    help: 'who forgets its history after each message: server, client, or none',
    docs:
      'Without history each message is compressed by itself: worse, most of all with small messages, but without memory between ' +
      'them. `server` is for what we send, `client` is what clients are told to do. A client may ask for both in any case.',
  },
  deflateMemory: {
    group: 'Extensions',
    needs: 'deflate',
    type: size({ min: 0, max: 64 * GIB }),
    default: '128m',
    help: 'memory that idle compressors may keep',
    docs:
      'Bytes that the compressors of all connections may hold between messages. Beyond it the least recently used ones are dropped; one that ' +
      'was not used for 15 to 30 s is dropped in any case. A client does not notice: what follows is compressed without the history before it.',
  },
  deflateMaxRatio: {
    group: 'Extensions',
    needs: 'deflate',
    type: count({ min: 1, max: 1032, canBeOff: true }),
    default: 'off',
    help: 'most output for each byte; beyond it 1009',
    docs:
      'How many bytes may come out of one byte of a compressed message. Only messages over 1 MiB are looked at, and `maxMessage` bounds all of them ' +
      'anyway. Text that repeats itself reaches 100 and more without ill will; the format allows 1032.',
  },
  extension: {
    group: 'Extensions',
    type: filePaths(),
    default: 'none',
    help: 'an extension of your own, a JavaScript module, repeatable',
    docs:
      'An ES module or CommonJS, by its path from the working directory. Its default export is an extension: `{ name, create }`, see the type `Extension` of the package. ' +
      'The offers of a client decide about the order of several. What does not fit is said when the server starts, and by `twist config check`. ' +
      'The guide is `docs/extensions.md`. ' +
      'The flag is repeated for more files; the environment variable separates them by commas; the file takes one text or an array.',
  },
} as const satisfies OptionTable;
