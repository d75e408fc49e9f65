import t from 'tap';
import type { KernelQueueAsker, KernelQueues } from '../../src/connection/kernel/kernel-queues.js';
import { Outbox } from '../../src/connection/outbox.js';
import { OutputQueue } from '../../src/protocol/output-queue.js';
import { SlabPool } from '../../src/protocol/slabs/slab-pool.js';
import { FakeSocket } from '../fixtures/fake-socket.js';

const LIMIT_MS = 8000;

/** An outbox that is blocked since 0, and the kernel's answers in the test's hands. */
function blocked(): { outbox: Outbox; asked: KernelQueueAsker[] } {
  const asked: KernelQueueAsker[] = [];
  const kernel = { ask: (asker: KernelQueueAsker) => asked.push(asker) };
  const socket = new FakeSocket();
  socket.isTaking = false;
  const queue = new OutputQueue(new SlabPool());
  const outbox = new Outbox(socket.asSocket, queue, false, kernel as unknown as KernelQueues);
  queue.appendBytes(new Uint8Array(10));
  outbox.flush(0);
  return { outbox, asked };
}

/** What the kernel holds at each second. @returns when it is said that nothing moves */
function stalledAt(held: (second: number) => number | null, seconds = 100): number | null {
  const { outbox, asked } = blocked();
  for (let second = 0; second <= seconds; second++) {
    if (outbox.isStalled(second * 1000, LIMIT_MS)) return second;
    for (const asker of asked.splice(0)) asker.kernelHolds(held(second), second * 1000);
  }
  return null;
}

t.test('a client that reads slowly and steadily lives', async (t) => {
  t.equal(
    stalledAt((second) => 1000 - second),
    null,
  );
  t.equal(
    stalledAt((second) => 1000 - Math.floor(second / 6)),
    null,
    'also if its system tells of it now and then',
  );
});

t.test('one that reads nothing does not, and one that is gone', async (t) => {
  t.equal(
    stalledAt(() => 1000),
    9,
  );
});

t.test('one that has stopped reading has its time from then on', async (t) => {
  t.equal(
    stalledAt((second) => 1000 - Math.min(second, 20)),
    29,
  );
});

t.test('where the kernel tells nothing the rule is that of Node', async (t) => {
  t.equal(
    stalledAt(() => null),
    8,
  );
});

t.test('a kernel that does not answer is not waited for for ever', async (t) => {
  const { outbox, asked } = blocked();
  t.equal(outbox.stallCheckMs(LIMIT_MS), 1000);
  t.notOk(outbox.isStalled(1000, LIMIT_MS));
  t.equal(outbox.stallCheckMs(LIMIT_MS), 200, 'the answer may come at any time');
  t.notOk(outbox.isStalled(8000, LIMIT_MS));
  t.notOk(outbox.isStalled(10_999, LIMIT_MS));
  t.equal(asked.length, 1, 'it is asked once');
  t.ok(outbox.isStalled(11_000, LIMIT_MS));
});

t.test('the kernel has the last word, and the time runs from what it has seen', async (t) => {
  const { outbox, asked } = blocked();
  const answer = (bytes: number, atMs: number): void => {
    for (const asker of asked.splice(0)) asker.kernelHolds(bytes, atMs);
  };
  t.notOk(outbox.isStalled(7000, LIMIT_MS));
  answer(1000, 7300);
  t.notOk(outbox.isStalled(8000, LIMIT_MS), 'that was before the time was over');
  answer(999, 8100);
  t.notOk(outbox.isStalled(16_000, LIMIT_MS));
  answer(999, 16_099);
  t.notOk(outbox.isStalled(16_100, LIMIT_MS));
  answer(999, 16_100);
  t.ok(outbox.isStalled(16_200, LIMIT_MS));
});
