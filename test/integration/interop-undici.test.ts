/** The server against the WebSocket of undici: the package, and the one inside Node. */
import { createHash } from 'node:crypto';
import diagnostics from 'node:diagnostics_channel';
import { once } from 'node:events';
import t, { type Test } from 'tap';
import { WebSocket, ping } from 'undici';
import {
  numberedBlocks,
  testInterop,
  type Message,
  type Peer,
  type PeerClose,
} from '../fixtures/interop.js';
import { MessageQueue } from '../fixtures/message-queue.js';

t.setTimeout(60_000);

class WebSocketPeer implements Peer {
  readonly subprotocol: string;
  readonly #socket: WebSocket;
  readonly #messages = new MessageQueue<Message>();
  readonly #closed: Promise<PeerClose>;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    this.subprotocol = socket.protocol;
    socket.addEventListener('message', ({ data }: { data: string | ArrayBuffer }) => {
      this.#messages.push(typeof data === 'string' ? data : new Uint8Array(data));
    });
    this.#closed = new Promise((resolve, reject) => {
      socket.addEventListener('close', ({ code, reason, wasClean }) => {
        if (wasClean) resolve({ code, reason });
        else reject(new Error(`closed uncleanly with ${code}`));
      });
    });
  }

  async exchange(message: Message): Promise<Message> {
    this.#socket.send(message);
    return await this.#messages.next();
  }

  async exchangeBlocks(block: Uint8Array, count: number): Promise<string> {
    const answer = await this.exchange(Buffer.concat(numberedBlocks(block, count)));
    return typeof answer === 'string' ? '' : createHash('sha256').update(answer).digest('hex');
  }

  async close(code: number, reason: string): Promise<PeerClose> {
    this.#socket.close(code, reason);
    return await this.#closed;
  }

  async closed(): Promise<PeerClose> {
    return await this.#closed;
  }
}

/** The package has a call for Pings, and tells of Pongs on a channel of its own. */
class UndiciPeer extends WebSocketPeer {
  readonly #socket: WebSocket;

  constructor(socket: WebSocket) {
    super(socket);
    this.#socket = socket;
  }

  async ping(payload: string): Promise<string> {
    const pong = new Promise<string>((resolve) => {
      diagnostics.subscribe('undici:websocket:pong', (event) => {
        resolve(String((event as { payload: Buffer }).payload));
      });
    });
    ping(this.#socket, Buffer.from(payload));
    return await pong;
  }
}

async function openSocket(
  t: Test,
  Socket: typeof WebSocket,
  url: string,
  subprotocols: readonly string[],
): Promise<WebSocket> {
  const socket = new Socket(url, [...subprotocols]);
  t.teardown(() => {
    socket.close();
  });
  socket.binaryType = 'arraybuffer';
  await once(socket, 'open');
  return socket;
}

t.test('undici', async (t) => {
  await testInterop(t, async (url, subprotocols) => {
    return new UndiciPeer(await openSocket(t, WebSocket, url, subprotocols));
  });
});

t.test("Node's own WebSocket", async (t) => {
  const { WebSocket: NodeWebSocket } = globalThis as { WebSocket?: typeof WebSocket };
  if (NodeWebSocket === undefined) {
    t.pass('left out', { skip: `Node ${process.version} has none; 22 and later have one` });
    return;
  }
  await testInterop(t, async (url, subprotocols) => {
    return new WebSocketPeer(await openSocket(t, NodeWebSocket, url, subprotocols));
  });
});
