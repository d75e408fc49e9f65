/** Rows of the option table: how much a client may do in a second, and how much it must. */
import { count, size } from '../values/values.js';
import type { OptionTable } from './option.js';

const MIB = 1024 ** 2;

export const RATE_OPTIONS = {
  maxMessageRate: {
    group: 'Limits',
    type: count({ min: 1, max: 1_000_000, canBeOff: true }),
    default: 'off',
    help: 'messages a second that one client may send; more wait',
    docs:
      'Of each connection; pings and pongs count as messages. As many as come in a second may come at once. A client that sends more is not read until its rate allows it: nothing is lost, and it is not closed. ' +
      'What one read has brought is delivered at once, so the rate holds on average.',
  },
  maxByteRate: {
    group: 'Limits',
    type: size({ min: 1024, max: 1024 * MIB, canBeOff: true }),
    default: 'off',
    help: 'bytes a second that one client may send; more wait',
    docs: 'Of each connection, as they are on the wire, without TLS. It works as `maxMessageRate` does. While a client is not read its pings are not answered, and its Close is not seen: a rate far below what a client needs for a message makes it look dead to itself.',
  },
  minDataRate: {
    group: 'Timeouts',
    type: size({ min: 1, max: MIB, canBeOff: true }),
    default: '1k',
    help: 'bytes a second that keep a message from its timeout',
    docs:
      'While the bytes of a message come at this rate or faster, it may take as long as it needs, however large it is. One that comes more slowly uses up its `messageTimeout`, and one that stops does so at once. ' +
      'With `off` a message has `messageTimeout` and no more.',
  },
} as const satisfies OptionTable;
