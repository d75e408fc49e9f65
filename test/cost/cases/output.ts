/** What waits to be written. */
import { Buffer } from 'node:buffer';
import { EarlyBytes } from '../../../src/connection/input/early-bytes.js';
import { FlushQueue } from '../../../src/connection/flush-queue.js';
import { Endpoint } from '../../../src/protocol/endpoint.js';
import type { EndpointEvents } from '../../../src/protocol/endpoint-events.js';
import { OutputQueue, HAND_OVER_BYTES } from '../../../src/protocol/output-queue.js';
import { HEADROOM_BYTES, SlabPool } from '../../../src/protocol/slabs/slab-pool.js';
import { HeldOutput } from '../../../src/session/tap/held-output.js';
import type { CostTable } from '../case.js';

const KIB = 1024;

const nothing = (): void => undefined;

const SILENT: EndpointEvents = {
  message: nothing,
  chunk: nothing,
  pingReceived: nothing,
  pongReceived: nothing,
  peerClose: nothing,
  failed: nothing,
};

/** Appends many times without a write in between, as to a client that does not read. */
const appending =
  (count: number, bytes: number): (() => void) =>
  () => {
    const pool = new SlabPool();
    const queue = new OutputQueue(pool);
    const slab = pool.takeForMessage(bytes, bytes);
    for (let number = 0; number < count; number++)
      queue.appendFrame(0x82, null, slab.bytes, HEADROOM_BYTES, HEADROOM_BYTES + bytes, slab);
    takeAll(queue, count * bytes);
  };

/** The same while the output is held. @param after done with each message */
const holding =
  (count: number, bytes: number, after: (held: HeldOutput) => void): (() => void) =>
  () => {
    const pool = new SlabPool();
    const endpoint = new Endpoint(
      { role: 'server', delivery: 'messages', maxMessage: bytes, maxFragments: 1 },
      SILENT,
      new OutputQueue(pool),
    );
    const held = new HeldOutput(endpoint, pool);
    const payload = Buffer.alloc(bytes);
    for (let number = 0; number < count; number++) {
      endpoint.sendMessage(2, payload, 0, bytes);
      after(held);
    }
    held.stop();
    takeAll(endpoint.output, count * bytes);
  };

function takeAll(queue: OutputQueue, leastBytes: number): void {
  const taken = queue.take().reduce((sum, { length }) => sum + length, 0);
  if (taken < leastBytes) throw new Error('something is missing');
  queue.release();
}

export const OUTPUT: CostTable = {
  'protocol/output-queue': [
    {
      name: 'output: small frames that wait',
      count: 100_000,
      maxCopied: 40,
      prepare: (count) => appending(count, 20),
    },
    {
      name: 'output: payloads sent from their slab, more than a slab holds headers of',
      count: 10_000,
      maxCopied: 8,
      prepare: (count) => appending(count, HAND_OVER_BYTES),
    },
    {
      name: 'output: one slab after the other',
      count: 20,
      maxCopied: 300 * KIB,
      prepare: (count) => appending(count, HAND_OVER_BYTES - 1),
    },
  ],
  'session/tap/held-output': [
    {
      name: 'output that is held, small messages',
      count: 10_000,
      maxCopied: 100,
      prepare: (count) => holding(count, 20, nothing),
    },
    {
      name: 'output that is held, each message sealed, none of them let go',
      count: 10_000,
      maxCopied: 100,
      prepare: (count) =>
        holding(count, 20, (held) => {
          held.seal();
        }),
    },
    {
      name: 'output that is held, each message sealed and let go, none of them taken',
      count: 10_000,
      maxCopied: 100,
      prepare: (count) =>
        holding(count, 20, (held) => {
          held.seal();
          held.letGo();
        }),
    },
  ],
  'connection/input/early-bytes': [
    {
      name: 'requests that came early, one by one',
      count: 20_000,
      maxCopied: 200,
      prepare: (count) => {
        const request = Buffer.alloc(26);
        return () => {
          const early = new EarlyBytes();
          for (let number = 0; number < count; number++) early.keep(request, 0, 26);
          for (let number = 0; number < count; number++) {
            const { bytes, start, end } = early;
            early.forget();
            early.keep(bytes, start + 26, end);
          }
        };
      },
    },
    {
      name: 'frames that come early, byte by byte, and are held',
      count: 100_000,
      maxCopied: 8,
      maxHeld: 4,
      prepare: (count) => {
        const byte = Buffer.alloc(1);
        return () => {
          const early = new EarlyBytes();
          for (let number = 0; number < count; number++) early.keep(byte, 0, 1);
          return early;
        };
      },
    },
  ],
  'connection/flush-queue': [
    {
      name: 'connections with something to write, each of which wakes another one',
      count: 50_000,
      prepare: (count) => () => {
        const queue = new FlushQueue();
        let left = count;
        const flushable = {
          flush: () => {
            if (left-- > 0) queue.add(flushable);
          },
        };
        queue.hold();
        for (let number = 0; number < count; number++) queue.add(flushable);
        queue.release();
      },
    },
  ],
};
