import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type Socket, createServer } from 'node:net';
import path from 'node:path';
import { TLSSocket } from 'node:tls';
import t, { type Test } from 'tap';
import { parseTarget } from '../../../src/net/socket-address.js';
import { HandshakeError } from '../../../src/errors.js';
import {
  NetTargetConnector,
  type TargetConnectorOptions,
  type TargetNames,
  type TargetTlsOptions,
} from '../../../src/modes/tcp/target-connector.js';
import { TargetCounters } from '../../../src/modes/tcp/target-counters.js';
import { NameError } from '../../../src/modes/tcp/names/name-resolver.js';
import type { TargetReceiver } from '../../../src/modes/tcp/tcp-mode.js';
import { FakeSession } from '../../fixtures/fake-session.js';
import { selfSigned } from '../../fixtures/self-signed.js';
import { startTarget } from '../../fixtures/tcp-target.js';
import { makeTempDir } from '../../fixtures/temp-dir.js';
import { startTlsTarget } from '../../fixtures/tls-target.js';
import { eventually, within } from '../../fixtures/within.js';

const TLS: TargetTlsOptions = {
  ca: null,
  cert: null,
  key: null,
  isInsecure: false,
  servername: null,
};

type Changes = Partial<Omit<TargetConnectorOptions, 'tls'>> & {
  readonly tls?: Partial<TargetTlsOptions>;
};

function makeConnector({ tls, ...changes }: Changes = {}): NetTargetConnector {
  return new NetTargetConnector({
    connectMs: 10_000,
    keepAliveMs: 0,
    allow: null,
    proxyProtocol: 0,
    tls: { ...TLS, ...tls },
    ...changes,
  });
}

/** Keeps copies of what a target sends. */
class Keeper implements TargetReceiver {
  readonly reads: Buffer[] = [];
  /** The memory that each read was in. */
  readonly memory = new Set<Uint8Array>();
  bytes = 0;
  canTakeMore = true;

  receive(bytes: Uint8Array, count: number): boolean {
    this.memory.add(bytes);
    this.reads.push(Buffer.from(bytes.subarray(0, count)));
    this.bytes += count;
    return this.canTakeMore;
  }

  get text(): string {
    return Buffer.concat(this.reads).toString('latin1');
  }

  async waitFor(text: string): Promise<void> {
    await eventually(
      () => this.text === text,
      text,
      () => this.text.slice(0, 100),
    );
  }
}

const LIVE = new AbortController().signal;

async function connectTo(
  t: Test,
  connector: NetTargetConnector,
  text: string,
  receiver: TargetReceiver = new Keeper(),
  signal = LIVE,
): Promise<Socket> {
  const target = parseTarget(text);
  if (target === null) throw new Error(`no target: ${text}`);
  const connecting = connector.connect(target, new FakeSession(), receiver, signal);
  const socket = await within(connecting, text);
  t.teardown(() => socket.destroy());
  return socket;
}

/** The rule and reason of a refusal. */
async function refusalOf(t: Test, connector: NetTargetConnector, text: string): Promise<string> {
  try {
    await connectTo(t, connector, text);
  } catch (error) {
    if (!(error instanceof HandshakeError)) throw error;
    t.equal(error.notes['target'], text);
    return `${error.rule}: ${String(error.notes['reason'])}`;
  }
  return 'connected';
}

/** A resolver that gives these answers, one after the other, and counts. */
function answers(...all: readonly (readonly string[])[]): TargetNames & { asked: number } {
  return {
    asked: 0,
    resolve(): Promise<readonly string[]> {
      return Promise.resolve(all[Math.min(this.asked++, all.length - 1)]!);
    },
  };
}

/** A resolver that never answers, until nobody waits any more. */
const silence: TargetNames = {
  resolve: (_name, signal) =>
    new Promise((_resolve, reject) => {
      const give = (): void => {
        reject(signal.reason as Error);
      };
      if (signal.aborted) give();
      else signal.addEventListener('abort', give);
    }),
};

