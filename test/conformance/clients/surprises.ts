/** What of docs/clients.md somebody who knows the RFC would not expect, with the reason. */
import type { BreakName } from '../../../src/protocol/break/broken-rules.js';
import type { ClientName } from './cases.js';
import type { Verdict } from './page.js';

export interface Surprise {
  readonly rule: BreakName;
  readonly client: ClientName;
  /** What the table has to say for the sentence to be true. */
  readonly verdict: Verdict;
  readonly text: string;
}

export const SURPRISES: readonly Surprise[] = [
  {
    rule: 'length-not-minimal-16',
    client: 'ws',
    verdict: 'does not notice',
    text: 'it reads the length and does not ask whether it could have been shorter; nor does `websockets`. That is harmless between two ends, and a way past a filter in between that looks for the short form.',
  },
  {
    rule: 'close-code-999',
    client: 'Chromium',
    verdict: 'does not notice',
    text: 'it knows the codes that must not be sent (1005, 1006, 1015) and takes every other number, `5000` too, and sends it back: a page then sees a `CloseEvent` with a code that no page could have given to `close()`.',
  },
  {
    rule: 'length-top-bit',
    client: 'websockets',
    verdict: 'notices',
    text: 'it takes the length for one of nine exabytes, which is over its limit: 1009 where 1002 is due. `ws` does the same. The connection fails all the same.',
  },
  {
    rule: 'length-huge',
    client: 'Chromium',
    verdict: 'notices',
    text: 'it hangs up without a Close, and without a word in the console.',
  },
  {
    rule: 'text-not-utf8',
    client: 'Chromium',
    verdict: 'notices',
    text: 'it says 1002 for whatever is wrong, where RFC 6455 8.1 asks for 1007. Scripts are told neither: of every failure they see 1006.',
  },
  {
    rule: 'data-after-close',
    client: 'Chromium',
    verdict: 'notices',
    text: 'it has answered the Close with 1000 and reports 1006 after all: what comes behind a Close turns a clean end into a failure. The others ignore it, as they may.',
  },
  {
    rule: 'bomb',
    client: 'Chromium',
    verdict: 'does not notice',
    text: 'it has no limit for messages, so 845 KB on the wire become 128 MiB in the page. `websockets` stops at 1 MiB, its limit by default, and `ws` at 100 MiB, which are then in memory.',
  },
];
