/**
 * The proxy between `ws` as its client and a plain TCP service: every byte arrives, in order, and
 * what was received before an end arrives before it. The random numbers are the same in every run;
 * when what comes is up to the machine.
 */
import type { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { WebSocket } from 'ws';
import { SeededRandom } from '../fixtures/seeded-random.js';
import { type TcpTarget, startTarget } from '../fixtures/tcp-target.js';
import { type TwistProcess, startServing } from '../fixtures/twist-process.js';
import { eventually, within } from '../fixtures/within.js';

const SEED = 20_261_123;
const MIB = 1024 ** 2;
const NOISE = new SeededRandom(SEED).bytes(4 * MIB);

async function startProxy(
  t: Test,
  target: TcpTarget,
  flags: readonly string[] = [],
): Promise<TwistProcess> {
  const args = ['serve', '--tcp', target.address, '--listen', '127.0.0.1:0'];
  return await startServing(t, {
    args: [...args, '--log-format', 'json', '--max-log-rate', 'off', ...flags],
  });
}

async function connect(
  t: Test,
  twist: TwistProcess,
  onMessage: (client: WebSocket, data: Buffer) => void,
  isCompressed = false,
): Promise<WebSocket> {
  const client = new WebSocket(twist.url, { perMessageDeflate: isCompressed });
  t.teardown(() => {
    client.terminate();
  });
  client.on('error', () => undefined);
  // Before it is open: the first message may come with the answer to the handshake.
  client.on('message', (data: Buffer) => {
    onMessage(client, data);
  });
  await within(once(client, 'open'), 'the session');
  return client;
}

/** So many bytes in random pieces, with a pause now and then. */
async function* randomPieces(seed: number, bytes: number, maxPieceBytes: number) {
  const random = new SeededRandom(seed);
  for (let left = bytes; left > 0;) {
    const size = Math.min(left, random.between(1, maxPieceBytes));
    const start = random.between(0, NOISE.length - size);
    yield NOISE.subarray(start, start + size);
    left -= size;
    if (random.between(0, 400) === 0) await sleep(random.between(1, 20));
  }
}

/** What has come, as a checksum. */
class Checksum {
  readonly #hash = createHash('sha1');
  bytes = 0;

  add(bytes: Uint8Array): void {
    this.#hash.update(bytes);
    this.bytes += bytes.length;
  }

  digest(): string {
    return this.#hash.digest('hex');
  }
}

async function sendFromClient(client: WebSocket, seed: number, bytes: number, pieceBytes: number) {
  const sum = new Checksum();
  const random = new SeededRandom(seed + 1);
  let isInside = false;
  for await (const piece of randomPieces(seed, bytes, pieceBytes)) {
    sum.add(piece);
    const fin = sum.bytes === bytes || random.between(0, 1) === 0;
    const binary = true;
    await new Promise((resolve) => {
      client.send(piece, { binary, fin }, resolve);
    });
    isInside = !fin;
  }
  if (isInside) throw new Error('the last message is not complete');
  return sum.digest();
}

async function sendFromTarget(socket: Socket, seed: number, bytes: number, pieceBytes: number) {
  const sum = new Checksum();
  for await (const piece of randomPieces(seed, bytes, pieceBytes)) {
    sum.add(piece);
    if (!socket.write(piece)) await once(socket, 'drain');
  }
  return sum.digest();
}

/** Reads slowly now and then. */
function receiveAtTarget(socket: Socket, seed: number): Checksum {
  const sum = new Checksum();
  const random = new SeededRandom(seed);
  socket.on('data', (chunk: Buffer) => {
    sum.add(chunk);
    if (random.between(0, 300) > 0) return;
    socket.pause();
    setTimeout(() => socket.resume(), random.between(1, 20));
  });
  return sum;
}

function receiverAtClient(sum: Checksum, seed: number): (client: WebSocket, data: Buffer) => void {
  const random = new SeededRandom(seed);
  return (client, data) => {
    sum.add(data);
    if (random.between(0, 300) > 0) return;
    client.pause();
    setTimeout(
      () => {
        client.resume();
      },
      random.between(1, 20),
    );
  };
}

for (const [name, mebibytes, pieceBytes, isCompressed] of [
  ['small pieces', 4, 300, false],
  ['pieces of all sizes', 64, 300_000, false],
  ['a gibibyte each way', 1024, 2 * MIB, false],
  ['compressed', 32, 100_000, true],
] as const) {
  t.test(`random streams in both directions: ${name}`, { timeout: 240_000 }, async (t) => {
    const bytes = mebibytes * MIB;
    let atTarget = new Checksum();
    let fromTarget: Promise<string> | null = null;
    const target = await startTarget(t, (socket) => {
      atTarget = receiveAtTarget(socket, SEED + 1);
      fromTarget = sendFromTarget(socket, SEED + 2, bytes, pieceBytes);
    });
    const twist = await startProxy(t, target, isCompressed ? ['--deflate'] : []);
    const before = twist.countFds();
    const atClient = new Checksum();
    const client = await connect(t, twist, receiverAtClient(atClient, SEED + 3), isCompressed);
    t.equal(client.extensions === '', !isCompressed);
    const sentByClient = await sendFromClient(client, SEED + 4, bytes, pieceBytes);
    const sentByTarget = await fromTarget!;
    const hasAll = (): boolean => atTarget.bytes === bytes && atClient.bytes === bytes;
    await eventually(hasAll, 'all bytes', () => `${atTarget.bytes} ${atClient.bytes}`);
    t.equal(atTarget.digest(), sentByClient);
    t.equal(atClient.digest(), sentByTarget);
    for (const socket of target.sockets) socket.on('end', () => socket.end());
    client.close(1000);
    await within(once(client, 'close'), 'the end');
    await eventually(
      () => twist.countFds() <= before,
      'all sockets to be gone',
      () => `${before} ${twist.countFds()} ${target.sockets.size}`,
    );
    const line = await twist.waitForLog(({ msg }) => msg === 'session ended');
    t.match(line, { in: { bytes }, out: { bytes }, code: 1000, closedBy: 'client' });
    t.match(line, { mode: `tcp:${target.address}`, target: target.address });
  });
}

const ENDINGS = [
  'client Close',
  'client FIN',
  'client reset',
  'target FIN',
  'target reset',
] as const;

type Ending = (typeof ENDINGS)[number];

/** One session with random traffic until one side ends it. */
async function oneRound(
  t: Test,
  twist: TwistProcess,
  target: TcpTarget,
  seed: number,
  how: Ending,
) {
  const random = new SeededRandom(seed);
  const atTarget = new Checksum();
  const atClient = new Checksum();
  let hasTargetEnded = false;
  let isTargetGone = false;
  const arrived = once(target.server, 'connection') as Promise<[Socket]>;
  const connectedMs = Date.now();
  const client = await connect(t, twist, (_client, data) => {
    atClient.add(data);
  });
  const [socket] = await within(arrived, 'the connection to the target');
  socket.on('data', (chunk: Buffer) => {
    atTarget.add(chunk);
  });
  socket.on('end', () => {
    hasTargetEnded = true;
    socket.end();
  });
  socket.on('close', () => {
    isTargetGone = true;
  });
  const closed = once(client, 'close') as Promise<[number, Buffer]>;
  let sentByClient = 0;
  let sentByTarget = 0;
  for (let left = random.between(0, 60); left > 0; left--) {
    const size = random.between(1, 60_000);
    if (random.between(0, 1) === 0) {
      client.send(NOISE.subarray(0, size));
      sentByClient += size;
    } else {
      socket.write(NOISE.subarray(0, size));
      sentByTarget += size;
    }
    if (random.between(0, 9) === 0) await sleep(1);
  }
  const clientSocket = (client as unknown as { _socket: Socket })._socket;
  const peer = { port: clientSocket.localPort!, connectedMs };
  if (how === 'client Close') client.close(1000, 'done');
  else if (how === 'client FIN') clientSocket.end();
  else if (how === 'client reset') clientSocket.resetAndDestroy();
  else if (how === 'target FIN') socket.end();
  else socket.resetAndDestroy();
  const [code, reason] = await within(closed, `the end after ${how}`);
  const line = (await twist.waitForPeer(peer)) as unknown as {
    in: { bytes: number };
    out: { bytes: number };
    code: number;
  };
  await eventually(() => isTargetGone, `the target's connection to be gone after ${how}`);
  const facts = { how, seed, code, reason: reason.toString(), hasTargetEnded };
  const counts = { sentByClient, sentByTarget, atTarget: atTarget.bytes, atClient: atClient.bytes };
  const faults = faultsOf({ ...facts, ...counts, in: line.in.bytes, out: line.out.bytes });
  if (faults.length > 0)
    t.fail(`${faults.join(', ')}: ${JSON.stringify({ ...facts, ...counts, line })}`);
}

/** What one round came to. */
interface Round {
  readonly how: Ending;
  readonly code: number;
  readonly reason: string;
  /** The target has seen our FIN. */
  readonly hasTargetEnded: boolean;
  /** Bytes that each side sent, that each side got, and that twist says it received and sent. */
  readonly sentByClient: number;
  readonly sentByTarget: number;
  readonly atTarget: number;
  readonly atClient: number;
  readonly in: number;
  readonly out: number;
}

/** For each way to end: what must hold, in words. */
const HOLDS: Readonly<Record<Ending, readonly (readonly [string, (round: Round) => boolean])[]>> = {
  'client Close': [
    ['the target gets all', (round) => round.atTarget === round.sentByClient],
    ['and is told', (round) => round.hasTargetEnded],
    ['the Close is answered', ({ code, reason }) => code === 1000 && reason === 'done'],
  ],
  'client FIN': [
    ['the target gets all', (round) => round.atTarget === round.sentByClient],
    ['and is told', (round) => round.hasTargetEnded],
  ],
  'client reset': [
    ['the target gets all that was received', (round) => round.atTarget === round.in],
    ['and is told', (round) => round.hasTargetEnded],
  ],
  'target FIN': [
    ['the client gets all', (round) => round.atClient === round.sentByTarget],
    ['and is told', ({ code }) => code === 1000],
    ['what it sent meanwhile arrives', (round) => round.atTarget === round.sentByClient],
  ],
  'target reset': [
    ['the client gets all that was received', (round) => round.atClient === round.out],
    ['and is told', ({ code }) => code === 1011],
  ],
};

function faultsOf(round: Round): string[] {
  return HOLDS[round.how].filter(([, holds]) => !holds(round)).map(([what]) => `not: ${what}`);
}

t.test('ends at random moments, by either side', { timeout: 240_000 }, async (t) => {
  const target = await startTarget(t, () => undefined);
  const twist = await startProxy(t, target);
  const before = twist.countFds();
  for (let round = 0; round < 40; round++) {
    for (const [index, how] of ENDINGS.entries())
      await oneRound(t, twist, target, SEED + round * ENDINGS.length + index, how);
  }
  await eventually(
    () => twist.countFds() <= before,
    'all sockets to be gone',
    () => `${before} ${twist.countFds()} ${target.sockets.size}`,
  );
  const ended = twist.log.filter(({ msg }) => msg === 'session ended');
  t.equal(ended.length, 40 * ENDINGS.length);
  t.notOk(twist.log.some(({ level }) => level === 'error'));
});

t.test('a client that goes while its target is being connected frees both', async (t) => {
  // It accepts, and never answers the TLS handshake.
  const target = await startTarget(t, (socket) => socket.resume().on('end', () => socket.end()));
  const twist = await startServing(t, {
    args: ['serve', '--tcp', `tls://${target.address}`, '--listen', '0', '--log-format', 'json'],
  });
  const before = twist.countFds();
  for (let round = 0; round < 20; round++) {
    const arrived = once(target.server, 'connection');
    const client = new WebSocket(twist.url);
    client.on('error', () => undefined);
    await within(arrived, 'the connection to the target');
    client.terminate();
  }
  await eventually(
    () => twist.countFds() <= before,
    'all sockets to be gone',
    () => `${before} ${twist.countFds()} ${target.sockets.size}`,
  );
  await eventually(() => target.sockets.size === 0, "the target's connections to be gone");
  t.ok(twist.isRunning);
});