/** A port of 127.0.0.1 where nobody listens. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** Has `act` called with the next socket of ours, before it is connected. */
function onceConnecting(t: Test, act: (socket: Socket) => void): void {
  const listener = (message: unknown): void => {
    unsubscribe('net.client.socket', listener);
    act((message as { socket: Socket }).socket);
  };
  subscribe('net.client.socket', listener);
  t.teardown(() => unsubscribe('net.client.socket', listener));
}

/** Some turns in which everything could come that is on its way on the loopback. */
async function settle(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 50));
}

t.test('what a target says at once waits until the socket is resumed', async (t) => {
  const target = await startTarget(t, (socket) => {
    socket.write('hello');
    setTimeout(() => socket.end(' and goodbye'), 10);
    socket.on('data', (chunk) => socket.emit('heard', chunk.toString()));
  });
  const keeper = new Keeper();
  const socket = await connectTo(t, makeConnector(), target.address, keeper);
  let hasEnded = false;
  socket.on('end', () => {
    hasEnded = true;
  });
  t.ok(socket.isPaused());
  await settle();
  t.equal(keeper.bytes, 0);
  t.notOk(hasEnded, 'nor the end');
  socket.resume();
  await keeper.waitFor('hello and goodbye');
  await eventually(() => hasEnded, 'the end');

  t.notOk(socket.writableEnded, 'it is half open');
  const [server] = target.sockets;
  const heard = once(server!, 'heard');
  socket.write('still here');
  t.same(await within(heard, 'our bytes'), ['still here']);
});

t.test('reads are large, and all in one place', async (t) => {
  const size = 4 * 1024 * 1024;
  const target = await startTarget(t, (socket) => socket.write(Buffer.alloc(size, 'x')));
  const connector = makeConnector();
  const keepers = [new Keeper(), new Keeper()] as const;
  for (const keeper of keepers) {
    const socket = await connectTo(t, connector, target.address, keeper);
    socket.resume();
  }
  await eventually(() => keepers.every(({ bytes }) => bytes === size), 'all bytes');
  const memory = new Set(keepers.flatMap((keeper) => [...keeper.memory]));
  t.equal(memory.size, 1);
  t.equal([...memory][0]!.length, 64 * 1024);
  t.ok(keepers.every(({ text }) => /^x*$/.test(text)));
});

t.test('a receiver that takes no more gets no more', async (t) => {
  const target = await startTarget(t, (socket) => {
    socket.write('one');
    socket.on('data', () => socket.write('two'));
  });
  const keeper = new Keeper();
  const socket = await connectTo(t, makeConnector(), target.address, keeper);
  keeper.canTakeMore = false;
  socket.resume();
  await keeper.waitFor('one');
  socket.write('more');
  await settle();
  t.equal(keeper.text, 'one');
  socket.resume();
  await keeper.waitFor('onetwo');
});

t.test('drain follows a write that was not taken at once', async (t) => {
  const target = await startTarget(t, (socket) => socket.pause());
  const socket = await connectTo(t, makeConnector(), target.address);
  t.equal(socket.writableHighWaterMark, 1);
  socket.write(Buffer.alloc(32 * 1024 * 1024));
  t.ok(socket.writableLength > 0);
  const drained = once(socket, 'drain');
  for (const one of target.sockets) one.resume();
  await within(drained, 'drain');
  t.equal(socket.writableLength, 0);
});

t.test(
  'the system probes silent targets',
  { skip: process.platform !== 'linux' && 'needs /proc' },
  async (t) => {
    const target = await startTarget(t, () => undefined);
    /** The timer of a connection (proc(5)): 02 is that of keepalive probes. */
    const timerOf = ({ localPort, remotePort }: Socket): string => {
      const hex = (port: number): string => port.toString(16).toUpperCase().padStart(4, '0');
      const line = readFileSync('/proc/net/tcp', 'latin1')
        .split('\n')
        .find((text) => text.includes(`:${hex(localPort!)} 0100007F:${hex(remotePort!)} `))!;
      return line.trim().split(/\s+/)[5]!;
    };
    const without = await connectTo(t, makeConnector(), target.address);
    t.equal(timerOf(without), '00:00000000');
    const probed = await connectTo(t, makeConnector({ keepAliveMs: 60_000 }), target.address);
    // In hundredths of a second, some of which have passed.
    t.match(timerOf(probed), /^02:00001[67]/);
    const often = await connectTo(t, makeConnector({ keepAliveMs: 1 }), target.address);
    t.match(timerOf(often), /^02:/, 'a part of a second is a second');
  },
);

