/**
 * What a recorder promises of output: with `always` nothing leaves before its record is on the disk,
 * whatever the disk does meanwhile. One process, real sockets, and a disk that stalls, fails and goes on
 * when it is told to.
 */
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { constants, inflateRawSync } from 'node:zlib';
import t, { type Test } from 'tap';
import { WebSocket } from 'ws';
import type { ModeSession } from '../../src/session/session.js';
import type { Mode } from '../../src/session/mode.js';
import type { DataOpcode } from '../../src/protocol/frame.js';
import type { FullPolicy } from '../../src/recording/file/writer-owner.js';
import { TAIL_BYTES, makeMessage } from '../fixtures/deflate.js';
import {
  type ClientExtension,
  type ExtensionClient,
  FORGETFUL_DEFLATE,
  clientDeflate,
  openWithExtensions,
} from '../fixtures/extension-client.js';
import {
  MORE,
  type ReadFrame,
  type TestFrame,
  binaryFrame,
  closeFrame,
  continuationFrame,
  encodeFrames,
  pingFrame,
  pongFrame,
  readFrames,
  textFrame,
} from '../fixtures/frames.js';
import { upgradeText } from '../fixtures/handshake.js';
import { type RawClient, connectRaw } from '../fixtures/raw-client.js';
import { type Line, payloadOf } from '../fixtures/read-recording.js';
import {
  RecordingServer,
  TestClock,
  WatchedMode,
  echoText,
  isGapLine,
} from '../fixtures/recording-server.js';
import { SeededRandom } from '../fixtures/seeded-random.js';
import { eventually, standstill, within } from '../fixtures/within.js';

t.setTimeout(240_000);

const TEXT = 1;
const CLOSE = 8;
const PING = 9;
const PONG = 10;

/** 9 MiB, which no turn of the event loop can compress or inflate, and little on the wire. */
const LARGE_TEXT = Buffer.from(makeMessage('json', 10 * 1024))
  .toString()
  .repeat(900);

/** Whether they are the same texts, which are too long for a report of the difference. */
function isSame(texts: readonly string[], others: readonly string[]): boolean {
  return texts.length === others.length && texts.every((text, index) => text === others[index]);
}

// ---- Clients

/** permessage-deflate of a client that remembers all that it got, and forgets what it sends. */
function takeoverDeflate(): ClientExtension {
  const wires: Uint8Array[] = [];
  let taken = 0;
  return {
    ...clientDeflate,
    decode: (payload) => {
      wires.push(payload, TAIL_BYTES);
      const finishFlush = constants.Z_SYNC_FLUSH;
      const all = inflateRawSync(Buffer.concat(wires), { finishFlush });
      const own = all.subarray(taken);
      taken = all.length;
      return own;
    },
  };
}

async function openPlain(t: Test, server: RecordingServer): Promise<ExtensionClient> {
  return await openWithExtensions(t, server.port, [], []);
}

async function openDeflate(t: Test, server: RecordingServer): Promise<ExtensionClient> {
  const client = await openWithExtensions(t, server.port, clientDeflate.name, [takeoverDeflate()]);
  if (client.agreed !== clientDeflate.name) throw new Error(`agreed on ${String(client.agreed)}`);
  return client;
}

const KINDS = [
  { name: 'plain', open: openPlain },
  { name: 'permessage-deflate', open: openDeflate },
] as const;

function sendTexts(client: ExtensionClient, ...texts: readonly string[]): void {
  client.send(...texts.map((text) => [TEXT, Buffer.from(text)] as const));
}

async function nextText(client: ExtensionClient): Promise<string> {
  return Buffer.from((await client.next()).payload).toString();
}

async function nextTexts(client: ExtensionClient, count: number): Promise<string[]> {
  const texts: string[] = [];
  while (texts.length < count) texts.push(await nextText(client));
  return texts;
}

/** Waits for a Close. @returns `1000 reason`, or which frame has come instead */
async function nextClose(client: ExtensionClient): Promise<string> {
  const { opcode, payload } = await client.nextFrame();
  const bytes = Buffer.from(payload);
  if (opcode !== CLOSE) return `opcode ${opcode} of ${bytes.length} bytes`;
  return `${bytes.readUInt16BE()} ${bytes.toString('utf8', 2)}`.trimEnd();
}

/** Waits for the server's FIN, behind which nothing came, and goes. */
async function leave(t: Test, client: ExtensionClient, frameCount: number): Promise<void> {
  await client.raw.waitForEnd();
  t.equal(client.raw.errorCode, null);
  t.equal(readFrames(client.raw.received).length, frameCount, 'nothing else has come');
  await client.raw.finish();
}

const received = (clients: readonly ExtensionClient[]): number =>
  clients.reduce((sum, { raw }) => sum + raw.receivedBytes, 0);

const isGone = ({ hasEnded, isClosed }: RawClient): boolean => hasEnded || isClosed;

// ---- Recordings

const messagesOf = (lines: readonly Line[], dir: 'in' | 'out'): Line[] =>
  lines.filter((line) => line.ev === 'msg' && line.dir === dir);

const textsOf = (lines: readonly Line[], dir: 'in' | 'out'): string[] =>
  messagesOf(lines, dir).map((line) => payloadOf(line).toString());

const lostIn = (lines: readonly Line[]): number =>
  lines.reduce((sum, { records = 0 }) => sum + records, 0);

/** Records of sessions. */
const countIn = (lines: readonly Line[]): number =>
  lines.filter(({ ev }) => ev !== 'gap' && ev !== 'file').length;

// ---- 1. Replies wait for the disk

