/** What clients share, and what is kept to share it out: turns of the event loop, rates, queues, the room for a large message. */
import { ArrivalRates } from '../../../src/budget/arrival-rates.js';
import { MemoryAccount } from '../../../src/budget/memory-account.js';
import { type HeavyWork, Turns } from '../../../src/budget/turns.js';
import { LargeRoom } from '../../../src/extensions/permessage-deflate/large-room.js';
import { FairQueue } from '../../../src/server/auth/fair-queue.js';
import type { CostCase, CostTable } from '../case.js';

/** How many logins wait at most in these cases. */
const MAX_WAITING = 100;

const addressOf = (number: number): string =>
  `10.${number >> 16}.${(number >> 8) & 255}.${number & 255}`;

/** Has a little work, so often. */
class Work implements HeavyWork {
  servedUs = 0;
  readonly #turns: Turns;
  #left: number;
  readonly #done: () => void;

  constructor(turns: Turns, times: number, done: () => void) {
    this.#turns = turns;
    this.#left = times;
    this.#done = done;
  }

  work(): void {
    if (--this.#left > 0) this.#turns.add(this);
    else this.#done();
  }
}

/** Logins that come; nobody takes them out of the queue. */
const logins = (from: string, groupOf: (number: number) => string): CostCase => ({
  name: `logins that come to a full queue, from ${from}`,
  count: 2000,
  maxHeld: 10,
  prepare: (count) => () => {
    const queue = new FairQueue<{ group: string }>(MAX_WAITING);
    for (let number = 0; number < count; number++) queue.add({ group: groupOf(number) });
    return queue;
  },
});

export const SHARING: CostTable = {
  'budget/turns': [
    {
      name: 'holders of much work that wait for their turns',
      count: 1000,
      prepare: (count) => () =>
        new Promise<void>((resolve) => {
          const turns = new Turns();
          let left = count;
          const done = (): void => {
            if (--left === 0) resolve();
          };
          for (let number = 0; number < count; number++) turns.add(new Work(turns, 20, done));
        }),
    },
  ],
  'budget/arrival-rates': [
    {
      name: 'connections, from an address each, where each may come so often',
      count: 20_000,
      also: ['budget/token-bucket', 'budget/age-map', 'budget/age-list'],
      maxHeld: 200,
      prepare: (count) => () => {
        const rates = new ArrivalRates({ maxConnectionRate: 1, maxHandshakeRate: 1 });
        for (let number = 0; number < count; number++) {
          rates.connect(addressOf(number), number);
          rates.connect(addressOf(0), number);
          rates.shakeHands(number);
        }
        return rates;
      },
    },
  ],
  'server/auth/fair-queue': [
    logins('one address', () => 'one'),
    logins('an address each', addressOf),
    logins('few addresses', (number) => addressOf(number % 10)),
  ],
  'extensions/permessage-deflate/large-room': [
    {
      name: 'messages that wait for the room for the large one',
      count: 20_000,
      prepare: (count) => () => {
        const room = new LargeRoom(new MemoryAccount());
        const holders = Array.from({ length: count }, () => ({}));
        for (const holder of holders)
          room.wait(holder, () => {
            room.inflated.makeRoom(0, 1024, 1024);
          });
        for (const holder of holders) room.leave(holder);
      },
    },
  ],
};