t.test('all addresses of a name are tried, and are asked for each time', async (t) => {
  const target = await startTarget(t, (socket) => socket.write('hello'));
  const names = answers(['::1', '127.0.0.1']);
  const connector = makeConnector({ names });
  for (const count of [1, 2]) {
    const keeper = new Keeper();
    const socket = await connectTo(t, connector, `name.test:${target.port}`, keeper);
    t.equal(socket.remoteAddress, '127.0.0.1');
    await settle();
    t.equal(keeper.bytes, 0);
    socket.resume();
    await keeper.waitFor('hello');
    t.equal([...keeper.memory][0]!.length, 64 * 1024, 'by large reads also then');
    t.equal(names.asked, count);
  }
});

t.test('the names of the system', async (t) => {
  const target = await startTarget(t, () => undefined);
  const socket = await connectTo(t, makeConnector(), `localhost:${target.port}`);
  t.equal(socket.remotePort, target.port);
});

t.test('targets that refuse', async (t) => {
  const port = await freePort();
  const connector = makeConnector({ names: answers(['127.0.0.1', '127.0.0.2']) });
  t.equal(
    await refusalOf(t, connector, `127.0.0.1:${port}`),
    `target-refused: ECONNREFUSED 127.0.0.1:${port}`,
  );
  t.equal(
    await refusalOf(t, connector, `name.test:${port}`),
    `target-refused: ECONNREFUSED 127.0.0.1:${port}, ECONNREFUSED 127.0.0.2:${port}`,
  );
  const missing = path.join(makeTempDir(t), 'socket');
  t.equal(
    await refusalOf(t, connector, `unix:${missing}`),
    `target-unreachable: ENOENT ${missing}`,
  );
  const names: TargetNames = {
    resolve: (name) => Promise.reject(new NameError(name, 'ENOTFOUND')),
  };
  for (const allow of [null, ['127.0.0.0/8']]) {
    t.equal(
      await refusalOf(t, makeConnector({ names, allow }), 'name.test:1'),
      'target-unknown: ENOTFOUND: no address is known for name.test',
    );
  }
});

t.test('a Unix socket', async (t) => {
  const file = path.join(makeTempDir(t), 'socket');
  const server = createServer((socket) => socket.end('hello')).listen(file);
  await once(server, 'listening');
  t.teardown(() => server.close());
  const keeper = new Keeper();
  const connector = makeConnector({ keepAliveMs: 60_000, allow: ['192.0.2.0/24'] });
  const socket = await connectTo(t, connector, `unix:${file}`, keeper);
  await settle();
  t.equal(keeper.bytes, 0);
  socket.resume();
  await keeper.waitFor('hello');
});

t.test('a target that takes too long', async (t) => {
  t.equal(
    await refusalOf(t, makeConnector({ connectMs: 20, names: silence }), 'name.test:1'),
    'target-timeout: ETIMEDOUT: no address for its name within 20 ms',
  );
  const silent = await startTarget(t, (socket) => socket.resume());
  t.equal(
    await refusalOf(t, makeConnector({ connectMs: 50 }), `tls://${silent.address}`),
    'target-timeout: ETIMEDOUT: no TLS handshake within 50 ms',
  );
  await eventually(() => silent.sockets.size > 0, 'the connection');
  for (const socket of silent.sockets) socket.end();
  await eventually(() => silent.sockets.size === 0, 'nothing to be left');
});