t.test('no reply leaves before its record is on the disk', async (t) => {
  for (const { name, open } of KINDS) {
    await t.test(name, async (t) => {
      const mode = new WatchedMode();
      const server = await RecordingServer.start(t, { mode });
      const { syncs } = server.fileSystem;
      const client = await open(t, server);
      await server.stallSyncs();
      sendTexts(client, 'a');
      await syncs.waitForOne();
      sendTexts(client, 'b');
      client.sendFrames(pingFrame('c'));
      sendTexts(client, 'd');
      await mode.waitForMessages(3);
      await server.settle();
      t.equal(client.raw.receivedBytes, 0, 'nothing leaves while the disk stalls');

      syncs.letPass();
      t.equal(await nextText(client), 'a');
      t.strictSame(textsOf(server.lines(), 'out').slice(0, 1), ['a']);
      await syncs.waitForOne();
      await server.settle();
      const { length } = readFrames(client.raw.received);
      t.equal(length, 1, 'what came later waits for the next sync');

      syncs.open();
      t.equal(await nextText(client), 'b');
      t.match(await client.nextFrame(), { opcode: PONG, payload: Buffer.from('c') });
      t.equal(await nextText(client), 'd');
      t.strictSame(textsOf(server.lines(), 'out'), ['a', 'b', 'd']);
    });
  }
});

t.test('200 sessions wait for the same disk, and some do not live to see it', async (t) => {
  const mode = new WatchedMode();
  const server = await RecordingServer.start(t, { mode });
  const { syncs } = server.fileSystem;
  syncs.shut();
  const names = Array.from({ length: 200 }, (_, index) => `${index}`);
  // The answer to the handshake does not wait.
  const clients = await Promise.all(names.map(() => openPlain(t, server)));
  for (const [index, client] of clients.entries()) sendTexts(client, `a${index}`, `b${index}`);
  await mode.waitForMessages(400);
  for (const [index, client] of clients.entries()) sendTexts(client, `c${index}`);
  await mode.waitForMessages(600);
  await server.settle();
  t.equal(received(clients), 0, 'nothing leaves while the disk stalls');
  for (const [index, { raw }] of clients.entries())
    if (index % 10 === 0) raw.socket.resetAndDestroy();
  await eventually(() => server.connectionCount === 180, 'the ends of some');
  syncs.open();
  const living = names.filter((_, index) => index % 10 !== 0);
  const texts = await Promise.all(living.map((name) => nextTexts(clients[Number(name)]!, 3)));
  t.strictSame(
    texts,
    living.map((name) => [`a${name}`, `b${name}`, `c${name}`]),
  );
  await server.waitUntilWritten();
  t.equal(textsOf(server.lines(), 'out').length, 600);
});

t.test('who has said all and ends his side waits for the disk, too', async (t) => {
  for (const { name, open } of KINDS) {
    await t.test(name, async (t) => {
      const mode = new WatchedMode();
      // Room for all of it: behind a full queue the other client's message would wait, too.
      const server = await RecordingServer.start(t, { mode, queueBytes: 64 * 1024 * 1024 });
      const rude = await open(t, server);
      const polite = await open(t, server);
      await server.stallSyncs();
      sendTexts(rude, 'a', LARGE_TEXT);
      sendTexts(polite, 'b');
      polite.sendFrames(closeFrame(1000, 'bye'));
      await mode.waitForMessages(3);
      await mode.waitForCloses(1);
      for (const { raw } of [rude, polite]) raw.socket.end();
      await server.settle();
      t.equal(received([rude, polite]), 0);

      server.fileSystem.syncs.open();
      t.strictSame(await nextTexts(rude, 2), ['a', LARGE_TEXT]);
      await leave(t, rude, 2);
      t.equal(await nextText(polite), 'b');
      t.equal(await nextClose(polite), '1000 bye');
      await leave(t, polite, 2);
      await server.waitUntilEmpty();
      t.match(await server.endOf(rude.raw), { closedBy: 'lost', code: 1006 });
    });
  }
});

// ---- 2. The closing handshake waits, and its deadline with it

const CLOSE_MS = 5000;

t.test('a Close of the client is answered after a stall of any length', async (t) => {
  for (const { name, open } of KINDS) {
    await t.test(name, async (t) => {
      const clock = new TestClock(t);
      const mode = new WatchedMode();
      // Room for all of it: behind a full queue the Close would not be read.
      const server = await RecordingServer.start(t, {
        mode,
        queueBytes: 64 * 1024 * 1024,
        limits: { closeTimeout: CLOSE_MS },
      });
      const { syncs } = server.fileSystem;
      const client = await open(t, server);
      await server.stallSyncs();
      sendTexts(client, 'first');
      await syncs.waitForOne();
      sendTexts(client, LARGE_TEXT);
      client.sendFrames(closeFrame(1000, 'bye'));
      await mode.waitForCloses(1);
      clock.pass(3 * CLOSE_MS);
      await server.settle();
      t.equal(client.raw.receivedBytes, 0);
      t.notOk(isGone(client.raw), 'it is not dropped');

      syncs.letPass();
      t.equal(await nextText(client), 'first');
      await syncs.waitForOne();
      clock.pass(3 * CLOSE_MS);
      await server.settle();
      t.notOk(isGone(client.raw), 'nor while its Close waits for the next sync');

      syncs.open();
      t.ok((await nextText(client)) === LARGE_TEXT);
      t.equal(await nextClose(client), '1000 bye');
      await leave(t, client, 3);
      const end = await server.endOf(client.raw);
      t.match(end, { closedBy: 'client', code: 1000, reason: 'bye' });
      t.equal(end['rule'], undefined);
    });
  }
});

t.test('a Close of the server waits for the disk, and then for the client', async (t) => {
  for (const { name, open } of KINDS) {
    await t.test(name, async (t) => {
      const clock = new TestClock(t);
      const mode = new WatchedMode((session, text, opcode) => {
        echoText(session, text, opcode);
        session.close(1000, 'done');
      });
      const server = await RecordingServer.start(t, { mode, limits: { closeTimeout: CLOSE_MS } });
      const answers = await open(t, server);
      const silent = await open(t, server);
      await server.stallSyncs();
      for (const client of [answers, silent]) sendTexts(client, 'that is all');
      await mode.waitForMessages(2);
      clock.pass(3 * CLOSE_MS);
      await server.settle();
      t.equal(received([answers, silent]), 0);
      t.notOk(isGone(answers.raw) || isGone(silent.raw), 'nobody is dropped');

      server.fileSystem.syncs.open();
      for (const client of [answers, silent]) {
        t.equal(await nextText(client), 'that is all');
        t.equal(await nextClose(client), '1000 done');
      }
      // From here on a client has the whole time for its answer.
      clock.pass(CLOSE_MS - 500);
      await server.settle();
      t.notOk(isGone(answers.raw) || isGone(silent.raw));
      answers.sendFrames(closeFrame(1000, 'done'));
      await leave(t, answers, 2);
      const end = await server.endOf(answers.raw);
      t.match(end, { closedBy: 'server', code: 1000, reason: 'done' });
      t.equal(end['rule'], undefined);

      t.notOk(isGone(silent.raw));
      clock.pass(1000);
      await silent.raw.waitForEnd();
      t.match(await server.endOf(silent.raw), { closedBy: 'server', rule: 'close-timeout' });
    });
  }
});

