/** Redis through the proxy: what a client pipelines, and a value of a mebibyte, both ways. */
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import path from 'node:path';
import t, { type Test } from 'tap';
import { WebSocket } from 'ws';
import { SeededRandom } from '../fixtures/seeded-random.js';
import { findCommands, startService } from '../fixtures/service-process.js';
import { startServing } from '../fixtures/twist-process.js';
import { eventually, within } from '../fixtures/within.js';

const SEED = 20_261_124;
const KEYS = 1000;
const BIG_BYTES = 1024 ** 2;
const CRLF = Buffer.from('\r\n');

/** One value of RESP, the protocol of Redis: a line that begins with its kind, or bytes, or null. */
type Reply = string | Buffer | null;

/** An array of bulk strings, which is what Redis takes as a command. */
function encodeCommand(...words: readonly (string | Uint8Array)[]): Buffer {
  const parts = words.flatMap((word) => {
    const bytes = Buffer.from(word);
    return [Buffer.from(`$${bytes.length}\r\n`), bytes, CRLF];
  });
  return Buffer.concat([Buffer.from(`*${words.length}\r\n`), ...parts]);
}

/** Reads replies from bytes that may be cut anywhere. */
class ReplyReader {
  readonly replies: Reply[] = [];
  #chunks: Buffer[] = [];
  #length = 0;
  /** So many bytes must be there before it is worth looking again. */
  #needed = 1;

  add(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    if (this.#length < this.#needed) return;
    let rest: Buffer = Buffer.concat(this.#chunks);
    this.#needed = 1;
    for (let next = this.#readOne(rest); next !== null; next = this.#readOne(rest)) rest = next;
    this.#chunks = [rest];
    this.#length = rest.length;
  }

  /** @returns what is behind the reply, or null when it is not complete */
  #readOne(bytes: Buffer): Buffer | null {
    const end = bytes.indexOf(CRLF);
    if (end < 0) return null;
    const line = bytes.toString('latin1', 0, end);
    const start = end + CRLF.length;
    const length = line.startsWith('$') ? Number(line.slice(1)) : null;
    if (length === null || length < 0) {
      this.replies.push(length === null ? line : null);
      return bytes.subarray(start);
    }
    this.#needed = start + length + CRLF.length;
    if (bytes.length < this.#needed) return null;
    this.#needed = 1;
    this.replies.push(Buffer.from(bytes.subarray(start, start + length)));
    return bytes.subarray(start + length + CRLF.length);
  }
}

class RedisClient {
  readonly #socket: WebSocket;
  readonly #reader = new ReplyReader();

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data, isBinary) => {
      if (isBinary) this.#reader.add(data as Buffer);
    });
  }

  static async connect(t: Test, url: string): Promise<RedisClient> {
    const socket = new WebSocket(url);
    t.teardown(() => {
      socket.terminate();
    });
    const client = new RedisClient(socket);
    await within(once(socket, 'open'), 'the session');
    return client;
  }

  send(bytes: Buffer, isText = false): void {
    this.#socket.send(bytes, { binary: !isText });
  }

  /** The next replies. */
  async receive(count: number): Promise<Reply[]> {
    const { replies } = this.#reader;
    const isThere = (): boolean => replies.length >= count;
    await eventually(isThere, `${count} replies`, () => `there are ${replies.length}`);
    return replies.splice(0, count);
  }

  /** @returns the close code */
  async ended(): Promise<number> {
    const [code] = (await within(once(this.#socket, 'close'), 'the end')) as [number];
    return code;
  }
}

/** Values of all sizes, and a large one; any byte is in them, line ends as well. */
function makeValues(): Uint8Array[] {
  const random = new SeededRandom(SEED);
  const noise = random.bytes(BIG_BYTES);
  return Array.from({ length: KEYS }, (_, index) => {
    if (index === KEYS / 2) return noise;
    const start = random.below(BIG_BYTES / 2);
    return noise.subarray(start, start + random.below(2000));
  });
}

/** Sends a pipeline in messages that have nothing to do with its commands. */
function sendInPieces(client: RedisClient, pipeline: Buffer): void {
  const random = new SeededRandom(SEED + 1);
  for (let start = 0; start < pipeline.length;) {
    const end = start + random.between(1, 30_000);
    client.send(pipeline.subarray(start, end));
    start = end;
  }
}

async function proveRedis(t: Test, target: string): Promise<void> {
  const args = ['serve', '--tcp', target, '--listen', '127.0.0.1:0', '--log-format', 'json'];
  const twist = await startServing(t, { args });
  const client = await RedisClient.connect(t, twist.url);
  client.send(Buffer.from('PING\r\n'), true);
  t.strictSame(await client.receive(1), ['+PONG'], 'a text message is taken as well');

  const values = makeValues();
  const sets = values.map((value, index) => encodeCommand('SET', `key ${index}`, value));
  const gets = values.map((_, index) => encodeCommand('GET', `key ${index}`));
  sendInPieces(client, Buffer.concat([...sets, ...gets, encodeCommand('GET', 'no such key')]));
  const stored = await client.receive(KEYS);
  t.ok(
    stored.every((reply) => reply === '+OK'),
    `${KEYS} values are stored`,
  );
  const received = await client.receive(KEYS);
  const wrong = values.findIndex(
    (value, index) => !Buffer.from(value).equals(bytesOf(received[index])),
  );
  t.equal(wrong, -1, `${KEYS} values come back as they were`);
  t.strictSame(await client.receive(1), [null], 'and nothing for what was never stored');

  const ended = client.ended();
  client.send(encodeCommand('QUIT'));
  t.strictSame(await client.receive(1), ['+OK'], 'the last reply arrives');
  t.equal(await ended, 1000, 'then the end, which was Redis hanging up');
  t.match(await twist.waitForLog(({ msg }) => msg === 'session ended'), { code: 1000 });
}

function bytesOf(reply: Reply | undefined): Buffer {
  return Buffer.isBuffer(reply) ? reply : Buffer.from(`not bytes: ${String(reply)}`);
}

t.test('Redis', async (t) => {
  const commands = findCommands(t, ['redis-server']);
  if (commands === null) return;
  const service = await startService(t, {
    command: commands[0],
    arrange: (port, directory) => [
      ...['--port', `${port}`, '--bind', '127.0.0.1', '--dir', directory],
      ...['--unixsocket', path.join(directory, 'redis'), '--save', '', '--appendonly', 'no'],
    ],
    ready: /Ready to accept connections/,
  });
  await t.test('on a port', (t) => proveRedis(t, service.address));
  await t.test('on a Unix socket', (t) =>
    proveRedis(t, `unix:${path.join(service.directory, 'redis')}`),
  );
});