t.test('nobody waits for it any more', async (t) => {
  const reason = { name: 'AbortError' };
  await t.rejects(
    connectTo(t, makeConnector(), '192.0.2.1:1', new Keeper(), AbortSignal.abort()),
    reason,
    'it does not begin',
  );

  const early = new AbortController();
  const names: TargetNames = {
    resolve: (name, signal) => {
      early.abort();
      return silence.resolve(name, signal);
    },
  };
  const connector = makeConnector({ names });
  await t.rejects(connectTo(t, connector, 'name.test:1', new Keeper(), early.signal), reason);

  const late = new AbortController();
  const silent = await startTarget(t, (socket) => {
    socket.on('data', () => {
      late.abort();
    });
    socket.on('end', () => socket.end());
  });
  const tls = `tls://${silent.address}`;
  await t.rejects(connectTo(t, makeConnector(), tls, new Keeper(), late.signal), reason);
  await eventually(() => silent.sockets.size === 0, 'nothing to be left');

  const after = new AbortController();
  const target = await startTarget(t, () => undefined);
  const socket = await connectTo(t, makeConnector(), target.address, new Keeper(), after.signal);
  after.abort();
  await settle();
  t.notOk(socket.destroyed, 'once it is connected it is for others to end it');
});

t.test('addresses that are not allowed are not connected to', async (t) => {
  const target = await startTarget(t, (socket) => socket.end());
  const { port } = target;
  const none = 'target-not-allowed: not among the allowed addresses: ';
  for (const [host, resolved, allow, refusal] of [
    ['127.0.0.1', [], ['10.0.0.0/8'], '127.0.0.1'],
    ['[::1]', [], ['10.0.0.0/8', '127.0.0.0/8'], '::1'],
    ['[::ffff:127.0.0.1]', [], ['10.0.0.0/8', '::/0'], '::ffff:127.0.0.1'],
    ['[::ffff:169.254.169.254]', [], ['10.0.0.0/8', '::1/128'], '::ffff:169.254.169.254'],
    ['[fe80::1%lo]', [], ['10.0.0.0/8'], 'fe80::1%lo'],
    ['name.test', ['127.0.0.1'], ['10.0.0.0/8'], '127.0.0.1'],
    ['name.test', ['169.254.169.254', '::1'], ['10.0.0.0/8'], '169.254.169.254, ::1'],
    ['name.test', ['::ffff:127.0.0.1'], ['10.0.0.0/8', '::/0'], '::ffff:127.0.0.1'],
    ['name.test', ['0.0.0.0'], ['127.0.0.0/8'], '0.0.0.0'],
    ['name.test', [], ['127.0.0.0/8'], ''],
  ] as const) {
    const connector = makeConnector({ allow, names: answers(resolved) });
    t.equal(await refusalOf(t, connector, `${host}:${port}`), none + refusal, host);
    // Behind TLS it is the same.
    t.match(await refusalOf(t, connector, `tls://${host}:${port}`), /^target-not-allowed/);
  }
  // Which the system reads as 127.0.0.1, in spite of the letters.
  const odd = makeConnector({ allow: ['10.0.0.0/8'] });
  t.equal(await refusalOf(t, odd, `0x7f.1:${port}`), `${none}127.0.0.1`);
  t.equal(target.sockets.size, 0);

  for (const [host, resolved, allow] of [
    ['127.0.0.1', [], ['127.0.0.0/8']],
    ['[::ffff:127.0.0.1]', [], ['127.0.0.1/32']],
    ['name.test', ['127.0.0.1'], ['10.0.0.0/8', '127.0.0.1/32']],
    ['name.test', ['127.0.0.1'], []],
    ['127.0.0.1', [], []],
  ] as const) {
    const connector = makeConnector({ allow, names: answers(resolved) });
    t.ok(await connectTo(t, connector, `${host}:${port}`), host);
  }
});

t.test('of the addresses of a name only those that are allowed are tried', async (t) => {
  const allowed = await startTarget(t, () => undefined);
  let isForbiddenAsked = false;
  const forbidden = createServer((socket) => {
    isForbiddenAsked = true;
    socket.destroy();
  }).listen(allowed.port, '127.0.0.2');
  await once(forbidden, 'listening');
  t.teardown(() => forbidden.close());
  const names = answers(['127.0.0.2', '127.0.0.1', '::ffff:127.0.0.2']);
  const connector = makeConnector({ allow: ['127.0.0.1/32'], names });
  const socket = await connectTo(t, connector, `name.test:${allowed.port}`);
  t.equal(socket.remoteAddress, '127.0.0.1');
  await settle();
  t.notOk(isForbiddenAsked);
});