// ---- 3. So do Pings

t.test('a Ping waits for the disk, and then for the client', async (t) => {
  const clock = new TestClock(t);
  const mode = new WatchedMode();
  const limits = { pingInterval: 2000, pongTimeout: 1000 };
  const server = await RecordingServer.start(t, { mode, limits });
  const { syncs } = server.fileSystem;
  const lively = await openPlain(t, server);
  const silent = await openPlain(t, server);
  await server.stallSyncs();
  clock.pass(2500);
  await syncs.waitForOne();
  clock.pass(60_000);
  await server.settle();
  t.equal(received([lively, silent]), 0);
  t.notOk(isGone(lively.raw) || isGone(silent.raw), 'nobody is dropped while its Ping is held');

  syncs.open();
  t.match(await lively.nextFrame(), { opcode: PING });
  t.match(await silent.nextFrame(), { opcode: PING });
  clock.pass(700);
  await server.settle();
  t.notOk(isGone(lively.raw) || isGone(silent.raw), 'the time for the answer begins now');
  lively.sendFrames(pongFrame());
  const isPong = ({ dir, op }: Line): boolean => dir === 'in' && op === PONG;
  await eventually(() => server.lines().some(isPong), 'the Pong');
  clock.pass(700);
  await silent.raw.waitForEnd();
  await silent.raw.finish();
  t.match(await server.endOf(silent.raw), { closedBy: 'server', rule: 'pong-timeout' });
  t.notOk(isGone(lively.raw));
  clock.pass(1500);
  t.match(await lively.nextFrame(), { opcode: PING }, 'it is asked again');
  lively.sendFrames(pongFrame());
  await lively.close();
  t.match(await server.endOf(lively.raw), { closedBy: 'client', code: 1000 });
});

// ---- 4. `stop`: the file cannot be written while replies wait

const STOPPED = '1013 the recording cannot be written';

/** A Close that was waiting already, or the one that says why. */
const ANY_CLOSE = /^(?:1013 the recording cannot be written|1000 (?:bye|done))$/;

/** What the disk answers with from now on to those who wait. */
function failDisk({ fileSystem }: RecordingServer, call: 'write' | 'syncData', code: string): void {
  fileSystem.fail(call, code);
  fileSystem.writes.open();
  fileSystem.syncs.open();
}

/** The disk is well again, and the server takes new clients. */
async function recover(t: Test, server: RecordingServer): Promise<void> {
  server.fileSystem.fail('write', null).fail('syncData', null);
  await eventually(() => !server.isStopped, 'the recording to go on');
  const client = await openPlain(t, server);
  sendTexts(client, 'again');
  t.equal(await nextText(client), 'again');
  await client.raw.finish();
}

const closeWhenAsked = (session: ModeSession, text: string, opcode: DataOpcode): void => {
  echoText(session, text, opcode);
  if (text === 'close me') session.close(1000, 'done');
};

for (const [call, code] of [
  ['write', 'ENOSPC'],
  ['syncData', 'EIO'],
] as const) {
  for (const { name, open } of KINDS) {
    t.test(`stop, ${code} while replies wait: ${name}`, async (t) => {
      const clock = new TestClock(t);
      const mode = new WatchedMode(closeWhenAsked);
      const server = await RecordingServer.start(t, { mode, limits: { closeTimeout: CLOSE_MS } });
      const clients = await Promise.all(Array.from({ length: 6 }, () => open(t, server)));
      const [replied, closed, wasClosed, idle, silent, shy] = clients as [
        ExtensionClient,
        ExtensionClient,
        ExtensionClient,
        ExtensionClient,
        ExtensionClient,
        ExtensionClient,
      ];
      for (const client of clients) {
        sendTexts(client, 'hello, hello');
        t.equal(await nextText(client), 'hello, hello');
      }
      const before = received(clients);
      await server.waitUntilWritten();
      server.fileSystem[call === 'write' ? 'writes' : 'syncs'].shut();
      sendTexts(replied, 'hello, one', 'hello, two');
      sendTexts(closed, 'hello, three');
      closed.sendFrames(closeFrame(1000, 'bye'));
      sendTexts(wasClosed, 'close me');
      sendTexts(silent, 'hello, four');
      // Nothing but a Close of its own.
      shy.sendFrames(closeFrame(1000, 'bye'));
      await mode.waitForMessages(clients.length + 5);
      await mode.waitForCloses(2);
      await server.settle();
      t.equal(received(clients), before, 'all replies wait');

      failDisk(server, call, code);
      for (const client of [replied, idle, silent]) t.equal(await nextClose(client), STOPPED);
      for (const client of [closed, wasClosed, shy]) t.match(await nextClose(client), ANY_CLOSE);
      t.ok(server.isStopped);
      for (const client of [replied, wasClosed, idle]) {
        client.sendFrames(closeFrame(1013));
        await leave(t, client, 2);
      }
      for (const client of [closed, shy]) await leave(t, client, 2);
      clock.pass(CLOSE_MS + 500);
      await silent.raw.waitForEnd();
      t.equal(readFrames(silent.raw.received).length, 2);
      t.match(await server.endOf(silent.raw), { rule: 'close-timeout' });
      await silent.raw.finish();
      await server.waitUntilEmpty();
      const late = await connectRaw(t, server.port);
      late.send(upgradeText());
      await late.waitForEnd();
      t.match(late.received.toString('latin1'), /^HTTP\/1\.1 503 /, 'nobody else is let in');

      await recover(t, server);
      const lines = await server.end();
      const texts = [
        'hello, one',
        'hello, two',
        'hello, three',
        'close me',
        'hello, four',
        'again',
      ];
      t.strictSame(textsOf(lines, 'in').slice(-texts.length).sort(), [...texts].sort());
      t.strictSame(textsOf(lines, 'out').slice(-texts.length).sort(), [...texts].sort());
      t.equal(lostIn(lines), 0);
    });
  }
}

