/** The example of a mode, examples/broadcast, with clients of the npm package ws. */
import { once } from 'node:events';
import t, { type Test } from 'tap';
import { WebSocket } from 'ws';
import { MessageQueue } from '../fixtures/message-queue.js';
import { SeededRandom } from '../fixtures/seeded-random.js';
import { startServing, type LogLine, type TwistProcess } from '../fixtures/twist-process.js';
import { eventually, within } from '../fixtures/within.js';

t.setTimeout(120_000);

const KIB = 1024;
const MIB = 1024 * KIB;

const startBroadcast = (t: Test, flags: string[] = []): Promise<TwistProcess> =>
  startServing(t, {
    args: [
      ...['serve', '--mode', 'examples/broadcast/broadcast.mjs'],
      ...['--listen', '127.0.0.1:0', '--log-format', 'json', ...flags],
    ],
    // So that the memory that is looked at is that of messages.
    nodeArgs: ['--max-semi-space-size=1'],
  });

class Listener {
  readonly socket: WebSocket;
  readonly #messages = new MessageQueue<string | Buffer>();
  /** Messages that came. */
  count = 0;

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data, isBinary) => {
      const bytes = data as Buffer;
      this.count++;
      this.#messages.push(isBinary ? bytes : bytes.toString());
    });
  }

  send(message: string | Uint8Array): void {
    this.socket.send(message);
  }

  async next(): Promise<string | Buffer> {
    return await within(this.#messages.next(), 'a message');
  }

  async close(): Promise<void> {
    const closed = once(this.socket, 'close');
    this.socket.close(1000);
    await within(closed, 'the end');
  }
}

async function join(t: Test, twist: TwistProcess, path: string): Promise<Listener> {
  // Noise is sent here, which nobody can compress.
  const socket = new WebSocket(`${twist.url}${path}`, { perMessageDeflate: false });
  t.teardown(() => {
    socket.terminate();
  });
  const listener = new Listener(socket);
  await within(once(socket, 'open'), 'the connection');
  return listener;
}

t.test('everybody on a path gets every message', async (t) => {
  const twist = await startBroadcast(t);
  const reds = [await join(t, twist, '/red'), await join(t, twist, '/red')];
  const blue = await join(t, twist, '/blue');

  reds[0]!.send('to the reds');
  for (const red of reds) t.equal(await red.next(), 'to the reds', 'its sender included');
  reds[1]!.send(Uint8Array.of(1, 2, 3));
  for (const red of reds) t.strictSame(await red.next(), Buffer.of(1, 2, 3), 'binary as binary');
  blue.send('to myself');
  t.equal(await blue.next(), 'to myself', 'another path has nothing of it');

  await reds[0]!.close();
  reds[1]!.send('alone now');
  t.equal(await reds[1]!.next(), 'alone now', 'who has left is forgotten');
  const late = await join(t, twist, '/red?query=does+not+count');
  late.send('hello');
  t.equal(await reds[1]!.next(), 'hello', 'who comes late is there');
  t.equal(await late.next(), 'hello');

  await Promise.all([reds[1]!.close(), late.close(), blue.close()]);
  const lines = await twist.waitForLogs(({ msg }) => msg === 'session ended', 4);
  t.strictSame(
    lines.map(({ mode, code }) => [mode, code]),
    Array.from({ length: 4 }, () => ['broadcast', 1000]),
    'all sessions ended well',
  );
});

t.test('the same order for all', async (t) => {
  const twist = await startBroadcast(t);
  const members = await Promise.all(Array.from({ length: 5 }, () => join(t, twist, '/')));
  const each = 100;
  for (let round = 0; round < each; round++) {
    for (const [index, member] of members.entries()) member.send(`${index}:${round}`);
  }
  const seen: (string | Buffer)[][] = [];
  for (const member of members) {
    const messages: (string | Buffer)[] = [];
    while (messages.length < each * members.length) messages.push(await member.next());
    seen.push(messages);
  }
  t.equal(new Set(seen[0]).size, each * members.length, 'each message came once');
  for (const messages of seen) t.strictSame(messages, seen[0], 'in the same order');
});

const BLOCK_BYTES = 64 * KIB;

/** More than the systems of both sides keep on the way. */
const BLOCK_COUNT = 600;

/** A message that nobody can compress and that says which one it is. */
function block(number: number): Buffer {
  const bytes = Buffer.from(NOISE);
  bytes.writeUInt32BE(number);
  return bytes;
}
const NOISE = new SeededRandom(2).bytes(BLOCK_BYTES);

t.test('a slow reader misses messages and is told how many', async (t) => {
  const twist = await startBroadcast(t, ['--send-timeout', '1h']);
  const sender = await join(t, twist, '/news');
  const reader = await join(t, twist, '/news');
  const slow = await join(t, twist, '/news');
  const rounds = async (first: number, count: number): Promise<void> => {
    for (let number = first; number < first + count; number++) {
      sender.send(block(number));
      for (const one of [sender, reader]) {
        if (((await one.next()) as Buffer).readUInt32BE() !== number) t.fail(`lost ${number}`);
      }
    }
  };
  await rounds(0, 100);
  await eventually(() => slow.count === 100, 'the slow reader to be up to date');
  for (let number = 0; number < 100; number++) await slow.next();

  slow.socket.pause();
  const before = process.platform === 'linux' ? twist.memory().rssBytes : 0;
  await rounds(100, BLOCK_COUNT);
  t.pass('the others get every message meanwhile');
  if (process.platform === 'linux') {
    // The output pause and one message, twice, and what the runtime takes for itself.
    const growth = twist.memory().peakBytes - before;
    const bound = 2 * (MIB + BLOCK_BYTES) + 8 * MIB;
    t.ok(growth < bound, `memory grew by ${growth} bytes, for ${BLOCK_BYTES * BLOCK_COUNT} sent`);
  }

  slow.socket.resume();
  let expected = 100;
  let missed = 0;
  while (missed === 0) {
    const message = await slow.next();
    if (typeof message === 'string') missed = Number(/^missed (\d+)$/.exec(message)![1]);
    else if (message.readUInt32BE() !== expected++) t.fail('a message is missing in between');
  }
  t.equal(expected + missed, 100 + BLOCK_COUNT, `it had some, and missed ${missed}`);
  await rounds(700, 1);
  t.equal(((await slow.next()) as Buffer).readUInt32BE(), 700, 'and it is back');
  await Promise.all([sender, reader, slow].map((one) => one.close()));
});

t.test('who never reads again is dropped, and the others do not notice', async (t) => {
  const twist = await startBroadcast(t, ['--send-timeout', '1s']);
  const sender = await join(t, twist, '/news');
  const dead = await join(t, twist, '/news');
  dead.socket.pause();
  const findEnd = (): LogLine | undefined => twist.log.find(({ msg }) => msg === 'session ended');
  for (let number = 0; findEnd() === undefined; number++) {
    sender.send(block(number));
    if (((await sender.next()) as Buffer).readUInt32BE() !== number) t.fail(`lost ${number}`);
  }
  t.match(findEnd(), { rule: 'send-timeout', closedBy: 'server', code: 1008 });
  sender.send('still here');
  t.equal(await sender.next(), 'still here');
  await sender.close();
});
