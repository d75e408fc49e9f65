/** MQTT through the proxy: what browsers and npm's `mqtt` speak over a WebSocket, to mosquitto. */
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import type { MqttClient } from 'mqtt';
import t, { type Test } from 'tap';
import { WebSocket } from 'ws';
import { connectMqtt, startBroker } from '../fixtures/mqtt-broker.js';
import { SeededRandom } from '../fixtures/seeded-random.js';
import { findCommands } from '../fixtures/service-process.js';
import { startServing } from '../fixtures/twist-process.js';
import { eventually, within } from '../fixtures/within.js';

const SEED = 20_261_125;
const MESSAGES = 10_000;
const STEP = 1000;
const MAX_PAYLOAD_BYTES = 2000;

/** Publishes at least once: the broker keeps what is not acknowledged, so none may be missing. */
const QOS = 1;

/** The messages of one direction: each begins with its number. */
function makePayloads(seed: number): Buffer[] {
  const random = new SeededRandom(seed);
  const noise = random.bytes(4 * MAX_PAYLOAD_BYTES);
  return Array.from({ length: MESSAGES }, (_, index) => {
    const start = random.below(3 * MAX_PAYLOAD_BYTES);
    const rest = noise.subarray(start, start + random.below(MAX_PAYLOAD_BYTES));
    return Buffer.concat([Buffer.from(`${index} `), rest]);
  });
}

/** Has one client publish and another receive, and compares. */
async function proveDirection(
  t: Test,
  topic: string,
  seed: number,
  [publisher, subscriber]: readonly [MqttClient, MqttClient],
): Promise<void> {
  const payloads = makePayloads(seed);
  const received: Buffer[] = [];
  subscriber.on('message', (from, payload) => {
    if (from === topic) received.push(payload);
  });
  await subscriber.subscribeAsync(topic, { qos: QOS });
  const acknowledged = Promise.all(
    payloads.map((payload) => publisher.publishAsync(topic, payload, { qos: QOS })),
  );
  // In steps: what is waited for is that they go on coming.
  for (let count = STEP; count <= MESSAGES; count += STEP) {
    const isThere = (): boolean => received.length >= count;
    await eventually(isThere, 'the messages', () => `${received.length} came on ${topic}`);
  }
  await within(acknowledged, 'all acknowledgements');
  t.equal(received.length, MESSAGES, `${MESSAGES} messages on ${topic}`);
  const wrong = payloads.findIndex((payload, index) => !payload.equals(received[index]!));
  t.equal(wrong, -1, 'each as it was sent, and in order');
}

t.test('MQTT', async (t) => {
  const commands = findCommands(t, ['mosquitto']);
  if (commands === null) return;
  const broker = await startBroker(t, commands[0]);
  const args = [
    'serve',
    '--tcp',
    broker.address,
    '--listen',
    '127.0.0.1:0',
    '--log-format',
    'json',
  ];
  const twist = await startServing(t, { args });

  await t.test('the subprotocol', async (t) => {
    const socket = new WebSocket(twist.url, ['mqtt']);
    await within(once(socket, 'open'), 'the session');
    t.equal(socket.protocol, 'mqtt');
    socket.terminate();
  });

  await t.test(`${MESSAGES} messages each way, at the same time`, async (t) => {
    const proxied = await connectMqtt(t, twist.url);
    const direct = await connectMqtt(t, `mqtt://${broker.address}`);
    await Promise.all([
      proveDirection(t, 'from the proxied client', SEED, [proxied, direct]),
      proveDirection(t, 'to the proxied client', SEED + 1, [direct, proxied]),
    ]);
    await within(proxied.endAsync(), 'the end');
    t.match(await twist.waitForLog(({ msg, code }) => msg === 'session ended' && code !== 1006), {
      subprotocol: 'mqtt',
      target: broker.address,
    });
  });

  await t.test(`${MESSAGES} messages to itself`, async (t) => {
    const client = await connectMqtt(t, twist.url);
    await proveDirection(t, 'there and back', SEED + 2, [client, client]);
  });
});
