/** The example of a JSON-RPC mode, examples/json-rpc, with clients of the npm package ws and of undici. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import t, { type Test } from 'tap';
import { WebSocket as UndiciSocket } from 'undici';
import { type ClientOptions, WebSocket } from 'ws';
import { MessageQueue } from '../fixtures/message-queue.js';
import { makeTempDir } from '../fixtures/temp-dir.js';
import { type TwistProcess, startServing } from '../fixtures/twist-process.js';
import { standstill, within } from '../fixtures/within.js';

t.setTimeout(60_000);

const EXAMPLE = path.resolve('examples/json-rpc/json-rpc.mjs');

const serve = (t: Test, mode = EXAMPLE): Promise<TwistProcess> =>
  startServing(t, {
    args: ['serve', '--mode', mode, '--listen', '127.0.0.1:0', '--log-format', 'json'],
  });

class Client {
  readonly socket: WebSocket;
  readonly #messages = new MessageQueue<string>();

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data: Buffer) => {
      this.#messages.push(data.toString());
    });
  }

  static async connect(t: Test, twist: TwistProcess, options: ClientOptions = {}): Promise<Client> {
    const socket = new WebSocket(twist.url, options);
    t.teardown(() => {
      socket.terminate();
    });
    const client = new Client(socket);
    await within(once(socket, 'open'), 'the connection');
    return client;
  }

  async next(): Promise<unknown> {
    return JSON.parse(await within(this.#messages.next(), 'an answer')) as unknown;
  }

  /** @returns the answer to a text, or to a request */
  async ask(request: string | object): Promise<unknown> {
    this.send(request);
    return await this.next();
  }

  send(request: string | object): void {
    this.socket.send(typeof request === 'string' ? request : JSON.stringify(request));
  }

  async close(): Promise<number> {
    const closed = once(this.socket, 'close');
    this.socket.close(1000);
    const [code] = (await within(closed, 'the end')) as [number];
    return code;
  }
}

const call = (method: string, params?: unknown, id?: unknown): object => ({
  jsonrpc: '2.0',
  method,
  ...(params !== undefined && { params }),
  ...(id !== undefined && { id }),
});
const result = (value: unknown, id: unknown): object => ({ jsonrpc: '2.0', result: value, id });
const failure = (code: number, message: string, id: unknown = null): object => ({
  jsonrpc: '2.0',
  error: { code, message },
  id,
});

const INVALID = failure(-32600, 'Invalid Request');

t.test('requests, notifications and errors', async (t) => {
  const client = await Client.connect(t, await serve(t));
  for (const [request, answer] of [
    [call('add', [1, 2], 1), result(3, 1)],
    [call('add', { b: 40, a: 2 }, 'two'), result(42, 'two')],
    [call('add', [1, 2], null), result(3, null)],
    [call('divide', [1, 0], 3), failure(-32000, 'Division by zero', 3)],
    [call('nothing', [], 4), failure(-32601, 'Method not found', 4)],
    [call('toString', undefined, 5), failure(-32601, 'Method not found', 5)],
    [
      '{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]',
      failure(-32700, 'Parse error'),
    ],
    ['{"jsonrpc": "2.0", "method": 1, "params": "bar"}', INVALID],
    [call('add', 'no params', 6), INVALID],
    [call('add', [1, 2], {}), INVALID],
    [{ method: 'add', params: [1, 2], id: 7 }, INVALID],
    ['null', INVALID],
    ['7', INVALID],
  ] as const)
    t.strictSame(await client.ask(request), answer, JSON.stringify(request));
  t.strictSame(await client.ask(call('add', ['1', 2], 8)), {
    jsonrpc: '2.0',
    error: { code: -32602, message: 'Invalid params', data: 'a must be a number' },
    id: 8,
  });
  client.send(call('add', [1, 2]));
  client.send(call('nothing'));
  t.strictSame(await client.ask(call('add', [3, 4], 9)), result(7, 9), 'notifications get nothing');
  t.equal(await client.close(), 1000);
});

t.test('batches, as in section 7 of the specification', async (t) => {
  const client = await Client.connect(t, await serve(t));
  for (const [request, answer] of [
    [
      '[{"jsonrpc": "2.0", "method": "add", "params": [1,2], "id": "1"}, {"jsonrpc": "2.0", "method"]',
      failure(-32700, 'Parse error'),
    ],
    ['[]', INVALID],
    ['[1]', [INVALID]],
    ['[1,2,3]', [INVALID, INVALID, INVALID]],
    [
      [
        call('add', [1, 2], '1'),
        call('notify_hello', [7]),
        call('divide', [42, 2], '2'),
        { foo: 'boo' },
        call('foo.get', { name: 'myself' }, '5'),
      ],
      [result(3, '1'), result(21, '2'), INVALID, failure(-32601, 'Method not found', '5')],
    ],
    [Array.from({ length: 101 }, () => 1), failure(-32600, 'Invalid Request: over 100 in a batch')],
  ] as const)
    t.strictSame(await client.ask(request), answer, JSON.stringify(request).slice(0, 60));
  client.send([call('add', [1, 2]), call('add', [3, 4])]);
  t.strictSame(await client.ask(call('add', [1, 1], 1)), result(2, 1), 'nothing for notifications');
  const large = Array.from({ length: 100 }, (_, id) => call('add', [id, 1], id));
  const answers = (await client.ask(large)) as readonly unknown[];
  t.equal(answers.length, 100, 'more than may be under way at a time');
});