t.test('a name that leads elsewhere the second time', async (t) => {
  const target = await startTarget(t, () => undefined);
  const names = answers(['127.0.0.1'], ['127.0.0.2']);
  const connector = makeConnector({ allow: ['127.0.0.1/32'], names });
  const socket = await connectTo(t, connector, `name.test:${target.port}`);
  t.equal(socket.remoteAddress, '127.0.0.1');
  t.equal(names.asked, 1, 'what was looked at is what was connected to');
  t.equal(
    await refusalOf(t, connector, `name.test:${target.port}`),
    'target-not-allowed: not among the allowed addresses: 127.0.0.2',
  );
});

t.test('the PROXY header comes first', async (t) => {
  const target = await startTarget(t, (socket) => {
    socket.on('data', (chunk) => socket.write(chunk));
  });
  for (const [version, header] of [
    [1, 'PROXY TCP4 203.0.113.7 192.0.2.1 51234 443\r\n'],
    [2, '\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xcb\0\x71\x07\xc0\0\x02\x01\xc8\x22\x01\xbb'],
  ] as const) {
    const keeper = new Keeper();
    const connector = makeConnector({ proxyProtocol: version });
    const socket = await connectTo(t, connector, target.address, keeper);
    t.equal(socket.writableLength, 0);
    t.notOk(socket.writableNeedDrain, 'whoever writes next owes it nothing');
    socket.write('then');
    socket.resume();
    await keeper.waitFor(`${header}then`);
  }
});

t.test('a socket that is gone before anybody has it', async (t) => {
  const target = await startTarget(t, () => undefined);
  for (const [error, reason] of [
    [undefined, 'the target hung up'],
    [new Error('it broke'), 'it broke'],
  ] as const) {
    onceConnecting(t, (socket) => socket.once('connect', () => socket.destroy(error)));
    t.equal(await refusalOf(t, makeConnector(), target.address), `target-refused: ${reason}`);
  }
  onceConnecting(t, (socket) => socket.once('connect', () => socket.destroy()));
  t.match(
    await refusalOf(t, makeConnector({ proxyProtocol: 1 }), target.address),
    /^target-refused: ERR_STREAM_DESTROYED/,
  );
});

t.test('TLS: certificates are verified', async (t) => {
  const own = selfSigned('name.test');
  const target = await startTlsTarget(t, own, (socket) => socket.end('hello'));
  const names = answers(['127.0.0.1']);
  const text = `tls://name.test:${target.port}`;
  const make = (tls: Partial<TargetTlsOptions>): NetTargetConnector =>
    makeConnector({ names, tls });

  const good = make({ ca: own.cert });
  for (const count of [1, 2]) {
    const keeper = new Keeper();
    const socket = await connectTo(t, good, text, keeper);
    socket.resume();
    await keeper.waitFor('hello');
    t.equal((socket as unknown as TLSSocket).authorized, true);
    t.equal(target.clients.length, count);
  }
  t.same(target.clients[0], { servername: 'name.test', isAuthorized: false });

  t.ok(await connectTo(t, good, `tls://name.test.:${target.port}`), 'the dot of a full name');
  t.equal(target.clients.at(-1)!.servername, 'name.test', 'is not sent (RFC 6066 §3)');
  target.clients.pop();

  const refused = 'target-tls: ';
  t.equal(
    await refusalOf(t, make({}), text),
    `${refused}DEPTH_ZERO_SELF_SIGNED_CERT: self-signed certificate`,
  );
  t.equal(
    await refusalOf(t, make({ ca: selfSigned('name.test').cert }), text),
    `${refused}DEPTH_ZERO_SELF_SIGNED_CERT: self-signed certificate`,
    'by the authorities that were named',
  );
  t.equal(
    await refusalOf(t, good, `tls://other.test:${target.port}`),
    `${refused}ERR_TLS_CERT_ALTNAME_INVALID: Host: other.test. is not in the cert's altnames: DNS:name.test`,
  );
  t.equal(
    await refusalOf(t, good, `tls://127.0.0.1:${target.port}`),
    `${refused}ERR_TLS_CERT_ALTNAME_INVALID: IP: 127.0.0.1 is not in the cert's list: `,
    'an address is looked for among the addresses',
  );
  const named = make({ ca: own.cert, servername: 'name.test' });
  t.ok(await connectTo(t, named, `tls://127.0.0.1:${target.port}`), 'a name of its own');
  t.match(await refusalOf(t, make({ ca: own.cert, servername: 'b.test' }), text), /ALTNAME/);

  for (const tls of [{}, { servername: 'b.test' }])
    t.ok(await connectTo(t, make({ ...tls, isInsecure: true }), text), 'any certificate');
  t.ok(await connectTo(t, make({ isInsecure: true }), `tls://127.0.0.1:${target.port}`));
  await eventually(() => target.clients.length === 6, 'all of them');
  t.same(
    target.clients.map(({ servername }) => servername),
    ['name.test', 'name.test', 'name.test', 'name.test', 'b.test', false],
    'an address is not asked for',
  );
});

