/** Ten million small messages go through the memory of the inspector, which stays within its bound. */
import { Buffer } from 'node:buffer';
import process from 'node:process';
import t from 'tap';
import { LiveStore } from '../../src/inspect/store/live-store.js';
import { bytesOf, smallMessage } from '../fixtures/inspected.js';
import { RecordedLines } from '../fixtures/recorded-lines.js';

t.setTimeout(300_000);

const MIB = 1024 ** 2;
const MEMORY_BYTES = 64 * MIB;
const SESSIONS = 100;
const BATCH = 500;
const MESSAGES = 10_000_000;

t.test('ten million small messages', async (t) => {
  const names = Array.from(
    { length: SESSIONS },
    (_, at) => `01K5N0T1ME${String(at).padStart(16, '0')}`,
  );
  const batches = Array.from({ length: 16 }, (_, batch) =>
    Buffer.from(
      Array.from({ length: BATCH }, (_, at) => {
        const dir = at % 2 === 0 ? 'in' : 'out';
        return smallMessage(names[(at >> 1) % SESSIONS]!, dir, batch * BATCH + at);
      }).join(''),
    ),
  );
  const before = process.memoryUsage().arrayBuffers;
  const store = new LiveStore({ memoryBytes: MEMORY_BYTES });
  store.append(bytesOf(names.map((name) => new RecordedLines(name).open())));
  let usedBytes = 0;
  let arrayBuffers = 0;
  for (let at = 0; at < MESSAGES; at += BATCH) {
    store.append(batches[(at / BATCH) % batches.length]!);
    usedBytes = Math.max(usedBytes, store.usedBytes);
    if (at % 100_000 === 0)
      arrayBuffers = Math.max(arrayBuffers, process.memoryUsage().arrayBuffers);
  }
  const { first, end } = store.index;
  t.equal(end, MESSAGES + SESSIONS);
  t.ok(usedBytes <= MEMORY_BYTES, `${usedBytes} bytes by our own count`);
  t.ok(
    arrayBuffers - before <= MEMORY_BYTES + 8 * MIB,
    `${arrayBuffers - before} bytes by that of V8`,
  );
  t.ok(end - first > 400_000, `${end - first} are there`);
  const counted = names.map((name) => store.sessions.find(name)!.row());
  const sum = counted.reduce((all, row) => all + row.in.msgs + row.out.msgs, 0);
  t.equal(sum, MESSAGES, 'each was counted');
});
