/** Rows of the option table: the page that shows the traffic of a running server. */
import { urlToken } from '../values/access-values.js';
import { adminAddress } from '../values/operation-values.js';
import { payloadShare } from '../values/recording-values.js';
import { size } from '../values/values.js';
import type { OptionTable } from './option.js';

const MIB = 1024 ** 2;

export const INSPECT_OPTIONS = {
  inspect: {
    group: 'Inspector',
    type: adminAddress(),
    default: 'off',
    isLibraryKey: false,
    help: 'address of a page that shows all traffic, live',
    docs:
      'A bare port listens on 127.0.0.1, `:PORT` on every address; port 0 takes a free one, which the log names. The page shows all sessions and their messages, and can end a session: see docs/inspect.md. It is a process of its own, which costs the server ' +
      'little and can be behind, but never holds it up. The log has a URL with a token that opens the page once; `inspectToken` or `authFile` take its place, and other addresses than loopback ones need one of them. ' +
      'With `tlsCert` such an address speaks HTTPS.',
  },
  inspectMemory: {
    group: 'Inspector',
    needs: 'inspect',
    type: size({ min: 8 * MIB, max: 64 * 1024 * MIB }),
    default: '64m',
    isLibraryKey: false,
    help: 'how much of the traffic the page can look back on',
    docs: 'Bytes of records that the process of the page keeps; the oldest go first, and the page says how many. The process itself takes about 80 MiB more.',
  },
  inspectPayload: {
    group: 'Inspector',
    needs: 'inspect',
    type: payloadShare(),
    default: '64k',
    isLibraryKey: false,
    help: 'how much of each payload the page gets: full, none or a size',
    docs: 'Of a longer payload the page has the beginning, and always its length. With `record` it has what is recorded, so `recordPayload` counts.',
  },
  inspectToken: {
    group: 'Inspector',
    needs: 'inspect',
    type: urlToken(),
    default: 'off',
    isSecret: true,
    isLibraryKey: false,
    help: 'token that opens the page, as http://.../?token=TOKEN',
    docs:
      'In place of the token that is made at each start, and of passwords: it opens the page as often as it is given. The page keeps it from then on in a cookie of its own. Every user of this machine can read the command line, so set `TWIST_INSPECT_TOKEN` where there are others. ' +
      'It is never shown.',
  },
} as const satisfies OptionTable;