/** What a client sends behind a message whose echo is being compressed when the file fails. */
const BEHIND_LARGE = [
  { name: 'nothing', send: () => undefined, take: echoText, hasClosed: false },
  {
    name: 'another message',
    send: (client: ExtensionClient) => client.frameOf(TEXT, Buffer.from('behind it')),
    take: echoText,
    hasClosed: false,
  },
  { name: 'its Close', send: () => closeFrame(1000, 'bye'), take: echoText, hasClosed: true },
  {
    name: 'nothing, and the mode closes',
    send: () => undefined,
    take: (session: ModeSession, text: string, opcode: DataOpcode) => {
      echoText(session, text, opcode);
      session.close(1000, 'done');
    },
    hasClosed: false,
  },
] as const;

for (const { name, send, take, hasClosed } of BEHIND_LARGE) {
  for (const turns of [0, 1]) {
    t.test(`stop, ${turns} turns into a compression; behind it ${name}`, async (t) => {
      const mode = new WatchedMode();
      const server = await RecordingServer.start(t, { mode });
      const client = await openDeflate(t, server);
      sendTexts(client, 'hello, hello');
      t.equal(await nextText(client), 'hello, hello');
      await server.waitUntilWritten();
      server.fileSystem.writes.shut();
      sendTexts(client, 'hello, one');
      await server.fileSystem.writes.waitForOne();
      const failed = new Promise<void>((resolve) => {
        mode.take = (session, text, opcode) => {
          take(session, text, opcode);
          if (text !== LARGE_TEXT) return;
          void (async () => {
            for (let turn = 0; turn < turns; turn++) await nextTurn();
            failDisk(server, 'write', 'ENOSPC');
            resolve();
          })();
        };
      });
      const behind = send(client);
      const large = client.frameOf(TEXT, Buffer.from(LARGE_TEXT));
      client.sendFrames(large, ...(behind === undefined ? [] : [behind]));
      await within(failed, 'the large message');
      t.match(await nextClose(client), ANY_CLOSE);
      t.ok(server.isStopped);
      if (!hasClosed) client.sendFrames(closeFrame(1013));
      await leave(t, client, 2);
      await server.waitUntilEmpty();
      await recover(t, server);
      const lines = await server.end();
      t.ok(textsOf(lines, 'in').includes(LARGE_TEXT));
      t.notOk(
        textsOf(lines, 'out').includes(LARGE_TEXT),
        'it was not through when the file failed',
      );
      t.ok(textsOf(lines, 'out').includes('hello, one'), 'what was through is recorded');
      t.equal(lostIn(lines), 0);
    });
  }
}

t.test('stop, while messages wait to be inflated', async (t) => {
  const mode = new WatchedMode();
  const server = await RecordingServer.start(t, { mode });
  const client = await openDeflate(t, server);
  await server.waitUntilWritten();
  server.fileSystem.writes.shut();
  mode.take = (session, text, opcode) => {
    echoText(session, text, opcode);
    failDisk(server, 'write', 'ENOSPC');
  };
  // A fast machine inflates one of them within a turn, but not all.
  sendTexts(client, 'first', LARGE_TEXT, LARGE_TEXT, LARGE_TEXT, 'behind it');
  t.equal(await nextClose(client), STOPPED);
  client.sendFrames(closeFrame(1013));
  await leave(t, client, 1);
  await server.waitUntilEmpty();
  mode.take = echoText;
  await recover(t, server);
  t.equal(mode.seen.at(-1), 'again');
  t.notOk(mode.seen.includes('behind it'));
  const lines = await server.end();
  t.ok(isSame(textsOf(lines, 'in'), mode.seen), 'the mode gets nothing that is not recorded');
  t.strictSame(
    textsOf(lines, 'out').filter((text) => text !== LARGE_TEXT),
    ['first', 'again'],
  );
  t.equal(lostIn(lines), 0);
});

/** What three clients send at once, which is far more than may wait. */
const FLOOD = Array.from({ length: 200 }, (_, index) => `${index} ${'x'.repeat(500)}`);

/** The disk has stalled until no client is read any more, since too many records wait. */
async function fillQueue(
  t: Test,
  onFull: FullPolicy,
  open: typeof openPlain,
): Promise<{ server: RecordingServer; mode: WatchedMode; clients: readonly ExtensionClient[] }> {
  const mode = new WatchedMode();
  const server = await RecordingServer.start(t, { mode, onFull, queueBytes: 16 * 1024 });
  const clients = await Promise.all([1, 2, 3].map(() => open(t, server)));
  await server.waitUntilWritten();
  server.fileSystem.writes.shut();
  for (const client of clients) sendTexts(client, ...FLOOD);
  await standstill(() => mode.seen.length, 'the queue to be full');
  t.ok(server.queuedBytes > 16 * 1024, 'the queue is full');
  t.ok(mode.seen.length < 2 * FLOOD.length, 'clients are not read');
  t.equal(received(clients), 0);
  return { server, mode, clients };
}

for (const { name, open } of KINDS) {
  t.test(`stop, while the queue is full: ${name}`, async (t) => {
    const { server, mode, clients } = await fillQueue(t, 'stop', open);
    const seen = mode.seen.length;
    failDisk(server, 'write', 'ENOSPC');
    for (const client of clients) t.equal(await nextClose(client), STOPPED);
    // It must be heard, though there is no room for records.
    for (const client of clients) {
      client.sendFrames(closeFrame(1013));
      await leave(t, client, 1);
    }
    await server.waitUntilEmpty();
    t.equal(mode.seen.length, seen, 'the mode gets nothing that is not recorded');
    await recover(t, server);
    const lines = await server.end();
    t.strictSame(textsOf(lines, 'in').sort(), [...mode.seen].sort());
    t.strictSame(textsOf(lines, 'out').sort(), [...mode.seen].sort());
    t.equal(lostIn(lines), 0);
  });

  t.test(`drop, while the queue is full: ${name}`, async (t) => {
    const { server, clients } = await fillQueue(t, 'drop', open);
    failDisk(server, 'write', 'ENOSPC');
    for (const client of clients) {
      const texts = await nextTexts(client, FLOOD.length);
      t.ok(texts.every((text, index) => text === FLOOD[index]));
    }
    server.fileSystem.fail('write', null);
    for (const client of clients) await client.close();
    const lines = await server.end();
    t.ok(lostIn(lines) > 0);
    t.equal(countIn(lines) + lostIn(lines), 3 * (1 + 2 * FLOOD.length + 2 + 1));
  });
}

