/** The server against Python's websockets. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import {
  skipWithout,
  testInterop,
  type Message,
  type Peer,
  type PeerClose,
} from '../fixtures/interop.js';

t.setTimeout(60_000);

/** An interpreter that can import websockets. */
const PYTHON = process.env['TWIST_PYTHON'] ?? 'python3';
const SCRIPT = fileURLToPath(new URL('../fixtures/python-peer.py', import.meta.url));

interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}

/** One Python process that holds all connections. */
class PythonPeers {
  readonly child: ChildProcess;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #lastId = 0;

  constructor() {
    this.child = spawn(PYTHON, [SCRIPT], { stdio: ['pipe', 'pipe', 'inherit'] });
    createInterface({ input: this.child.stdout! }).on('line', (line) => {
      const answer = JSON.parse(line) as Answer;
      this.#waiting.get(answer.id)?.(answer);
    });
  }

  async connect(url: string, subprotocols: readonly string[]): Promise<Peer> {
    const peer = this.#lastId;
    const subprotocol = await this.ask(peer, 'connect', { url, subprotocols });
    return new PythonPeer(this, peer, String(subprotocol));
  }

  async ask(peer: number, action: string, details: object = {}): Promise<unknown> {
    const id = ++this.#lastId;
    const { result, error } = await new Promise<Answer>((resolve) => {
      this.#waiting.set(id, resolve);
      this.child.stdin!.write(`${JSON.stringify({ id, peer, do: action, ...details })}\n`);
    });
    if (error !== undefined) throw new Error(error);
    return result;
  }
}

type EncodedMessage = { readonly text: string } | { readonly base64: string };

class PythonPeer implements Peer {
  readonly subprotocol: string;
  readonly #peers: PythonPeers;
  readonly #peer: number;

  constructor(peers: PythonPeers, peer: number, subprotocol: string) {
    this.subprotocol = subprotocol;
    this.#peers = peers;
    this.#peer = peer;
  }

  async exchange(message: Message): Promise<Message> {
    return decode(await this.#ask('exchange', { message: encode(message) }));
  }

  async exchangeBlocks(block: Uint8Array, count: number): Promise<string> {
    const base64 = Buffer.from(block).toString('base64');
    return String(await this.#ask('exchange_blocks', { block: base64, count }));
  }

  async exchangeFragments(parts: readonly string[]): Promise<Message> {
    return decode(await this.#ask('exchange_fragments', { parts }));
  }

  async ping(payload: string): Promise<string> {
    return String(await this.#ask('ping', { payload }));
  }

  async close(code: number, reason: string): Promise<PeerClose> {
    return (await this.#ask('close', { code, reason })) as PeerClose;
  }

  async closed(): Promise<PeerClose> {
    return (await this.#ask('closed')) as PeerClose;
  }

  #ask(action: string, details?: object): Promise<unknown> {
    return this.#peers.ask(this.#peer, action, details);
  }
}

function encode(message: Message): EncodedMessage {
  if (typeof message === 'string') return { text: message };
  return { base64: Buffer.from(message).toString('base64') };
}

function decode(answer: unknown): Message {
  const message = answer as EncodedMessage;
  return 'text' in message ? message.text : Buffer.from(message.base64, 'base64');
}

t.test("Python's websockets", async (t) => {
  const probe = spawnSync(PYTHON, ['-c', 'import websockets; print(websockets.__version__)']);
  if (probe.status !== 0) {
    skipWithout(t, `${PYTHON} cannot import websockets (TWIST_PYTHON names another interpreter)`);
    return;
  }
  t.comment(`websockets ${String(probe.stdout).trim()}`);
  const peers = new PythonPeers();
  t.teardown(() => {
    peers.child.kill('SIGKILL');
  });
  await testInterop(t, (url, subprotocols) => peers.connect(url, subprotocols));
});