t.test('methods that answer later, in the order in which they are ready', async (t) => {
  const twist = await serve(t);
  const client = await Client.connect(t, twist);
  client.send(call('wait', [200], 'slow'));
  client.send(call('wait', { ms: 1 }, 'fast'));
  t.strictSame(await client.next(), call('waiting', { ms: 200 }), 'a notification of the server');
  t.strictSame(await client.next(), call('waiting', { ms: 1 }));
  t.strictSame(await client.next(), result(1, 'fast'));
  t.strictSame(await client.next(), result(200, 'slow'));

  client.send(call('wait', [100], 'last'));
  t.strictSame(await client.next(), call('waiting', { ms: 100 }));
  const closed = client.close();
  t.strictSame(await client.next(), result(100, 'last'), 'before the answer to its Close');
  t.equal(await closed, 1000);

  const gone = await Client.connect(t, twist);
  gone.send(call('wait', [60_000], 1));
  await gone.next();
  gone.socket.terminate();
  t.equal(await within(twist.stop(), 'the end'), 0, 'nobody waits for a client that has left');
});

/** A mode in a file of its own: how many calls were under way at most, and what was told of errors. */
const COUNTING = `
  import { setTimeout } from 'node:timers/promises';
  import { jsonRpc } from ${JSON.stringify(pathToFileURL(EXAMPLE).href)};
  let running = 0;
  let most = 0;
  const errors = [];
  export default jsonRpc(
    {
      async work() {
        most = Math.max(most, ++running);
        await setTimeout(5);
        running--;
      },
      most: () => most,
      errors: () => errors,
      fails: () => { throw new TypeError('secret'); },
      odd: () => 1n,
    },
    { maxCalls: 4, onError: (error, method) => errors.push(method + ': ' + error.message) },
  );
`;

t.test('so many calls at a time, and no detail of what goes wrong', async (t) => {
  const file = path.join(makeTempDir(t), 'counting.mjs');
  writeFileSync(file, COUNTING);
  const client = await Client.connect(t, await serve(t, file));
  const count = 1000;
  for (let id = 0; id < count; id++) client.send(call('work', undefined, id));
  const answered = new Set<unknown>();
  for (let index = 0; index < count; index++) {
    const { id, result } = (await client.next()) as { id: unknown; result: unknown };
    t.equal(result, null, 'what returns nothing has the result null');
    answered.add(id);
  }
  t.equal(answered.size, count);
  t.strictSame(await client.ask(call('most', undefined, 1)), result(4, 1));
  const internal = failure(-32603, 'Internal error', 2);
  t.strictSame(await client.ask(call('fails', undefined, 2)), internal);
  t.strictSame(await client.ask(call('odd', undefined, 2)), internal, 'JSON has no such value');
  t.strictSame(await client.ask(call('errors', undefined, 3)), result(['fails: secret'], 3));
  client.socket.send(Buffer.from('{}'));
  const [code, reason] = (await within(once(client.socket, 'close'), 'the end')) as [
    number,
    Buffer,
  ];
  t.strictSame([code, reason.toString()], [1003, 'JSON texts only, please']);
});

t.test('a client that does not read its answers is not read', async (t) => {
  const twist = await serve(t);
  const client = await Client.connect(t, twist, { perMessageDeflate: false });
  client.socket.pause();
  const text = JSON.stringify(call('add', [1, 2], 'x'.repeat(10_000)));
  // More than the system keeps of both ways; it may keep 32 MiB of what is to be read.
  const count = 10_000;
  for (let index = 0; index < count; index++) client.socket.send(text);
  await standstill(() => client.socket.bufferedAmount, 'its own requests');
  t.ok(client.socket.bufferedAmount > 0, 'its own requests wait at its side');
  client.socket.resume();
  for (let index = 0; index < count; index++) await client.next();
  t.equal(await client.close(), 1000);
});

t.test('the WebSocket of undici', async (t) => {
  const twist = await serve(t);
  const socket = new UndiciSocket(twist.url);
  const messages = new MessageQueue<string>();
  socket.addEventListener('message', ({ data }) => {
    messages.push(String(data));
  });
  socket.addEventListener('open', () => {
    socket.send(JSON.stringify(call('add', [1, 2], 1)));
  });
  t.strictSame(JSON.parse(await within(messages.next(), 'an answer')), result(3, 1));
  const closed = new Promise((resolve) => {
    socket.addEventListener('close', ({ code }) => {
      resolve(code);
    });
  });
  socket.close();
  t.equal(await within(closed, 'the end'), 1005, 'a Close without a code');
});
