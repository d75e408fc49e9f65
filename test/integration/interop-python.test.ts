/** The server against Python's websockets. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import {
  skipWithout,
  testInterop,
  type Message,
  type Peer,
  type PeerClose,
} from '../fixtures/interop.js';
import { LineProcess } from '../fixtures/line-process.js';

t.setTimeout(60_000);

/** An interpreter that can import websockets. */
const PYTHON = process.env['TWIST_PYTHON'] ?? 'python3';
const SCRIPT = fileURLToPath(new URL('../fixtures/python-peer.py', import.meta.url));

type EncodedMessage = { readonly text: string } | { readonly base64: string };

/** One connection; one Python process holds them all. */
class PythonPeer implements Peer {
  readonly subprotocol: string;
  readonly #python: LineProcess;
  readonly #peer: number;

  constructor(python: LineProcess, peer: number, subprotocol: string) {
    this.subprotocol = subprotocol;
    this.#python = python;
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

  #ask(action: string, details: object = {}): Promise<unknown> {
    return this.#python.ask(action, { peer: this.#peer, ...details });
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
  const python = new LineProcess(t, PYTHON, [SCRIPT]);
  let lastPeer = 0;
  await testInterop(t, async (url, subprotocols) => {
    const peer = ++lastPeer;
    const subprotocol = await python.ask('connect', { peer, url, subprotocols });
    return new PythonPeer(python, peer, String(subprotocol));
  });
});