// ---- 5. `drop`: records are left out, and taken again

/** The disk is well again, and stalls when records are taken again and the line about the others is written. */
async function waitForGapLine(server: RecordingServer): Promise<void> {
  const { writes } = server.fileSystem.fail('write', null);
  writes.shut(isGapLine);
  for (;;) {
    await writes.waitForOne();
    if (!server.isDropping) return;
    // One that had failed before.
    writes.letPass();
  }
}

t.test('drop: replies leave while records are left out, and wait from the gap on', async (t) => {
  for (const { name, open } of KINDS) {
    await t.test(name, async (t) => {
      const mode = new WatchedMode();
      const server = await RecordingServer.start(t, { mode, onFull: 'drop' });
      const { writes } = server.fileSystem;
      const x = await open(t, server);
      sendTexts(x, 'x1');
      t.equal(await nextText(x), 'x1');
      await server.waitUntilWritten();
      writes.shut();
      sendTexts(x, 'x2');
      await writes.waitForOne();
      const { receivedBytes } = x.raw;
      await server.settle();
      t.equal(x.raw.receivedBytes, receivedBytes);

      // While it fails.
      failDisk(server, 'write', 'ENOSPC');
      t.equal(await nextText(x), 'x2', 'what was held leaves');
      t.ok(server.isDropping);
      const y = await open(t, server);
      for (const [client, text] of [
        [x, 'x3'],
        [y, 'y1'],
      ] as const) {
        sendTexts(client, text);
        t.equal(await nextText(client), text, 'at once');
      }
      t.ok(server.isDropping);

      // While the line about it is being written.
      await waitForGapLine(server);
      const z = await open(t, server);
      const clients = [x, y, z];
      let before = received(clients);
      const seen = mode.seen.length;
      sendTexts(x, 'x4');
      sendTexts(y, 'y2');
      sendTexts(z, 'z1');
      await mode.waitForMessages(seen + 3);
      await server.settle();
      t.equal(received(clients), before, 'all replies wait again');

      // And that fails, too.
      failDisk(server, 'write', 'ENOSPC');
      t.equal(await nextText(x), 'x4');
      t.equal(await nextText(y), 'y2');
      t.equal(await nextText(z), 'z1', 'who came meanwhile gets his as well');
      t.ok(server.isDropping);
      sendTexts(z, 'z2');
      t.equal(await nextText(z), 'z2');

      // Until there is room.
      await waitForGapLine(server);
      before = received(clients);
      sendTexts(x, 'x5');
      sendTexts(z, 'z3');
      await mode.waitForMessages(seen + 6);
      await server.settle();
      t.equal(received(clients), before, 'and again');
      writes.open();
      t.equal(await nextText(x), 'x5');
      t.equal(await nextText(z), 'z3');
      const out = ['x1', 'x2', 'x4', 'y2', 'z1', 'x5', 'z3'].sort();
      t.strictSame(textsOf(server.lines(), 'out').sort(), out, 'each has its record by then');

      for (const client of clients) await client.close();
      const lines = await server.end();
      t.strictSame(textsOf(lines, 'in').sort(), out);
      t.strictSame(textsOf(lines, 'out').sort(), out);
      t.equal(countIn(lines) + lostIn(lines), 3 * (1 + 2 + 1) + 2 * 10, 'none is uncounted');
      const order = lines.filter(({ data, ev }) => ev === 'gap' || data?.startsWith('x'));
      t.strictSame(
        order.map(({ ev, data }) => data ?? ev).filter((one, index, all) => one !== all[index - 1]),
        ['x1', 'x2', 'gap', 'x4', 'gap', 'x5'],
        'the gap stands where records are missing',
      );
    });
  }
});

t.test('drop: the file fails while a reply is being compressed', async (t) => {
  for (const turns of [0, 1]) {
    await t.test(`${turns} turns into it`, async (t) => {
      const mode = new WatchedMode();
      const server = await RecordingServer.start(t, { mode, onFull: 'drop' });
      const client = await openDeflate(t, server);
      sendTexts(client, 'hello, hello');
      t.equal(await nextText(client), 'hello, hello');
      await server.waitUntilWritten();
      server.fileSystem.writes.shut();
      sendTexts(client, 'hello, one');
      await server.fileSystem.writes.waitForOne();
      const failed = new Promise<void>((resolve) => {
        mode.take = (session, text, opcode) => {
          echoText(session, text, opcode);
          if (text !== LARGE_TEXT) return;
          void (async () => {
            for (let turn = 0; turn < turns; turn++) await nextTurn();
            failDisk(server, 'write', 'ENOSPC');
            resolve();
          })();
        };
      });
      sendTexts(client, LARGE_TEXT, 'hello, two');
      await within(failed, 'the large message');
      t.strictSame(
        (await nextTexts(client, 3)).map((text) => (text === LARGE_TEXT ? 'large' : text)),
        ['hello, one', 'large', 'hello, two'],
      );
      server.fileSystem.fail('write', null);
      await eventually(() => !server.isDropping, 'records to be taken again');
      sendTexts(client, 'hello, three');
      t.equal(await nextText(client), 'hello, three');
      t.ok(textsOf(server.lines(), 'out').includes('hello, three'));
      await client.close();
      const lines = await server.end();
      t.equal(countIn(lines) + lostIn(lines), 1 + 2 * 5 + 2 + 1);
    });
  }
});

