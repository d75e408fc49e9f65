/** The server against the npm package ws. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import t from 'tap';
import { WebSocket } from 'ws';
import {
  numberedBlocks,
  testInterop,
  type Message,
  type Peer,
  type PeerClose,
} from '../fixtures/interop.js';
import { MessageQueue } from '../fixtures/message-queue.js';
import { startTwist } from '../fixtures/twist-process.js';
import { within } from '../fixtures/within.js';

t.setTimeout(60_000);

class WsPeer implements Peer {
  readonly #socket: WebSocket;
  readonly #messages = new MessageQueue<Message>();
  readonly #closed: Promise<PeerClose>;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data, isBinary) => {
      const bytes = data as Buffer;
      this.#messages.push(isBinary ? bytes : bytes.toString());
    });
    this.#closed = new Promise((resolve) => {
      socket.on('close', (code, reason) => {
        resolve({ code, reason: reason.toString() });
      });
    });
  }

  get subprotocol(): string {
    return this.#socket.protocol;
  }

  async exchange(message: Message): Promise<Message> {
    this.#socket.send(message);
    return await this.#messages.next();
  }

  async exchangeBlocks(block: Uint8Array, count: number): Promise<string> {
    const answer = await this.exchange(Buffer.concat(numberedBlocks(block, count)));
    return typeof answer === 'string' ? '' : createHash('sha256').update(answer).digest('hex');
  }

  async exchangeFragments(parts: readonly string[]): Promise<Message> {
    for (const [index, part] of parts.entries()) {
      this.#socket.send(part, { fin: index === parts.length - 1 });
    }
    return await this.#messages.next();
  }

  async ping(payload: string): Promise<string> {
    const pong = once(this.#socket, 'pong') as Promise<[Buffer]>;
    this.#socket.ping(payload);
    const [answer] = await pong;
    return answer.toString();
  }

  async close(code: number, reason: string): Promise<PeerClose> {
    this.#socket.close(code, reason);
    return await this.#closed;
  }

  async closed(): Promise<PeerClose> {
    return await this.#closed;
  }
}

t.test('ws', async (t) => {
  await testInterop(t, async (url, subprotocols) => {
    const socket = new WebSocket(url, [...subprotocols]);
    t.teardown(() => {
      socket.terminate();
    });
    const peer = new WsPeer(socket);
    await once(socket, 'open');
    return peer;
  });
});

t.test('ws answers a Ping of the server', async (t) => {
  const twist = await startTwist(t, ['--ping-interval', '100ms', '--pong-timeout', '10s']);
  const socket = new WebSocket(twist.url);
  t.teardown(() => {
    socket.terminate();
  });
  const pings = new MessageQueue<Buffer>();
  socket.on('ping', (payload) => {
    pings.push(payload);
  });
  for (let count = 0; count < 3; count++) {
    t.equal((await within(pings.next(), 'a Ping')).length, 0, 'an empty Ping');
  }
  const peer = new WsPeer(socket);
  t.equal(await peer.exchange('alive'), 'alive');
  t.strictSame(await peer.close(1000, ''), { code: 1000, reason: '' });
});

t.test('a peer that answers no Ping is told so, and dropped', async (t) => {
  const twist = await startTwist(t, ['--ping-interval', '100ms', '--pong-timeout', '200ms']);
  const socket = new WebSocket(twist.url, { autoPong: false });
  const peer = new WsPeer(socket);
  t.equal((await within(peer.closed(), 'the end')).code, 1001);
  t.match(await twist.waitForLog(({ msg }) => msg === 'session ended'), {
    closedBy: 'server',
    code: 1001,
    rule: 'pong-timeout',
  });
});

t.test(
  'a client whose large message is refused reads why, though it is still sending',
  async (t) => {
    const twist = await startTwist(t);
    const tooBig = Buffer.alloc(16 * 1024 ** 2 + 1, 0x5a);
    for (let count = 0; count < 8; count++) {
      const socket = new WebSocket(twist.url, { perMessageDeflate: false });
      const peer = new WsPeer(socket);
      await once(socket, 'open');
      socket.on('error', () => undefined);
      socket.send(tooBig);
      t.equal((await within(peer.closed(), 'the end')).code, 1009, `client ${count}`);
    }
  },
);
