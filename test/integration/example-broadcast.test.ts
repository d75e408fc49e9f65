/** The example of a broadcast, examples/broadcast: a program that goes through the sessions of its server. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import t, { type Test } from 'tap';
import { WebSocket } from 'ws';
import { MessageQueue } from '../fixtures/message-queue.js';
import { within } from '../fixtures/within.js';

t.setTimeout(60_000);

class Program {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines = new MessageQueue<string>();

  constructor(t: Test) {
    this.#child = spawn(process.execPath, ['examples/broadcast/broadcast.mjs']);
    t.teardown(() => this.#child.kill());
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      this.#lines.push(line);
    });
  }

  async next(): Promise<string> {
    return await within(this.#lines.next(), 'a line');
  }

  /** @returns what it says about a line that is sent to all */
  async tell(line: string): Promise<string> {
    this.#child.stdin.write(`${line}\n`);
    return await this.next();
  }

  async end(): Promise<unknown> {
    const ended = once(this.#child, 'exit');
    this.#child.stdin.end();
    const [code] = (await within(ended, 'the end')) as [number | null];
    return code;
  }
}

class Listener {
  readonly socket: WebSocket;
  readonly messages = new MessageQueue<string>();
  readonly closed: Promise<unknown[]>;

  constructor(t: Test, url: string) {
    this.socket = new WebSocket(url, { perMessageDeflate: false });
    this.closed = once(this.socket, 'close');
    this.socket.on('message', (data: Buffer) => {
      this.messages.push(data.toString());
    });
    t.teardown(() => {
      this.socket.terminate();
    });
  }

  async next(): Promise<string> {
    return await within(this.messages.next(), 'a message');
  }
}

async function connect(t: Test, url: string): Promise<Listener> {
  const listener = new Listener(t, url);
  await within(once(listener.socket, 'open'), 'the connection');
  return listener;
}

t.test('every line goes to every client, but to one that does not read', async (t) => {
  const program = new Program(t);
  const url = await program.next();
  t.equal(await program.tell('nobody hears'), '0 clients, 0 of them too slow');
  const [one, other] = [await connect(t, url), await connect(t, url)];
  one.socket.send('what clients say is dropped');
  t.equal(await program.tell('grüß euch'), '2 clients, 0 of them too slow');
  for (const listener of [one, other]) t.equal(await listener.next(), 'grüß euch');

  other.socket.pause();
  const line = 'x'.repeat(30_000);
  let answer = '';
  // More than the systems of both sides keep on the way.
  for (let count = 0; count < 2000 && !answer.includes('1 of'); count++) {
    answer = await program.tell(line);
    t.equal(await one.next(), line);
  }
  t.equal(answer, '2 clients, 1 of them too slow');
  other.socket.resume();
  t.equal(await program.end(), 0);
  for (const { closed } of [one, other]) {
    const [code] = await within(closed, 'the end');
    t.equal(code, 1001);
  }
});
