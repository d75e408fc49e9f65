/**
 * Clients that have the server hold more than it may: what the process takes stays within `maxMemory` and half of it
 * again, those who hold most go, and everybody else is served.
 */
import { Buffer } from 'node:buffer';
import t, { type Test } from 'tap';
import { upgradeText } from '../fixtures/handshake.js';
import { besideHealthyPeer } from '../fixtures/healthy-peer.js';
import { MIB, STEADY_MEMORY, memoryGrowth, mib } from '../fixtures/memory-growth.js';
import { BINARY, FIN, quickFrame } from '../fixtures/quick-frames.js';
import { type RawClient, connectRaw } from '../fixtures/raw-client.js';
import { type TwistProcess, startTwist } from '../fixtures/twist-process.js';
import { eventually } from '../fixtures/within.js';

t.setTimeout(240_000);

const skip = process.platform !== 'linux' && 'needs /proc';

/** Enough for the garbage of a runtime, some 30 MiB, to count for little. */
const MAX_MEMORY = 128 * MIB;

/** Resident memory may grow by this: what is garbage, and what the account does not know of. */
const BOUND_BYTES = 1.5 * MAX_MEMORY;

/** Half of a message: the header promises 16 MiB, and 15 of them come. */
const HALF_SENT = quickFrame(FIN | BINARY, Buffer.alloc(16 * MIB)).subarray(0, 15 * MIB);

const OVERLOADED = Buffer.from([0x03, 0xf5]);

async function startLimited(t: Test, flags: readonly string[] = []): Promise<TwistProcess> {
  const twist = await startTwist(t, ['--max-memory', '128m', ...flags], {
    nodeArgs: STEADY_MEMORY,
  });
  // What the runtime needs for large messages it takes once.
  const client = await connectRaw(t, twist.port);
  await client.open();
  client.send(quickFrame(FIN | BINARY, Buffer.alloc(2 * MIB)));
  await client.waitForBytes(2 * MIB);
  client.socket.destroy();
  return twist;
}

/** Whether a client that has read all that it got was told 1013. */
function wasToldOverload({ received }: RawClient): boolean {
  return received[0] === 0x88 && received.subarray(2, 4).equals(OVERLOADED);
}

/** The status of an opening handshake. */
async function knock(t: Test, twist: TwistProcess): Promise<string> {
  const client = await connectRaw(t, twist.port);
  client.send(upgradeText());
  await client.waitUntil(() => client.received.includes('\r\n\r\n'), 'the answer');
  client.socket.destroy();
  return client.received.toString('latin1', 9, 12);
}

/** Newcomers are let in again. */
async function assertRecovered(t: Test, twist: TwistProcess): Promise<void> {
  let status = '';
  for (let attempt = 0; attempt < 100 && status !== '101'; attempt++) {
    status = await knock(t, twist);
    if (status !== '101') await new Promise((resolve) => setTimeout(resolve, 50));
  }
  t.equal(status, '101', 'newcomers are let in again');
}

t.test('forty half-sent messages of 15 MiB', { skip }, async (t) => {
  const twist = await startLimited(t);
  const statuses = new Set<string>();
  let told = 0;
  await besideHealthyPeer(t, twist, async (healthy) => {
    const growth = await memoryGrowth(twist, async () => {
      const clients: RawClient[] = [];
      for (let index = 0; index < 40; index++) {
        const client = await connectRaw(t, twist.port);
        await client.open();
        clients.push(client);
      }
      for (const client of clients) client.send(HALF_SENT);
      await eventually(
        () => clients.filter((client) => wasToldOverload(client)).length >= 10,
        'the Closes',
        () => `${clients.filter((client) => wasToldOverload(client)).length} came`,
      );
      statuses.add(await knock(t, twist));
      await healthy.roundTrips(3);
      told = clients.filter((client) => wasToldOverload(client)).length;
      for (const client of clients) client.socket.destroy();
    });
    t.ok(growth <= BOUND_BYTES, `memory grew by ${mib(growth)}, at most ${mib(BOUND_BYTES)}`);
  });
  t.ok(told >= 10, `${told} of 40 were told 1013`);
  t.ok(statuses.has('503'), `newcomers got ${[...statuses].join()}`);
  await assertRecovered(t, twist);
});

t.test('three hundred clients that never read what they are sent', { skip }, async (t) => {
  const twist = await startLimited(t);
  const message = quickFrame(FIN | BINARY, Buffer.alloc(512 * 1024));
  await besideHealthyPeer(t, twist, async (healthy) => {
    const growth = await memoryGrowth(twist, async () => {
      const clients: RawClient[] = [];
      for (let index = 0; index < 300; index++) {
        const client = await connectRaw(t, twist.port);
        client.send(upgradeText());
        client.socket.pause();
        for (let count = 0; count < 8; count++) client.send(message);
        clients.push(client);
      }
      await healthy.roundTrips(40);
      for (const client of clients) client.socket.destroy();
    });
    t.ok(growth <= BOUND_BYTES, `memory grew by ${mib(growth)}, at most ${mib(BOUND_BYTES)}`);
  });
  await assertRecovered(t, twist);
});
