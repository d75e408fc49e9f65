/** The codec without a socket, joined to sockets, against the npm package ws: as its client and as its server. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import t, { type Test } from 'tap';
import { WebSocket, WebSocketServer } from 'ws';
import { acceptKey } from '../../src/handshake/response.js';
import { Codec, type CodecOptions } from '../../src/protocol/codec.js';
import { within } from '../fixtures/within.js';

t.setTimeout(60_000);

/** Text and binary, of every length form, and beyond what one read brings. */
const MESSAGES: readonly (string | Buffer)[] = [
  '',
  'grüß Gott 👋',
  randomBytes(125),
  randomBytes(126),
  'x'.repeat(65_535),
  randomBytes(65_536),
  randomBytes(1_500_000),
];

/** Joins a codec to its socket. @returns what writes its output */
function join(codec: Codec, socket: Duplex, head: Buffer): () => void {
  const flush = (): void => {
    const output = codec.takeOutput();
    if (output !== null) socket.write(output);
    if (codec.isClosed) socket.end();
  };
  const receive = (bytes: Buffer): void => {
    codec.receive(bytes);
    flush();
  };
  socket.on('data', receive);
  socket.on('end', () => socket.end());
  socket.on('error', () => undefined);
  socket.on('close', () => {
    codec.receiveEnd();
  });
  receive(head);
  return flush;
}

/** A codec that serves one client of ws, and that client. */
async function serveWs(
  t: Test,
  options: Omit<CodecOptions, 'role'>,
): Promise<{ codec: Codec; flush: () => void; socket: WebSocket }> {
  const server = createServer().listen(0, '127.0.0.1');
  t.teardown(() => server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`);
  const opened = once(socket, 'open');
  const [req, raw, head] = (await once(server, 'upgrade')) as [IncomingMessage, Duplex, Buffer];
  raw.write(
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
      `Sec-WebSocket-Accept: ${acceptKey(req.headers['sec-websocket-key'] ?? '')}\r\n\r\n`,
  );
  const codec = new Codec({ role: 'server', ...options });
  const flush = join(codec, raw, head);
  await opened;
  return { codec, flush, socket };
}

/** A codec that is the client of ws, and the server's side of the connection. */
async function connectWs(
  t: Test,
  options: Omit<CodecOptions, 'role'>,
): Promise<{ codec: Codec; flush: () => void; socket: WebSocket }> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  t.teardown(() => {
    server.close();
  });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const key = randomBytes(16).toString('base64');
  const upgrade = request({
    ...{ port, host: '127.0.0.1' },
    headers: {
      ...{ Connection: 'Upgrade', Upgrade: 'websocket' },
      ...{ 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': key },
    },
  });
  const accepted = once(server, 'connection') as Promise<[WebSocket]>;
  upgrade.end();
  const [response, raw, head] = (await once(upgrade, 'upgrade')) as [
    IncomingMessage,
    Duplex,
    Buffer,
  ];
  t.equal(response.headers['sec-websocket-accept'], acceptKey(key));
  const codec = new Codec({ role: 'client', ...options });
  const flush = join(codec, raw, head);
  const [socket] = await accepted;
  return { codec, flush, socket };
}

const SIDES = [
  ['server', serveWs],
  ['client', connectWs],
] as const;

for (const [role, make] of SIDES) {
  t.test(`as ${role}: messages there and back`, async (t) => {
    const given: (string | Buffer)[] = [];
    const { codec, flush, socket } = await make(t, {
      message: (data, isBinary) => {
        given.push(isBinary ? data : data.toString());
        codec.send(data, isBinary);
      },
    });
    const back: (string | Buffer)[] = [];
    const all = new Promise<void>((resolve) => {
      socket.on('message', (data, isBinary) => {
        const bytes = data as Buffer;
        back.push(isBinary ? bytes : bytes.toString());
        if (back.length === MESSAGES.length + 1) resolve();
      });
    });
    for (const message of MESSAGES) socket.send(message);
    for (const part of ['frag', 'ment', 'ed']) socket.send(part, { fin: part === 'ed' });
    await within(all, 'the messages');
    t.strictSame(given, [...MESSAGES, 'fragmented']);
    t.strictSame(back, [...MESSAGES, 'fragmented']);

    const more = once(socket, 'message') as Promise<[Buffer]>;
    codec.sendChunk('one ', false, true, false);
    codec.sendChunk('two', false, false, true);
    flush();
    const [text] = await within(more, 'a message in chunks');
    t.equal(text.toString(), 'one two');
    socket.terminate();
  });

  t.test(`as ${role}: Ping and Pong`, async (t) => {
    let answer: (text: string) => void = () => undefined;
    const answered = new Promise<string>((resolve) => {
      answer = resolve;
    });
    const { codec, flush, socket } = await make(t, {
      pong: (data) => {
        answer(data.toString());
      },
    });
    codec.ping('ours');
    flush();
    t.equal(await within(answered, 'a Pong'), 'ours');
    const pong = once(socket, 'pong') as Promise<[Buffer]>;
    socket.ping('theirs');
    t.equal((await within(pong, 'a Pong'))[0].toString(), 'theirs');
    socket.terminate();
  });

  for (const who of ['codec', 'ws'] as const) {
    t.test(`as ${role}: ${who} closes`, async (t) => {
      let told: (status: readonly [number, string]) => void = () => undefined;
      const status = new Promise<readonly [number, string]>((resolve) => {
        told = resolve;
      });
      const { codec, flush, socket } = await make(t, {
        close: (code, reason) => {
          told([code, reason]);
        },
      });
      const closed = once(socket, 'close') as Promise<[number, Buffer]>;
      if (who === 'ws') socket.close(4001, 'bye');
      else codec.close(4001, 'bye');
      flush();
      t.strictSame(await within(status, 'a Close'), [4001, 'bye']);
      const [code, reason] = await within(closed, 'the end');
      t.strictSame([code, reason.toString()], [4001, 'bye']);
      t.ok(codec.isClosed);
    });
  }

  t.test(`as ${role}: a socket that breaks`, async (t) => {
    let told: (code: number) => void = () => undefined;
    const status = new Promise<number>((resolve) => {
      told = resolve;
    });
    const { socket } = await make(t, { close: told });
    socket.terminate();
    t.equal(await within(status, 'the end'), 1006);
  });

  t.test(`as ${role}: a limit`, async (t) => {
    let told: (rule: string) => void = () => undefined;
    const failed = new Promise<string>((resolve) => {
      told = resolve;
    });
    const { socket } = await make(t, {
      maxMessage: 1000,
      failure: ({ rule }) => {
        told(rule);
      },
    });
    const closed = once(socket, 'close') as Promise<[number]>;
    socket.send(Buffer.alloc(1001));
    t.equal(await within(failed, 'a failure'), 'message-too-big');
    t.equal((await within(closed, 'the end'))[0], 1009);
  });
}
