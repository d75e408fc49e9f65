/** Listening on sockets that another process has opened, as systemd does. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, type Server as NetServer, createServer } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import type { PassedReport } from '../fixtures/passed-server.js';
import { connectRaw } from '../fixtures/raw-client.js';
import { makeTempDir } from '../fixtures/temp-dir.js';
import { LOCALHOST } from '../fixtures/tls.js';
import { within } from '../fixtures/within.js';

const SCRIPT = fileURLToPath(new URL('../fixtures/passed-server.ts', import.meta.url));

/** A socket that listens, and a queue of clients that nobody here accepts. */
async function bind(t: Test, place: string | number): Promise<NetServer> {
  const server = createServer();
  server.listen(typeof place === 'string' ? { path: place } : { port: place, host: '127.0.0.1' });
  await once(server, 'listening');
  t.teardown(() => server.close());
  return server;
}

interface Passing {
  readonly child: ChildProcess;
  readonly report: PassedReport;
}

async function pass(
  t: Test,
  sockets: readonly NetServer[],
  names: string,
  options: object,
): Promise<Passing> {
  const descriptors = sockets.map(
    (one) => (one as unknown as { _handle: { fd: number } })._handle.fd,
  );
  const child = spawn(
    process.execPath,
    ['--import', './tools/typescript.mjs', SCRIPT, names, JSON.stringify(options)],
    {
      stdio: ['pipe', 'pipe', 'inherit', ...descriptors],
    },
  );
  t.teardown(() => {
    child.kill('SIGKILL');
  });
  const [line] = (await within(
    once(createInterface({ input: child.stdout! }), 'line'),
    'the report',
  )) as [string];
  return { child, report: JSON.parse(line) as PassedReport };
}

async function end({ child }: Passing): Promise<void> {
  if (child.exitCode !== null) return;
  const ended = once(child, 'exit');
  child.stdin!.end();
  await within(ended, 'the end');
}

/** @returns the options that name the files */
function writeCertificate(directory: string): object {
  const [tlsCert, tlsKey] = (['cert', 'key'] as const).map((part) => {
    const file = path.join(directory, part);
    writeFileSync(file, LOCALHOST[part], { mode: 0o600 });
    return file;
  });
  return { tlsCert, tlsKey };
}

const portOf = (server: NetServer): number => (server.address() as AddressInfo).port;

t.test('a socket that was passed is listened on, with or without TLS', async (t) => {
  const directory = makeTempDir(t);
  const tlsFiles = writeCertificate(directory);
  for (const [listen, scheme] of [
    ['systemd', 'ws'],
    ['wss://systemd:web', 'wss'],
    [['ws://systemd:web', 'systemd'], 'ws'],
  ] as const) {
    const socket = await bind(t, 0);
    const port = portOf(socket);
    const tls = scheme === 'wss' || listen !== 'systemd' ? tlsFiles : {};
    const passing = await pass(t, [socket], 'web', { listen, ...tls });
    t.strictSame(passing.report, {
      urls: [`${scheme}://127.0.0.1:${port}`],
      warnings: [],
      error: null,
    });
    // From now on the other process alone accepts.
    socket.close();
    const client = await connectRaw(t, port);
    if (scheme === 'ws') await client.open();
    await end(passing);
  }
});

t.test('a Unix socket that was passed is plain', async (t) => {
  const directory = makeTempDir(t);
  const tlsFiles = writeCertificate(directory);
  const socket = await bind(t, path.join(directory, 'twist.sock'));
  const passing = await pass(t, [socket], 'web', { listen: 'systemd', ...tlsFiles });
  t.strictSame(passing.report, { urls: ['systemd:web'], warnings: [], error: null });
  await end(passing);
  const refused = await pass(t, [socket], 'web', { listen: 'wss://systemd', ...tlsFiles });
  await end(refused);
  t.equal(refused.report.error, 'cannot speak TLS on systemd:web: it is a Unix socket');
});

t.test('sockets that nothing listens on are a warning', async (t) => {
  const sockets = [await bind(t, 0), await bind(t, 0)];
  const passing = await pass(t, sockets, 'web:other', { listen: ['systemd:web', '127.0.0.1:0'] });
  t.equal(passing.report.urls[0], `ws://127.0.0.1:${portOf(sockets[0]!)}`);
  t.match(passing.report.warnings, [
    {
      message: /^systemd has passed sockets that nothing listens on/,
      fields: { names: ['other'] },
    },
  ]);
  await end(passing);
  const refused = await pass(t, sockets, 'web:other', { listen: 'systemd:wep' });
  await end(refused);
  t.match(refused.report.error, 'cannot listen on systemd:wep: ');
});