t.test('drop: a disk that fails again and again', async (t) => {
  const random = new SeededRandom(6);
  const messageCount = 48;
  /** Of each message whether records were taken when it was answered, and how many writes had failed. */
  const answered = new Map<string, { readonly wasTaken: boolean; readonly failures: number }>();
  let failures = 0;
  const mode = new WatchedMode((session, text, opcode) => {
    answered.set(text, { wasTaken: !server.isDropping, failures });
    echoText(session, text, opcode);
  });
  const times = { retryMs: 1 };
  const server: RecordingServer = await RecordingServer.start(t, { mode, onFull: 'drop', times });
  server.fileSystem.writeDelayMs = 1;
  server.fileSystem.fail('write', () => {
    const chance = random.below(20);
    if (chance >= 6) return null;
    if (chance >= 4) return 1 + random.below(300);
    failures++;
    return 'ENOSPC';
  });
  let early = 0;
  let checked = 0;
  const runSession = async (name: string): Promise<void> => {
    const client = await openPlain(t, server);
    for (let number = 0; number < messageCount; number += 3) {
      const texts = [0, 1, 2].map((more) => `${name}:${number + more};`);
      sendTexts(client, ...texts);
      for (const text of texts) {
        if ((await nextText(client)) !== text) t.fail(`not in order: ${text}`);
        const one = answered.get(text)!;
        // What the disk has failed with meanwhile has let it go.
        if (!one.wasTaken || one.failures !== failures) continue;
        checked++;
        const isItsRecord = ({ dir, data }: Line): boolean => dir === 'out' && data === text;
        if (!server.lines().some(isItsRecord)) early++;
      }
    }
    await client.close();
  };
  // At any time some begin and some end.
  const names = ['a', 'b', 'c', 'd'].map((name) =>
    [0, 1, 2, 3].map((number) => `${name}${number}`),
  );
  await Promise.all(
    names.map(async (sessions) => {
      for (const name of sessions) await runSession(name);
    }),
  );
  t.equal(early, 0, 'no reply left before its record was in the file');
  t.ok(checked > 20, `${checked} of them were looked at`);
  server.fileSystem.fail('write', null);
  await eventually(() => !server.isDropping, 'records to be taken again');
  const lines = await server.end();
  const taken = [...answered.keys()].filter((text) => answered.get(text)!.wasTaken);
  const bySession = (texts: readonly string[]): string[][] =>
    names.flat().map((name) => texts.filter((text) => text.startsWith(name)));
  t.strictSame(bySession(textsOf(lines, 'in')), bySession(taken), 'none that was taken is missing');
  t.strictSame(bySession(textsOf(lines, 'out')), bySession(taken));
  const isSome = taken.length > 20 && taken.length < answered.size - 20;
  t.ok(isSome, `${taken.length} of ${answered.size} were taken`);
  t.equal(
    countIn(lines) + lostIn(lines),
    names.flat().length * (1 + 2 * messageCount + 2 + 1),
    'and the others are counted',
  );
});

// ---- 6. A mode that sends whenever it may

/** Sends numbered messages until it is told to wait, goes on when it may, and closes behind the last. */
class EagerMode implements Mode {
  readonly name = 'eager';
  readonly delivery = 'messages';
  readonly #count: number;
  readonly #padding: string;
  /** Called once, when a session may go on for the first time. */
  onDrained: () => void = () => undefined;

  constructor(count: number, bytes: number) {
    this.#count = count;
    this.#padding = 'x'.repeat(bytes);
  }

  open(session: ModeSession): void {
    session.data = 0;
    this.#send(session);
  }

  drain(session: ModeSession): void {
    this.onDrained();
    this.onDrained = () => undefined;
    this.#send(session);
  }