t.test('TLS: our own certificate', async (t) => {
  const own = selfSigned();
  const client = selfSigned('client.test');
  // With TLS 1.3 a client is through before its certificate is looked at (RFC 8446 §4.4.2.4).
  const target = await startTlsTarget(t, {
    ...own,
    requestCert: true,
    ca: client.cert,
    maxVersion: 'TLSv1.2',
  });
  const text = `tls://localhost:${target.port}`;
  const names = answers(['127.0.0.1']);
  t.ok(await connectTo(t, makeConnector({ names, tls: { ca: own.cert, ...client } }), text));
  t.same(target.clients, [{ servername: 'localhost', isAuthorized: true }]);
  t.match(
    await refusalOf(t, makeConnector({ names, tls: { ca: own.cert } }), text),
    /^target-tls: /,
  );
  t.equal(target.clients.length, 1);
});

t.test('TLS: nothing older than 1.2', async (t) => {
  const own = selfSigned();
  const old = await startTlsTarget(t, {
    ...own,
    minVersion: 'TLSv1',
    maxVersion: 'TLSv1.1',
    ciphers: 'DEFAULT:@SECLEVEL=0',
  });
  const connector = makeConnector({ tls: { isInsecure: true } });
  t.match(await refusalOf(t, connector, `tls://127.0.0.1:${old.port}`), /^target-tls: ERR_SSL/);
});

t.test('TLS: what cannot be used is said at once', async (t) => {
  for (const tls of [
    { ca: 'x', cert: 'x', key: 'x' },
    { cert: 'x', key: 'x' },
  ])
    t.throws(() => makeConnector({ tls }));
});

t.test('TLS: what a target says at once waits until the socket is resumed', async (t) => {
  const own = selfSigned();
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const size = 1024 * 1024;
    const target = await startTlsTarget(t, { ...own, maxVersion }, (socket) => {
      socket.write('hello');
      socket.end(Buffer.alloc(size, 'x'));
    });
    const keeper = new Keeper();
    const connector = makeConnector({ tls: { isInsecure: true } });
    const socket = await connectTo(t, connector, `tls://127.0.0.1:${target.port}`, keeper);
    let hasEnded = false;
    socket.on('end', () => {
      hasEnded = true;
    });
    t.equal(socket.writableHighWaterMark, 1);
    t.ok(socket.allowHalfOpen);
    await settle();
    t.equal(keeper.bytes, 0);
    t.notOk(hasEnded);
    socket.resume();
    await eventually(() => hasEnded, 'the end');
    t.equal(keeper.bytes, size + 5, maxVersion);
    t.ok(keeper.text.startsWith('hellox'));
    t.notOk(socket.writableEnded, 'it is half open');
  }
});

