/** The server against the WebSocket of undici: the package, and the one inside Node. */
import { createHash } from 'node:crypto';
import diagnostics from 'node:diagnostics_channel';
import { once } from 'node:events';
import t, { type Test } from 'tap';
import { Opcode } from '../../src/protocol/frame.js';
import { WebSocket, ping } from 'undici';
import { makeCorpus, readCorpus } from '../fixtures/deflate-corpus.js';
import {
  Corpus,
  USUAL_OFFER,
  runDeflateCases,
  type DeflateReport,
  type DeflateRun,
} from '../fixtures/interop-deflate.js';
import {
  numberedBlocks,
  testInterop,
  type Message,
  type Peer,
  type PeerClose,
} from '../fixtures/interop.js';
import { MessageQueue } from '../fixtures/message-queue.js';
import { makeTempDir } from '../fixtures/temp-dir.js';

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

/** It makes the offer of browsers, decompresses what comes, and sends everything as it is. */
async function testDeflate(t: Test, Socket: typeof WebSocket): Promise<void> {
  const run = async ({ url, corpus }: DeflateRun): Promise<DeflateReport> => {
    const messages = readCorpus(corpus);
    const socket = await openSocket(t, Socket, url, []);
    const peer = new WebSocketPeer(socket);
    const differing: number[] = [];
    const answers = messages.map(async ({ opcode, payload }, number) => {
      const message = opcode === Opcode.Text ? payload.toString() : payload;
      const answer = await peer.exchange(message);
      const isSame = typeof answer === typeof message && payload.equals(Buffer.from(answer));
      if (!isSame) differing.push(number);
    });
    await Promise.race([
      Promise.all(answers),
      peer.closed().then(({ code }) => Promise.reject(new Error(`closed with ${code}`))),
    ]);
    await peer.close(1000, '');
    return { extensions: socket.extensions, count: answers.length, differing };
  };
  const corpus = new Corpus(makeTempDir(t), 'messages', makeCorpus());
  await t.test('permessage-deflate', async (t) => {
    await runDeflateCases(t, { run }, corpus, [
      { name: 'with takeover', flags: [], offer: USUAL_OFFER, answer: [] },
      {
        name: 'without takeover, and a small window',
        flags: [
          '--deflate-no-context-takeover',
          'server,client',
          '--deflate-window-bits',
          '10',
          '--deflate-client-window-bits',
          '9',
        ],
        offer: USUAL_OFFER,
        answer: ['client_no_context_takeover', 'client_max_window_bits=9'],
      },
    ]);
  });
}

t.test('undici', async (t) => {
  await testDeflate(t, WebSocket);
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
  await testDeflate(t, NodeWebSocket);
  await testInterop(t, async (url, subprotocols) => {
    return new WebSocketPeer(await openSocket(t, NodeWebSocket, url, subprotocols));
  });
});