  #send(session: ModeSession): void {
    let number = session.data as number;
    let mayGoOn = true;
    while (mayGoOn && number < this.#count)
      mayGoOn = session.send(`${session.id}:${number++} ${this.#padding}`) === 'sent';
    session.data = number;
    if (number === this.#count) session.close(1000, 'done');
  }
}

for (const [sync, perMessageDeflate, count, bytes] of [
  ['interval', false, 1000, 500],
  ['interval', true, 1000, 500],
  // Compressed behind a promise, each of them.
  ['interval', true, 30, 200 * 1024],
  ['interval', false, 15, 1024 * 1024],
  ['always', false, 1000, 500],
] as const) {
  const kind = `${perMessageDeflate ? 'permessage-deflate' : 'plain'}, ${bytes} bytes, ${sync}`;
  t.test(`a mode that sends all it may, over a slow disk: ${kind}`, async (t) => {
    const [sessions, queueBytes] = [5, 64 * 1024];
    const [lineBytes, openBytes] = [bytes + 200, 700];
    const mode = new EagerMode(count, bytes);
    const limits = { outputPause: 32 * 1024 };
    const server = await RecordingServer.start(t, { mode, sync, queueBytes, limits });
    let firstPeakBytes = 0;
    mode.onDrained = () => {
      firstPeakBytes = server.peakQueuedBytes;
      server.peakQueuedBytes = 0;
    };
    server.fileSystem.writes.shut();
    const got: string[][] = [];
    const ends = Array.from({ length: sessions }, async (_, index) => {
      const texts: string[] = [];
      got[index] = texts;
      const socket = new WebSocket(`ws://127.0.0.1:${server.port}/`, { perMessageDeflate });
      t.teardown(() => {
        socket.terminate();
      });
      socket.on('message', (data: Buffer) => {
        texts.push(data.toString().split(' ', 1)[0]!);
      });
      const [code] = (await once(socket, 'close')) as [number];
      return code;
    });
    // The handshakes are answered, whatever the disk does.
    await eventually(() => server.connectionCount === sessions, 'the sessions');
    await standstill(() => server.queuedBytes, 'the queue to be full');
    t.ok(server.queuedBytes >= queueBytes, 'the queue is full');
    const total = (): number => got.reduce((sum, { length }) => sum + length, 0);
    t.ok(total() < (sessions * count) / 2, 'and nobody goes on');

    server.fileSystem.writeDelayMs = 2;
    server.fileSystem.writes.open();
    t.strictSame(
      await within(Promise.all(ends), 'the ends'),
      Array.from(ends, () => 1000),
    );
    t.equal(total(), sessions * count, 'all is delivered');
    t.comment(`at most ${firstPeakBytes} bytes waited, and ${server.peakQueuedBytes} later`);
    // A session that has just come learns it from its first message.
    t.ok(firstPeakBytes <= queueBytes + sessions * (lineBytes + openBytes));
    // From then on one fills it; but what is being compressed is not recorded yet.
    t.ok(server.peakQueuedBytes <= queueBytes + (perMessageDeflate ? sessions : 1) * lineBytes);
    const lines = await server.end();
    const recorded = textsOf(lines, 'out').map((text) => text.split(' ', 1)[0]!);
    const byId = (texts: readonly string[], id: string): string[] =>
      texts.filter((text) => text.startsWith(`${id}:`));
    for (const texts of got) {
      const id = texts[0]!.split(':', 1)[0]!;
      const expected = Array.from({ length: count }, (_, number) => `${id}:${number}`);
      t.strictSame(texts, expected);
      t.strictSame(byId(recorded, id), expected, 'each is recorded once, and in order');
    }
    t.equal(lostIn(lines), 0);
  });
}

// ---- 7. A Close is recorded behind the messages before it

for (const sync of ['none', 'always'] as const) {
  t.test(`a Close behind a message that takes its time to inflate: ${sync}`, async (t) => {
    const large = { opcode: TEXT, rsv: 4, payload: clientDeflate.encode(Buffer.from(LARGE_TEXT)) };
    const small = { opcode: TEXT, rsv: 4, payload: clientDeflate.encode(Buffer.from('small')) };
    const close = closeFrame(1000, 'bye');
    const cases: readonly (readonly TestFrame[])[] = [
      [large, close],
      [large, small, close],
      [small, large, close],
      [large, pingFrame('p'), large, close],
      [large, large, large, closeFrame()],
    ];
    const server = await RecordingServer.start(t, { mode: new WatchedMode(), sync });
    for (const frames of cases) {
      const client = await openDeflate(t, server);
      const wire = encodeFrames(frames, true);
      client.raw.send(wire);
      await client.raw.waitForEnd();
      await client.raw.finish();
      await server.endOf(client.raw);
      t.comment(`${wire.length} bytes`);
    }
    await server.waitUntilEmpty();
    const lines = await server.end();
    const names = [...new Set(lines.flatMap(({ ev, s }) => (ev === 'open' ? s! : [])))];
    t.equal(names.length, cases.length);
    for (const [index, frames] of cases.entries()) {
      const own = lines.filter(({ s, ev }) => s === names[index] && (ev === 'msg' || ev === 'ctl'));
      const kindOf = ({ op, len }: Line): string =>
        op === TEXT ? (len === 5 ? 'small' : 'large') : op === CLOSE ? 'close' : 'ping';
      const kinds = (dir: string): string[] =>
        own.filter((line) => line.dir === dir && line.op !== PING && line.op !== PONG).map(kindOf);
      const expected = frames
        .filter(({ opcode }) => opcode !== PING)
        .map((frame) => (frame === large ? 'large' : frame === small ? 'small' : 'close'));
      t.strictSame(kinds('in'), expected);
      t.strictSame(kinds('out'), expected);
      const last = own.at(-1)!;
      t.match(last, { ev: 'ctl', dir: 'out', op: CLOSE }, 'our answer is the last of all');
    }
  });
}

// ---- 8. What a piece took on the wire

/** Echoes pieces as they come. */
class PieceMode implements Mode {
  readonly name = 'pieces';
  readonly delivery = 'chunks';
  pieces = 0;

  chunk(
    session: ModeSession,
    opcode: DataOpcode,
    bytes: Uint8Array,
    start: number,
    end: number,
    isFirst: boolean,
    isLast: boolean,
  ): void {
    this.pieces++;
    session.sendChunkRange(opcode, bytes, start, end, isFirst, isLast);
  }
}

/** For each message the sum over its pieces. */
function wireOfMessages(lines: readonly Line[]): number[] {
  const sums: number[] = [];
  for (const { part, wire } of lines) {
    if (part === undefined || part === 'first') sums.push(0);
    sums[sums.length - 1]! += wire!;
  }
  return sums;
}

/** For each message the bytes of its frames; control frames in between are none of them. */
function wireOfFrames(frames: readonly (TestFrame | ReadFrame)[], isMasked: boolean): number[] {
  const sums: number[] = [];
  for (const { opcode, isFinal = true, payload = '' } of frames) {
    if (opcode >= CLOSE) continue;
    if (opcode > 0) sums.push(0);
    sums[sums.length - 1]! += encodeFrames([{ opcode, isFinal, payload }], isMasked).length;
  }
  return sums;
}

/** The bytes of some frames, and which of them belong to messages. */
class Wire {
  readonly bytes: Buffer;
  /** Where each frame begins, and where the last one ends. */
  readonly borders: readonly number[];
  readonly #frames: readonly TestFrame[];

  constructor(frames: readonly TestFrame[]) {
    const wires = frames.map((frame) => encodeFrames([frame], true));
    const borders = [0];
    for (const { length } of wires) borders.push(borders.at(-1)! + length);
    this.bytes = Buffer.concat(wires);
    this.borders = borders;
    this.#frames = frames;
  }

  /** Bytes of messages among the first `end` bytes. */
  messageBytes(end: number): number {
    return this.#frames.reduce((sum, { opcode }, index) => {
      const bytes = Math.min(end, this.borders[index + 1]!) - this.borders[index]!;
      return opcode >= CLOSE || bytes < 0 ? sum : sum + bytes;
    }, 0);
  }

  /** Places to cut it at, the end included: somewhere, so many bytes from each other at most. */
  cutsAnywhere(seed: number, maxBytes: number): number[] {
    const random = new SeededRandom(seed);
    const cuts: number[] = [];
    for (let at = 0; (at += 1 + random.below(maxBytes)) < this.bytes.length;) cuts.push(at);
    return [...cuts, this.bytes.length];
  }

  /** The last byte of each frame and the header behind it come byte by byte, the rest at once. */
  cutsAtBorders(): number[] {
    const near = this.borders.flatMap((border) =>
      Array.from({ length: 17 }, (_, index) => border - 1 + index),
    );
    const { length } = this.bytes;
    const inside = near.filter((at) => at > 0 && at < length);
    return [...new Set([...inside, length])].sort((one, other) => one - other);
  }
}