t.test('TLS: a receiver that takes no more gets no more', async (t) => {
  const target = await startTlsTarget(t, selfSigned(), (socket) => {
    socket.write('one');
    socket.on('data', () => socket.write('two'));
  });
  const keeper = new Keeper();
  const connector = makeConnector({ tls: { isInsecure: true } });
  const socket = await connectTo(t, connector, `tls://127.0.0.1:${target.port}`, keeper);
  keeper.canTakeMore = false;
  socket.resume();
  await keeper.waitFor('one');
  t.equal(socket.write('more'), false);
  await within(once(socket, 'drain'), 'drain');
  await settle();
  t.equal(keeper.text, 'one');
  socket.resume();
  await keeper.waitFor('onetwo');
});

t.test('TLS: targets that hang up, reset, or speak something else', async (t) => {
  const connector = makeConnector({ tls: { isInsecure: true } });
  for (const [act, reason] of [
    [(socket: Socket) => socket.end(), /^target-tls: .*disconnected before secure/],
    [(socket: Socket) => socket.resetAndDestroy(), /^target-tls: .*(ECONNRESET|EPIPE)/],
    [(socket: Socket) => socket.write('SSH-2.0-x\r\n'), /^target-tls: ERR_SSL_WRONG_VERSION/],
  ] as const) {
    const target = await startTarget(t, (socket) => {
      socket.once('data', () => act(socket));
      socket.on('end', () => socket.end());
    });
    t.match(await refusalOf(t, connector, `tls://${target.address}`), reason);
    await eventually(() => target.sockets.size === 0, 'nothing to be left');
  }
});

t.test('TLS: a reset later on is told, and harms nobody', async (t) => {
  const target = await startTlsTarget(t, selfSigned(), (socket) => {
    socket.once('data', () => {
      for (const one of target.sockets) one.resetAndDestroy();
    });
  });
  const connector = makeConnector({ tls: { isInsecure: true } });
  const socket = await connectTo(t, connector, `tls://127.0.0.1:${target.port}`);
  const failed = once(socket, 'error');
  socket.resume();
  socket.write('x');
  t.match(await within(failed, 'the error'), [{ code: 'ECONNRESET' }]);
});

t.test('TLS: the PROXY header comes before the handshake', async (t) => {
  const own = selfSigned();
  const header = 'PROXY TCP4 203.0.113.7 192.0.2.1 51234 443\r\n';
  const target = await startTarget(t, (socket) => {
    let head = '';
    const onReadable = (): void => {
      const bytes = socket.read(header.length) as Buffer | null;
      if (bytes === null) return;
      socket.removeListener('readable', onReadable);
      head = bytes.toString('latin1');
      const secured = new TLSSocket(socket, { ...own, isServer: true });
      secured.on('error', () => undefined);
      secured.write(head);
    };
    socket.on('readable', onReadable);
  });
  const keeper = new Keeper();
  const connector = makeConnector({ proxyProtocol: 1, tls: { isInsecure: true } });
  const socket = await connectTo(t, connector, `tls://${target.address}`, keeper);
  socket.resume();
  await keeper.waitFor(header);
  t.equal(target.sockets.size, 1);
});

t.test('attempts are counted: their time, or why they failed', async (t) => {
  const counters = new TargetCounters();
  const connector = makeConnector({ counters });
  const { port } = await startTarget(t, () => undefined);
  await connectTo(t, connector, `127.0.0.1:${port}`);
  const gone = await freePort();
  await refusalOf(t, connector, `127.0.0.1:${gone}`);
  await refusalOf(t, connector, `127.0.0.1:${gone}`);
  const stop = new AbortController();
  const connecting = connectTo(
    t,
    makeConnector({ counters, names: silence }),
    'nowhere.example:1',
    new Keeper(),
    stop.signal,
  );
  stop.abort(new Error('the client has left'));
  await t.rejects(connecting, { message: 'the client has left' });
  t.equal(
    counters.connects.counts.reduce((sum, count) => sum + count),
    1,
  );
  t.ok(counters.connects.sumMs > 0);
  t.strictSame([...counters.failures], [['target-refused', 2]], 'nobody waits for the last one');
});
