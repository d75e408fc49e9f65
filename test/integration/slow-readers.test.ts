/** The built command and clients that read little, or nothing, of what is sent to them. */
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type Socket, connect } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import t, { type Test } from 'tap';
import { RawClient } from '../fixtures/raw-client.js';
import { makeTempDir } from '../fixtures/temp-dir.js';
import { LOCALHOST } from '../fixtures/tls.js';
import { type TwistProcess, startServing } from '../fixtures/twist-process.js';
import { eventually } from '../fixtures/within.js';

t.setTimeout(180_000);

const LIMITS = [
  'serve',
  '--echo',
  '--log-format',
  'json',
  '--send-timeout',
  '3s',
  '--close-timeout',
  '1s',
];

/** Far more than the kernels on both sides keep. */
const MESSAGE_BYTES = 14 * 1024 ** 2;
/**
 * In 3 seconds 768 KiB: less than the third of a send buffer by which Node sees that something moves. A receiver's window
 * that has closed opens when a sixteenth of its buffer is free (Linux), which is 384 KiB here.
 */
const READ_BYTES = 128 * 1024;
const READ_EACH_MS = 500;
const READS = 24;

const message = Buffer.alloc(MESSAGE_BYTES);
for (let at = 0; at < MESSAGE_BYTES; at += 4) message.writeUInt32LE(at, at);
const header = Buffer.alloc(10);
header.writeUInt16BE(0x827f);
header.writeUInt32BE(MESSAGE_BYTES, 6);
const echo = Buffer.concat([header, message]);

interface Transport {
  readonly name: string;
  readonly host: string;
  readonly isTls: boolean;
}

const hasIpv6 = Object.values(os.networkInterfaces()).some(
  (addresses) => addresses?.some(({ address }) => address === '::1') === true,
);
const TRANSPORTS: readonly Transport[] = [
  { name: 'IPv4', host: '127.0.0.1', isTls: false },
  { name: 'TLS', host: '127.0.0.1', isTls: true },
  ...(hasIpv6 ? [{ name: 'IPv6', host: '::1', isTls: false }] : []),
];

async function start(t: Test, { host, isTls }: Transport): Promise<TwistProcess> {
  const listen = ['--listen', host.includes(':') ? `[${host}]:0` : `${host}:0`];
  if (!isTls) return await startServing(t, { args: [...LIMITS, ...listen] });
  const directory = makeTempDir(t);
  const files = { cert: path.join(directory, 'cert.pem'), key: path.join(directory, 'key.pem') };
  writeFileSync(files.cert, LOCALHOST.cert);
  writeFileSync(files.key, LOCALHOST.key, { mode: 0o600 });
  const tls = ['--tls-cert', files.cert, '--tls-key', files.key];
  return await startServing(t, { args: [...LIMITS, ...listen, ...tls] });
}

/** A session whose client has sent the message, and reads nothing. */
async function unread(t: Test, port: number, { host, isTls }: Transport): Promise<Socket> {
  const socket = isTls
    ? connectTls({ port, host, rejectUnauthorized: false })
    : connect({ port, host });
  t.teardown(() => socket.destroy());
  await once(socket, isTls ? 'secureConnect' : 'connect');
  await new RawClient(socket).open();
  socket.removeAllListeners('data');
  socket.pause();
  const head = Buffer.concat([header, Buffer.alloc(4)]);
  head[1]! |= 0x80;
  socket.write(head);
  await new Promise<void>((resolve) => {
    socket.write(message, () => {
      resolve();
    });
  });
  return socket;
}

/** Reads all; slowly and steadily at first. */
async function read(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for (let reads = 0; reads < READS; reads++) {
    let left = READ_BYTES;
    while (left > 0) {
      const chunk = socket.read(Math.min(left, socket.readableLength)) as Buffer | null;
      if (chunk === null || chunk.length === 0) {
        if (socket.readableEnded || socket.destroyed) break;
        socket.read(0);
        await sleep(5);
        continue;
      }
      chunks.push(chunk);
      left -= chunk.length;
    }
    await sleep(READ_EACH_MS);
  }
  let bytes = chunks.reduce((sum, { length }) => sum + length, 0);
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    bytes += chunk.length;
  });
  socket.resume();
  await eventually(
    () => bytes >= echo.length || socket.destroyed,
    'the rest',
    () => bytes,
  );
  return Buffer.concat(chunks);
}

t.test(
  'a client that reads slowly and steadily is kept, and one that reads nothing is dropped',
  { skip: process.platform === 'linux' ? false : 'needs /proc' },
  async (t) => {
    const check = async (transport: Transport): Promise<void> => {
      const { name } = transport;
      const twist = await start(t, transport);
      const slow = read(await unread(t, twist.port, transport));
      const beganMs = performance.now();
      const silent = await unread(t, twist.port, transport);
      const ended = await twist.waitForLog(({ msg }) => msg === 'session ended');
      const tookMs = Math.round(performance.now() - beganMs);
      t.match(ended, { code: 1008, rule: 'send-timeout', closedBy: 'server' }, name);
      t.match(ended['peer'], new RegExp(`:${silent.localPort}$`), `${name}: the silent one`);
      t.comment(`${name}: dropped after ${tookMs} ms; --send-timeout 3s, --close-timeout 1s`);
      const bytes = await slow;
      t.equal(bytes.length, echo.length, `${name}: all of it`);
      t.ok(bytes.equals(echo), `${name}: and nothing else`);
      t.equal(twist.log.filter(({ msg }) => msg === 'session ended').length, 1, name);
    };
    await Promise.all(TRANSPORTS.map(check));
  },
);