/** The longest header of a client's frame. */
const HEADER_BYTES = 14;

/** How far it came: the pieces, and the bytes of messages that had arrived. */
interface Arrival {
  readonly pieces: number;
  readonly bytes: number;
}

/** Pieces for which more is counted than has come with them, or less than they have. */
function faultsOf(pieces: readonly Line[], arrivals: readonly Arrival[]): string[] {
  const faults: string[] = [];
  let before: Arrival = { pieces: 0, bytes: 0 };
  let sum = 0;
  for (const now of arrivals) {
    const come = now.bytes - before.bytes;
    const own = pieces.slice(before.pieces, now.pieces);
    const wire = own.reduce((bytes, piece) => bytes + piece.wire!, 0);
    sum += wire;
    if (sum > now.bytes) faults.push(`${sum} so far when ${now.bytes} bytes had come`);
    // The header may have come before.
    if (wire > come + HEADER_BYTES) faults.push(`${wire} when ${come} bytes had come`);
    for (const piece of own)
      if (piece.wire! < piece.len!) faults.push(`${piece.wire!} for ${piece.len!} bytes`);
    // What came without a piece counts for the next one.
    if (own.length > 0) before = now;
  }
  return faults;
}

const umlauts = Buffer.from('äöü€𝄞'.repeat(20_000));

const PIECE_FRAMES: readonly TestFrame[] = [
  binaryFrame(makeMessage('random', 200_000)),
  textFrame('abc'),
  textFrame(''),
  textFrame('', MORE),
  continuationFrame('hello', MORE),
  pingFrame('in between'),
  continuationFrame('x'.repeat(126), MORE),
  continuationFrame('y'.repeat(70_000), MORE),
  pingFrame(),
  continuationFrame('z'.repeat(3), MORE),
  continuationFrame(''),
  textFrame(umlauts.subarray(0, 50_001), MORE),
  continuationFrame(umlauts.subarray(50_001)),
  pingFrame('at the end'),
  binaryFrame('1', MORE),
  continuationFrame('2'),
  binaryFrame(makeMessage('zeros', 65_536)),
];

t.test('the pieces of a message together took what its frames took', async (t) => {
  const wire = new Wire(PIECE_FRAMES);
  for (const { name, cuts } of [
    { name: 'in large chunks', cuts: wire.cutsAnywhere(1, 60_000) },
    { name: 'in chunks of many sizes', cuts: wire.cutsAnywhere(2, 9000) },
    { name: 'headers byte by byte', cuts: wire.cutsAtBorders() },
    { name: 'at once', cuts: [wire.bytes.length] },
  ]) {
    await t.test(name, async (t) => {
      const mode = new PieceMode();
      const server = await RecordingServer.start(t, { mode, sync: 'none' });
      const client = await openPlain(t, server);
      const arrivals: Arrival[] = [];
      let sent = 0;
      for (const cut of cuts) {
        client.raw.send(wire.bytes.subarray(sent, cut));
        sent = cut;
        if (cuts.length > 1) await server.settle();
        arrivals.push({ pieces: mode.pieces, bytes: wire.messageBytes(cut) });
      }
      client.sendFrames(closeFrame(1000));
      await client.raw.waitForEnd();
      await client.raw.finish();
      const lines = await server.end();
      const pieces = messagesOf(lines, 'in');
      t.equal(pieces.length, mode.pieces);
      t.ok(
        pieces.some(({ part }) => part === 'middle'),
        'messages came in pieces',
      );
      t.strictSame(wireOfMessages(pieces), wireOfFrames(PIECE_FRAMES, true));
      t.strictSame(
        wireOfMessages(messagesOf(lines, 'out')),
        wireOfFrames(readFrames(client.raw.received), false),
      );
      if (cuts.length > 1) t.strictSame(faultsOf(pieces, arrivals).slice(0, 5), []);
    });
  }
});

t.test('a compressed message is one piece, and took what its frames took', async (t) => {
  const mode = new PieceMode();
  const server = await RecordingServer.start(t, { mode, sync: 'none' });
  const client = await openWithExtensions(t, server.port, FORGETFUL_DEFLATE, [clientDeflate]);
  const payload = clientDeflate.encode(Buffer.from(LARGE_TEXT));
  const middle = Math.floor(payload.length / 2);
  const frames = [
    { opcode: TEXT, rsv: 4, payload },
    { opcode: TEXT, rsv: 4, payload: payload.subarray(0, middle), ...MORE },
    pingFrame('in between'),
    continuationFrame(payload.subarray(middle), MORE),
    continuationFrame(''),
    textFrame('as it is'),
    { opcode: TEXT, rsv: 4, payload: clientDeflate.encode(Buffer.from('small')) },
  ];
  const wire = encodeFrames(frames, true);
  for (let at = 0; at < wire.length; at += 5000) {
    client.raw.send(wire.subarray(at, at + 5000));
    await server.settle();
  }
  const texts: string[] = [];
  const data: ReadFrame[] = [];
  while (texts.length < 4) {
    const frame = await client.nextFrame();
    if (frame.opcode >= CLOSE) continue;
    data.push(frame);
    const isCompressed = frame.rsv === 4;
    const bytes = isCompressed ? clientDeflate.decode(frame.payload) : frame.payload;
    texts.push(Buffer.from(bytes).toString());
  }
  const expected = [LARGE_TEXT, LARGE_TEXT, 'as it is', 'small'];
  t.ok(texts.every((text, index) => text === expected[index]));
  await client.close();
  const lines = await server.end();
  const received = messagesOf(lines, 'in');
  t.ok(received.every(({ part }) => part === undefined));
  t.strictSame(
    received.map(({ wire: bytes }) => bytes),
    wireOfFrames(frames, true),
  );
  t.strictSame(
    messagesOf(lines, 'out').map(({ wire: bytes }) => bytes),
    wireOfFrames(data, false),
  );
});
