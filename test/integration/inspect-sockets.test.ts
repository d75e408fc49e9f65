/** Pages of the inspector as `ws` is one, on real sockets: what they read, and what they do when they read slowly, or leave. */
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { WebSocket } from 'ws';
import { SUBPROTOCOL } from '../../src/inspect/inspect-mode.js';
import { LiveInspection } from '../../src/inspect/inspection.js';
import { Server } from '../../src/server/server.js';
import { DEFAULT_LIMITS } from '../fixtures/handshake.js';
import { bytesOf, smallMessage } from '../fixtures/inspected.js';
import { KeptLog } from '../fixtures/kept-log.js';
import { RecordedLines } from '../fixtures/recorded-lines.js';
import { SERVER_LIMITS } from '../fixtures/server-limits.js';
import { makeTempDir } from '../fixtures/temp-dir.js';
import { eventually } from '../fixtures/within.js';

const MIB = 1024 ** 2;
const A = new RecordedLines('A');

type Told = Record<string, unknown>;

async function start(t: Test): Promise<{ inspection: LiveInspection; server: Server }> {
  const spoolDir = makeTempDir(t);
  const inspection = new LiveInspection({ version: '1', spoolDir, memoryBytes: 64 * MIB });
  const server = new Server({
    listen: [{ kind: 'tcp', host: '127.0.0.1', port: 0 }],
    served: [{ path: null, mode: inspection.mode, origin: 'any', extensions: [] }],
    head: DEFAULT_LIMITS,
    subprotocol: [SUBPROTOCOL],
    maxFragments: 1000,
    admission: { maxConnections: 100, maxConnectionsPerAddress: 0 },
    drainTimeout: 1000,
    limits: { ...SERVER_LIMITS, outputPause: MIB, outputLimit: 16 * MIB },
    log: new KeptLog(),
  });
  t.teardown(() => {
    server.stopNow();
  });
  await server.start();
  return { inspection, server };
}

class Page {
  readonly socket: WebSocket;
  readonly told: Told[] = [];
  /** Files, by the number of the request. */
  readonly files = new Map<number, Buffer[]>();
  #id = 0;

  constructor(server: Server, subprotocols = [SUBPROTOCOL]) {
    const { host } = new URL(server.urls[0]!);
    this.socket = new WebSocket(`ws://${host}/ws`, subprotocols);
    this.socket.on('error', () => undefined);
    this.socket.on('message', (data: Buffer, isBinary) => {
      if (!isBinary) {
        this.told.push(JSON.parse(data.toString()) as Told);
        return;
      }
      const id = data.readUInt32BE(0);
      this.files.set(id, [...(this.files.get(id) ?? []), data.subarray(4)]);
    });
  }

  say(request: object): number {
    this.socket.send(JSON.stringify({ id: ++this.#id, ...request }));
    return this.#id;
  }

  async answer(id: number): Promise<Told> {
    let found: Told | undefined;
    await eventually(
      () => (found = this.told.find((one) => one['id'] === id)) !== undefined,
      `the answer to ${id}`,
    );
    return found!;
  }

  async ask(request: object): Promise<Told> {
    return await this.answer(this.say(request));
  }
}

async function opened(t: Test, server: Server): Promise<Page> {
  const page = new Page(server);
  t.teardown(() => {
    page.socket.terminate();
  });
  await once(page.socket, 'open');
  return page;
}

t.test('what a page reads is what was recorded', async (t) => {
  const { inspection, server } = await start(t);
  const records = [A.open(), A.in('one'), A.out('two'), A.close()];
  inspection.receive(bytesOf(records));
  const page = await opened(t, server);
  const { view } = await page.ask({ ask: 'view', filter: {} });
  const { rows } = await page.ask({ ask: 'rows', view, from: 0, count: 500 });
  t.match(rows, [{ kind: 'open' }, { preview: 'one' }, { preview: 'two' }, { kind: 'end' }]);
  for (const [n, record] of records.entries())
    t.match(await page.ask({ ask: 'record', n }), { record }, `record ${n}`);
  t.match(page.told[0], { news: 'hello', source: 'live' });
});

t.test('five thousand messages a second, seen as they come', async (t) => {
  const { inspection, server } = await start(t);
  inspection.receive(bytesOf([A.open()]));
  const page = await opened(t, server);
  const { view } = await page.ask({ ask: 'view', filter: { text: 'message' } });
  for (let at = 0; at < 10_000; at += 50) {
    let text = '';
    for (let one = at; one < at + 50; one++) text += smallMessage('A', 'in', one, `message ${one}`);
    inspection.receive(Buffer.from(text));
    await sleep(10);
  }
  const news = (): Told => page.told.filter((one) => one['news'] === 'view').at(-1) ?? {};
  await eventually(() => news()['total'] === 10_000, 'all messages');
  const place = await page.ask({ ask: 'find', view, from: -1, pattern: 'message 7{4}$' });
  t.match(place, { place: 7777, n: 7778 });
  const views = page.told.filter((one) => one['news'] === 'view');
  t.ok(views.length < 100, `${views.length} pieces of news, not one a message`);
});

t.test(
  'a page that reads slowly gets its file whole, and one that leaves takes nothing along',
  async (t) => {
    const { inspection, server } = await start(t);
    const count = 300_000;
    inspection.receive(bytesOf([A.open()]));
    for (let at = 0; at < count; at += 1000) {
      let text = '';
      for (let one = at; one < at + 1000; one++) text += smallMessage('A', 'in', one);
      inspection.receive(Buffer.from(text));
    }
    const [slow, leaving, other] = [
      await opened(t, server),
      await opened(t, server),
      await opened(t, server),
    ];
    const { view } = await slow.ask({ ask: 'view', filter: {} });
    const { view: its } = await leaving.ask({ ask: 'view', filter: {} });
    const id = slow.say({ ask: 'export', view, format: 'ndjson' });
    leaving.say({ ask: 'export', view: its, format: 'har' });
    await eventually(() => slow.files.has(id), 'the beginning of the file');
    slow.socket.pause();
    leaving.socket.terminate();
    t.match(await other.ask({ ask: 'strip', buckets: 10 }), { buckets: [] }, 'others are answered');
    await sleep(300);
    slow.socket.resume();
    const answer = await slow.answer(id);
    const file = Buffer.concat(slow.files.get(id)!);
    t.equal(file.length, answer['bytes']);
    const lines = file.toString().trimEnd().split('\n');
    t.equal(lines.length, count + 2);
    t.equal(`${lines.at(-1)!}\n`, smallMessage('A', 'in', count - 1));
  },
);

t.test(
  'a fifth page is told why it is refused, and so is what speaks something else',
  async (t) => {
    const { server } = await start(t);
    for (let one = 0; one < 4; one++) await opened(t, server);
    const fifth = new Page(server);
    const [code, reason] = (await once(fifth.socket, 'close')) as [number, Buffer];
    t.equal(code, 1013);
    t.equal(reason.toString(), '4 pages are open already: close one of them');
    for (const subprotocols of [[], ['other']]) {
      const stranger = new Page(server, subprotocols);
      const [, response] = (await once(stranger.socket, 'unexpected-response')) as [
        unknown,
        { statusCode: number },
      ];
      t.equal(response.statusCode, 400);
      stranger.socket.terminate();
    }
  },
);
