/** Ends by a reset, and answers that a mode changes: what only a mode that breaks rules on purpose asks for. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import path from 'node:path';
import { TLSSocket, connect as connectTls } from 'node:tls';
import t, { type Test } from 'tap';
import { decideUpgrade } from '../../src/connection/head-phase.js';
import { resetSocket } from '../../src/connection/node-internals.js';
import { HandshakeError } from '../../src/errors.js';
import { Bench, QUIET, modeWith } from '../fixtures/connection-bench.js';
import { closeFrame, textFrame } from '../fixtures/frames.js';
import { parsedHead, upgradeText } from '../fixtures/handshake.js';
import { extensionOf } from '../fixtures/session-bench.js';
import { hexOf } from '../fixtures/hex.js';
import { selfSigned } from '../fixtures/self-signed.js';
import { makeTempDir } from '../fixtures/temp-dir.js';
import { TestHost } from '../fixtures/test-host.js';

/** What becomes of a client whose server resets the socket. */
async function outcomeOf(
  t: Test,
  at: { port: number; host: string } | { path: string },
  dial: (at: { port: number; host: string } | { path: string }) => Socket,
  wrap: (socket: Socket) => Socket,
): Promise<string> {
  const server = createServer((accepted) => {
    const socket = wrap(accepted);
    socket.on('error', () => undefined);
    socket.once('data', () => {
      resetSocket(socket);
    });
    socket.once('close', () => server.close());
  });
  server.listen('path' in at ? at : { ...at, port: 0 });
  const closed = once(server, 'close');
  await once(server, 'listening');
  const client = dial('path' in at ? at : { ...at, port: (server.address() as AddressInfo).port });
  t.teardown(() => client.destroy());
  const outcome = new Promise<string>((resolve) => {
    client.once('error', ({ code }: NodeJS.ErrnoException) => {
      resolve(String(code));
    });
    client.once('end', () => {
      resolve('end');
    });
  });
  client.resume();
  client.write('x');
  const how = await outcome;
  client.destroy();
  await closed;
  return how;
}

const LOCAL = { port: 0, host: '127.0.0.1' };
const plain = (socket: Socket): Socket => socket;

t.test('a socket is reset, also below TLS; a Unix socket is closed', async (t) => {
  t.equal(await outcomeOf(t, LOCAL, (at) => connect(at), plain), 'ECONNRESET');
  const dialTls: typeof connect = ((at: { port: number; host: string }) =>
    connectTls({ ...at, rejectUnauthorized: false })) as never;
  const secured = (socket: Socket): Socket =>
    new TLSSocket(socket, { isServer: true, ...selfSigned() });
  t.equal(await outcomeOf(t, LOCAL, (at) => dialTls(at), secured), 'ECONNRESET');
  const at = { path: path.join(makeTempDir(t), 'socket') };
  t.equal(await outcomeOf(t, at, (to) => connect(to), plain), 'end');
});

t.test(
  'what a session has sent is written before the reset, and the log says who dropped it',
  async (t) => {
    const bench = new Bench(
      modeWith({
        openRaw: (session, raw) => {
          session.send('bye');
          raw.reset();
        },
      }),
    );
    bench.receive(upgradeText());
    t.match(hexOf(bench.socket.takeWritten()), /0d0a0d0a8103627965$/);
    t.ok(bench.socket.destroyed);
    await once(bench.socket, 'close');
    t.match(bench.host.ended, [{ closedBy: 'lost', closeCode: 1006, rule: 'dropped-by-mode' }]);
  },
);

t.test('a FIN without a Close', async (t) => {
  const bench = new Bench(
    modeWith({
      openRaw: (_session, raw) => {
        raw.end();
      },
    }),
  );
  bench.receive(upgradeText());
  bench.receiveFrames(textFrame('late'), closeFrame(1000));
  t.ok(bench.socket.calls.includes('end'));
  t.notOk(bench.socket.destroyed);
  t.match(bench.socket.takeWritten().toString('latin1'), /\r\n\r\n$/);
});

t.test('a mode may choose another one for a request, and what extensions it has', async (t) => {
  const other = modeWith({ name: 'other' });
  const extensions = [extensionOf('x-one'), extensionOf('x-two')];
  const seen: unknown[] = [];
  const mode = modeWith({
    choose: ({ query }, given) => {
      seen.push(given);
      if (query === 'bad') throw new HandshakeError('echo-control');
      return query === 'other' ? { mode: other, extensions: given.slice(1) } : null;
    },
  });
  const host = new TestHost(mode, { ...QUIET, extensions });
  const decide = (query: string): ReturnType<typeof decideUpgrade> =>
    decideUpgrade(host.opening, parsedHead(upgradeText({}, `GET /?${query} HTTP/1.1`)), 'network');
  t.equal(decide('none').route, host.route);
  const { route } = decide('other');
  t.equal(route.mode, other);
  t.strictSame(route.extensions, extensions.slice(1));
  t.equal(route.counts, host.route.counts, 'it is counted where the route is');
  t.throws(() => decide('bad'), new HandshakeError('echo-control'));
  t.strictSame(seen, [extensions, extensions, extensions]);
});

t.test('a mode may change the answer', async (t) => {
  const bench = new Bench(
    modeWith({
      changeAnswer: (head, { path: asked }) => Buffer.concat([head, Buffer.from(asked)]),
    }),
  );
  bench.receive(upgradeText());
  t.match(bench.socket.takeWritten().toString('latin1'), /\r\n\r\n\/chat$/);
});
